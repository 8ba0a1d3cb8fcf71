"""Computes from the training stones where they support a price; ml.forest.support uses the result.

Called only by ml.training.
"""

import numpy as np

from ml.forest.trend import optional_one_hot

RARE = 3
"""The number of the lightest and of the heaviest stones of a color and clarity that are ignored."""

ROUND = 0.999
"""Ratio of the stones whose diameters differ by at most `roundness`."""


ADJUSTED = 0.997
"""Ratio of the training stones whose comparables are adjusted by at most `adjusted`."""


def learn_support(known, adjustments):
    """The tables of ml.forest.support.Support, as arrays; known: the training Stones (trends.py);
    adjustments: of the stones' comparables, in log price (n,); the coded scheme has none. With optional
    properties, stones of the next color or clarity count too: there are far more kinds of stones."""
    stones, scheme, price = known.table, known.scheme, known.price
    _, colors, clarities = known.sizes.grades
    low, high = np.full((2, colors, clarities), np.inf)
    high *= -1
    carat, color, clarity = stones[:, 0], stones[:, 2], stones[:, 3]
    near = 1 if known.vocabulary.optional else 0
    for grades in np.ndindex(colors, clarities):
        away = abs(color - grades[0]), abs(clarity - grades[1])
        carats = np.sort(carat[(away[0] <= near) & (away[1] <= near)])
        if len(carats) > 2 * RARE:
            low[grades], high[grades] = carats[RARE], carats[-1 - RARE]
    return _of_levels(known) | {
        "low": low,
        "high": high,
        "dearest": np.array([price.max()]),
        "adjusted": np.array([_most(adjustments) if scheme == "graded" else np.inf]),
        "roundness": np.array([_roundness(known.round_stones) if scheme == "graded" else 0.0]),
    }


def _of_levels(known):
    """The weights of each level's stones, in the order of the optional properties."""
    counts = known.sizes.optional
    if not counts:
        return {}
    low, high = np.full((2, sum(counts)), np.inf)
    high *= -1
    levels = optional_one_hot(known.matrix, known.sizes)
    for level, some in enumerate(levels.T):
        carats = np.sort(known.table[some, 0])
        if len(carats) > 2 * RARE:
            low[level], high[level] = carats[RARE], carats[-1 - RARE]
    return {"level_low": low, "level_high": high, "counts": np.array(counts)}


def _most(adjustments):
    return np.quantile(np.abs(adjustments), ADJUSTED)


def _roundness(stones):
    if not len(stones):
        return 0.0
    x, y = stones[:, 6], stones[:, 7]
    return np.quantile(np.maximum(x, y) / np.minimum(x, y) - 1, ROUND)
