"""Finds the stones that two shops list, and learns the step between their prices (ml.forest.shops).

Called only by ml.training.
"""

import math

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from ml.forest.matrix import of_each
from ml.forest.shops import ShopStep
from ml.stones import KEYED, SCHEMES

COLUMNS = SCHEMES["graded"]
CARAT, X, Y = (COLUMNS.index(name) for name in ("carat", "x", "y"))

SMOOTH = 0.005
"""The ranges of log price of an expected step."""

STEPS, FEWEST = 12, 25
"""The most ranges of price and carat with a step of their own, and the fewest pairs in each."""


def stone_numbers(table):
    """A number for each graded stone, equal for all listings of one stone, as its key is; intp (n,).

    table: float64 (n, p), the scheme's columns, grades as ranks.
    """
    stones = table[:, [COLUMNS.index(name) for name in KEYED]].copy()
    stones[:, -3:-1] = np.sort(table[:, [X, Y]], axis=1)
    return np.unique(np.rint(stones * 100).astype(np.int64), axis=0, return_inverse=True)[1].ravel()


def shop_of(table):
    """The sign of x - y: 1 for the second shop, which states the larger diameter first; float64 (n,)."""
    return np.sign(table[:, X] - table[:, Y])


def pairs(table):
    """The stones that both shops list: (rows of the first shop's listings, rows of the second's)."""
    number, shop = stone_numbers(table), shop_of(table)
    first, second = np.flatnonzero(shop < 0), np.flatnonzero(shop > 0)
    _, of_first, of_second = np.intersect1d(number[first], number[second], return_indices=True)
    return first[of_first], second[of_second]


def learn_step(table, log_price, seed=0):
    """The ShopStep of some graded stones; log_price: float64 (n,). 0 where hardly any are listed twice.

    A regression tree of the difference of the log prices, by its median in each range.
    """
    first, second = pairs(table)
    if len(first) < STEPS * FEWEST:
        return ShopStep.none()
    known = np.column_stack([log_price, of_each(math.log, table[:, CARAT])])[first]
    tree = DecisionTreeRegressor(
        criterion="absolute_error",
        max_leaf_nodes=STEPS,
        min_samples_leaf=FEWEST,
        random_state=seed,
    ).fit(known, log_price[second] - log_price[first])
    edges = [np.unique(tree.tree_.threshold[tree.tree_.feature == column]) for column in (0, 1)]
    inside = [_between(some) for some in edges]
    grid = np.stack(np.meshgrid(*inside, indexing="ij"), axis=-1).reshape(-1, 2)
    return ShopStep(*edges, tree.predict(grid).reshape(len(inside[0]), -1))


def expected_step(shops, spread):
    """The ShopStep to add to an estimated log price: the mean of a step over a normal distribution.

    spread: its standard deviation, in log price. Smooth, so that a price near a boundary of the step
    does not fall when the stone is a little better.
    """
    if not len(shops.log_edges):
        return shops
    reach = 4 * spread
    edges = np.arange(shops.log_edges[0] - reach, shops.log_edges[-1] + reach, SMOOTH)
    away = (shops.log_edges[None] - _between(edges)[:, None]) / spread
    below = of_each(lambda at: (1 + math.erf(at / math.sqrt(2))) / 2, away.ravel())
    below = below.reshape(away.shape)
    ends = np.zeros((len(below), 1)), np.ones((len(below), 1))
    weights = np.diff(np.hstack([ends[0], below, ends[1]]), axis=1)
    values = [
        sum(one * part for one, part in zip(some, weights.T, strict=True))
        for some in shops.values.T
    ]
    return ShopStep(edges, shops.carat_edges, np.column_stack(values))


def _between(edges):
    """A number in each of the ranges that some edges bound."""
    if not len(edges):
        return np.zeros(1)
    return np.concatenate([[edges[0] - 1], (edges[1:] + edges[:-1]) / 2, [edges[-1] + 1]])
