"""Computes from the training stones where they support a price; ml.forest.support uses the result.

Called only by ml.training.
"""

import numpy as np

from ml.forest.trend import LEVELS

RARE = 3
"""The number of the lightest and of the heaviest stones of a color and clarity that are ignored."""

ROUND = 0.999
"""Ratio of the stones whose diameters differ by at most `roundness`."""


ADJUSTED = 0.997
"""Ratio of the training stones whose comparables are adjusted by at most `adjusted`."""


def learn_support(stones, scheme, price, adjustments):
    """The tables of ml.forest.support.Support, as arrays; stones: float64 (n, p), price: (n,);
    adjustments: of the stones' comparables, in log price (n,); the coded scheme has none."""
    _, colors, clarities = LEVELS[scheme]
    low, high = np.full((2, colors, clarities), np.inf)
    high *= -1
    carat, color, clarity = stones[:, 0], stones[:, 2], stones[:, 3]
    for grades in np.ndindex(colors, clarities):
        carats = np.sort(carat[(color == grades[0]) & (clarity == grades[1])])
        if len(carats) > 2 * RARE:
            low[grades], high[grades] = carats[RARE], carats[-1 - RARE]
    return {
        "low": low,
        "high": high,
        "dearest": np.array([price.max()]),
        "adjusted": np.array([_most(adjustments) if scheme == "graded" else np.inf]),
        "roundness": np.array([_roundness(stones) if scheme == "graded" else 0.0]),
    }


def _most(adjustments):
    return np.quantile(np.abs(adjustments), ADJUSTED)


def _roundness(stones):
    x, y = stones[:, 6], stones[:, 7]
    return np.quantile(np.maximum(x, y) / np.minimum(x, y) - 1, ROUND)
