"""Makes the table of prices outside the support (ml.forest.beyond) from a forest that has none yet.

Stones of usual proportions are priced on a grid of weights and all grades, in both orders of the diameters.
The forest's answers there are made to rise with weight, color and clarity: the mean, in log price, of the
smallest rising table above them and the largest rising table below them. Called only by ml.training.
"""

import numpy as np

from ml.forest.trend import FIRST

from .exact import rounded

DENSE, FAR = np.linspace(np.log(0.2), np.log(6), 160), (0.05, 0.1, 8, 11, 15, 21, 30)
KNOTS = rounded(np.sort(np.append(DENSE, np.log(FAR))))
"""log carat of the grid: dense where stones were recorded, and out to the bounds of carat."""

OVALITY = 0.002
"""Ratio by which the diameters of the grid's stones differ from their mean."""

RISING = (1, 2, 3)
"""The axes of the table along which prices have to rise: color, clarity, weight."""


def learn_beyond(forest, known):
    """The tables of ml.forest.beyond.Beyond, as arrays; known: the training Stones (trends.py)."""
    levels = _usual_levels(known)
    usual = [_usual(known, levels, cut) for cut in range(known.sizes.cut)]
    shape = *known.sizes.grades, len(KNOTS)
    grid = _grid(shape, usual, levels)
    log_prices = [
        rounded(np.log(forest.price(_with_diameters(grid, usual, side)))) for side in (-1, 1)
    ]
    depth, table, *_ = zip(*usual, strict=True)
    return ({"usual": np.array(levels)} if levels else {}) | {
        "knots": KNOTS,
        "level": risen(np.mean(log_prices, axis=0).reshape(shape)),
        "depth": np.array(depth),
        "table": np.array(table),
    }


def _usual_levels(known):
    """The level of each optional property that most stones have."""
    first = known.matrix.shape[1] - len(known.sizes.optional)
    return [int(np.bincount(column.astype(int)).argmax()) for column in known.matrix.T[first:]]


def _usual(known, levels, cut):
    """The usual (depth, table, mean diameter in mm at 1 ct, ovality) of stones of a cut and the usual
    levels: medians. All stones count where there are none."""
    stones = known.table
    alike = (stones[:, FIRST:] == levels).all(axis=1) if levels else np.ones(len(stones), bool)
    with_cut = alike & (stones[:, 1] == cut)
    some = stones[with_cut if with_cut.any() else alike if alike.any() else slice(None)]
    x, y = some[:, 6], some[:, 7]
    columns = some[:, 4], some[:, 5], (x + y) / 2 / np.cbrt(some[:, 0]), _ovality(known, x, y)
    return [float(np.median(values)) for values in columns]


def _ovality(known, x, y):
    """By how much the diameters differ from their mean, a ratio; OVALITY for stones without a shape, which
    are round."""
    if known.vocabulary.optional:
        return np.abs(x - y) / (x + y)
    return np.full(len(x), OVALITY)


def _grid(shape, usual, levels):
    """A stone of every cut, color, clarity and weight, without its measurements yet; float64 (n, p)."""
    cut, color, clarity, knot = (axis.ravel() for axis in np.indices(shape))
    stones = np.zeros((len(cut), FIRST + len(levels)))
    stones[:, FIRST:] = levels
    stones[:, :4] = np.column_stack([np.exp(KNOTS)[knot], cut, color, clarity])
    stones[:, 4:6] = np.array(usual)[cut, :2]
    return stones


def _with_diameters(grid, usual, side):
    """The grid's stones with measurements, either diameter being the larger one; float32 (n, p)."""
    stones = grid.copy()
    at_one, ovality = np.array(usual)[grid[:, 1].astype(int), 2:].T
    diameter, away = at_one * np.cbrt(grid[:, 0]), side * ovality
    stones[:, 6], stones[:, 7] = diameter * (1 + away), diameter * (1 - away)
    stones[:, 8] = diameter * grid[:, 4] / 100
    return stones.astype(np.float32)


def risen(level):
    """A table that rises along the axes RISING, midway between the nearest ones above and below it."""
    over, under = level, level
    for axis in RISING:
        over = np.maximum.accumulate(over, axis)
        under = np.flip(np.minimum.accumulate(np.flip(under, axis), axis), axis)
    return (over + under) / 2
