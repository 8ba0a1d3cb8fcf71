"""How big a stone looks from above, beside recorded stones of its weight. Called by the pages."""

from dataclasses import dataclass

import numpy as np

NEAR = (0.02, 0.05, 0.1)
"""Ratios of the weight within which stones are compared; a wider one where the narrower has too few."""

ENOUGH = 20
"""So many recorded stones make a usual diameter."""

NOTICED = 0.01
"""Ratio of the diameter from which a stone is called large or small for its weight."""


@dataclass(frozen=True)
class FaceUp:
    """diameter, usual: mm, the mean of the two diameters, and the median of that of recorded stones of
    the weight; share: how much larger, a ratio; looks_like: ct, the weight that usually has this
    diameter; stones: how many were compared."""

    diameter: float
    usual: float
    share: float
    looks_like: float
    stones: int

    @property
    def kind(self):
        """Whether it is "large" or "small" for its weight, or "usual"."""
        if abs(self.share) < NOTICED:
            return "usual"
        return "large" if self.share > 0 else "small"


def face_up(features, forest):
    """The FaceUp of a stone; None where its diameters are not known, or no such weights were recorded."""
    if "x" not in features:
        return None
    carats = forest.recorded_columns["carat"]
    for near in NEAR:
        some = np.flatnonzero(np.abs(carats / features["carat"] - 1) <= near)
        if len(some) >= ENOUGH:
            break
    else:
        return None
    x, y = (forest.recorded_columns[name][some] for name in "xy")
    usual, diameter = float(np.median((x + y) / 2)), (features["x"] + features["y"]) / 2
    share = diameter / usual - 1
    return FaceUp(diameter, usual, share, features["carat"] * (1 + share) ** 3, len(some))
