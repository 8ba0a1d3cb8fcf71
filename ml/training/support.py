"""Reads off the training stones where they support a price; ml.forest.support holds answers against it.

Called by training alone.
"""

import numpy as np

from ml.forest.trend import LEVELS

RARE = 3
"""How many of the lightest and of the heaviest stones of a color and clarity do not count."""

ROUND = 0.999
"""Ratio of the stones whose diameters differ by no more than `roundness`."""


def learn_support(stones, scheme, price):
    """The tables of ml.forest.support.Support, as arrays; stones: float64 (n, p), price: (n,)."""
    _, colors, clarities = LEVELS[scheme]
    low, high = np.full((2, colors, clarities), np.inf)
    high *= -1
    carat, color, clarity = stones[:, 0], stones[:, 2], stones[:, 3]
    for grades in np.ndindex(colors, clarities):
        carats = np.sort(carat[(color == grades[0]) & (clarity == grades[1])])
        if len(carats) > 2 * RARE:
            low[grades], high[grades] = carats[RARE], carats[-1 - RARE]
    return {
        "low": low, "high": high,
        "dearest": np.array([price.max()]),
        "roundness": np.array([_roundness(stones) if scheme == "graded" else 0.0]),
    }  # fmt: skip


def _roundness(stones):
    x, y = stones[:, 6], stones[:, 7]
    return np.quantile(np.maximum(x, y) / np.minimum(x, y) - 1, ROUND)
