"""How large a stone looks from above, compared with recorded stones of its weight. Called by the pages."""

from dataclasses import dataclass

import numpy as np

from ml.forest import PriceForest

from .serializers import Features
from .shapes import is_round, round_ones

NEAR = (0.02, 0.05, 0.1)
"""Ratios of the weight within which stones are compared; a wider one if the narrower has too few."""

ENOUGH = 20
"""The fewest recorded stones that give a usual diameter."""

NOTICED = 0.01
"""Ratio of the diameter from which a stone is called large or small for its weight."""


@dataclass(frozen=True)
class FaceUp:
    """diameter, usual: mm, the mean of the two diameters, and its median over recorded stones of the
    weight; share: how much larger it is, a ratio; looks_like: ct, the weight that usually has this
    diameter; stones: the number compared."""

    diameter: float
    usual: float
    share: float
    looks_like: float
    stones: int

    @property
    def kind(self) -> str:
        """Whether it is "large" or "small" for its weight, or "usual"."""
        if abs(self.share) < NOTICED:
            return "usual"
        return "large" if self.share > 0 else "small"


def face_up(features: Features, forest: PriceForest) -> FaceUp | None:
    """The FaceUp of a round stone; None for another shape, without its diameters, or without recorded round
    stones of its weight."""
    if "x" not in features or not is_round(features, forest.vocabulary):
        return None
    carats, alike = forest.recorded_columns["carat"], round_ones(forest)
    for near in NEAR:
        some = np.flatnonzero((np.abs(carats / features["carat"] - 1) <= near) & alike)
        if len(some) >= ENOUGH:
            break
    else:
        return None
    x, y = (forest.recorded_columns[name][some] for name in "xy")
    usual, diameter = float(np.median((x + y) / 2)), (features["x"] + features["y"]) / 2
    share = diameter / usual - 1
    return FaceUp(diameter, usual, share, features["carat"] * (1 + share) ** 3, len(some))
