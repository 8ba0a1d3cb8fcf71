"""Prices outside the support: of stones with hardly any similar stones in the training data.

There the trees answer from stones of other weights and grades, so a heavier or better stone may come out
cheaper. So such prices are read from a table instead, which rises with weight, color and clarity and
follows the trees as closely as that allows; ml.training.beyond makes it. Depth and table adjust them as in
the trend. Only the graded forest has this table: the coded one answers by its original recipe.
"""

import math

import numpy as np

from .arrays import Array, Arrays
from .trend import between_one, proportions_of_one


class Beyond:
    """tables: knots (k,): log carat; level (cuts, colors, clarities, k): log(USD) of a stone of usual
    proportions; depth, table (cuts,): those proportions, in %. slopes: the trend's, of depth and table."""

    def __init__(self, tables: Arrays, slopes: Array) -> None:
        self._level = np.asarray(tables["level"])
        self._knots, self._depth, self._table = (
            np.asarray(tables[name]).tolist() for name in ("knots", "depth", "table")
        )
        self._slopes = np.asarray(slopes).tolist()

    def log_price(self, stone: list[float]) -> float:
        """log(USD) of one stone, a list of floats in the scheme's columns; linear outside the knots."""
        carat, cut, color, clarity, depth, table = stone[:6]
        cut = int(cut)
        level = self._level[cut, int(color), int(clarity)]
        left, share = between_one(math.log(carat), self._knots)
        here, there = float(level[left]), float(level[left + 1])
        usual = proportions_of_one(self._depth[cut], self._table[cut], self._slopes)
        return (
            here + share * (there - here) + proportions_of_one(depth, table, self._slopes) - usual
        )
