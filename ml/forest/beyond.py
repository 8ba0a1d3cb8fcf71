"""Prices outside the support: of stones with hardly any similar stones in the training data.

There the trees answer from stones of other weights and grades, so a heavier or better stone may come out
cheaper. So such prices are read from a table instead, which rises with weight, color and clarity and
follows the trees as closely as that allows; ml.training.beyond makes it. Depth and table adjust them as in
the trend. Only the graded forest has this table: the coded one answers by its original recipe.
"""

import math

import numpy as np

from .arrays import Arrays
from .trend import FIRST, KNOTS, Trend, between_one, proportions_of_one


class Beyond:
    """tables: knots (k,): log carat; level (cuts, colors, clarities, k): log(USD) of a stone of usual
    proportions; depth, table (cuts,): those proportions, in %; usual (optional properties,): their levels,
    where there are some. trend: the ridge trend, of whose formula depth, table and levels take part."""

    def __init__(self, tables: Arrays, trend: Trend) -> None:
        self._level = np.asarray(tables["level"])
        self._knots, self._depth, self._table = (
            np.asarray(tables[name]).tolist() for name in ("knots", "depth", "table")
        )
        self._slopes, self._added = trend.slopes.tolist(), trend.added
        self._usual = np.asarray(tables.get("usual", [])).tolist()
        self._trend_knots = KNOTS.tolist()

    def log_price(self, stone: list[float]) -> float:
        """log(USD) of one stone, a list of floats in the scheme's columns; linear outside the knots."""
        carat, cut, color, clarity, depth, table = stone[:6]
        cut = int(cut)
        level = self._level[cut, int(color), int(clarity)]
        left, share = between_one(math.log(carat), self._knots)
        here, there = float(level[left]), float(level[left + 1])
        usual = proportions_of_one(self._depth[cut], self._table[cut], self._slopes)
        log_price = (
            here + share * (there - here) + proportions_of_one(depth, table, self._slopes) - usual
        )
        return log_price + self._of_levels(stone) if self._usual else log_price

    def _of_levels(self, stone: list[float]) -> float:
        """What the levels of a stone's optional properties add, compared with the usual ones."""
        left, share = between_one(math.log(stone[0]), self._trend_knots)
        usual = [*stone[:FIRST], *self._usual]
        return self._added.of_one(stone, left, share) - self._added.of_one(usual, left, share)
