"""The 80 % range: how far above and below its price a stone may sell.

In log price, an end of the range is a sum of: the mean of one number in each of the stone's leaves (how
the training stones around it spread), the disagreement of the trees, the trend, the cut, and two curves,
over carat and over price, for the stone's color and clarity. ml.training.calibration learns all of them;
here they are added up.
"""

import math
from typing import Any

import numpy as np

from .arrays import Array, Arrays
from .trend import FIRST, between_many, between_one

KNOTS = np.log([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 1.7, 2])
"""log carat at which the carat curves are given; they are constant outside."""

PRICE_KNOTS = 7


def _columns(counts: list[int]) -> range:
    """The columns of some optional properties."""
    return range(FIRST, FIRST + len(counts))


class Ranges:
    """Fitted ranges. The last axis of every table is (low, high), in log price.

    tables: level (levels, 2), of the optional properties, and counts, how many each of them has (both only
    where there are some); cut (cuts, 2); carat (colors, clarities, knots, 2); price (colors, clarities,
    price knots, 2) at price_knots, log(USD); disagreement, offset, floor, step (2,): slopes of the trees'
    standard deviation and of trend - price, and how the leaves' numbers are packed.
    """

    def __init__(self, tables: Arrays) -> None:
        self._arrays = {name: np.asarray(table) for name, table in tables.items()}
        counts = self._arrays.pop("counts", np.zeros(0, int)).tolist()
        self._begins = [(place, sum(counts[: place - FIRST])) for place in _columns(counts)]
        self.tables = {name: table.tolist() for name, table in self._arrays.items()}
        self._knots = KNOTS.tolist()

    def of_one(
        self,
        stone: list[float],
        log_price: float,
        leaves: tuple[float, float],
        disagreement: float,
        offset: float,
    ) -> tuple[float, float]:
        """Low and high by their distance from the price, in log price: low <= 0 <= high.

        stone: the scheme's columns, a list of floats. log_price: log(USD). leaves: the leaves' mean
        packed numbers (low, high). disagreement: the trees' standard deviation, in log price.
        offset: the trend's log price less the answer's.
        """
        t = self.tables
        cut, color, clarity = int(stone[1]), int(stone[2]), int(stone[3])
        here = (color, clarity)
        carat = self._on_curve(t["carat"], here, math.log(stone[0]), self._knots)
        price = self._on_curve(t["price"], here, log_price, t["price_knots"])
        low, high = (
            t["floor"][end]
            + t["step"][end] * leaves[end]
            + t["cut"][cut][end]
            + t["disagreement"][end] * disagreement
            + t["offset"][end] * offset
            + carat[end]
            + price[end]
            for end in (0, 1)
        )
        for place, begin in self._begins:
            below, above = t["level"][begin + int(stone[place])]
            low, high = low + below, high + above
        return min(low, 0.0), max(high, 0.0)

    def of_many(
        self,
        stones: Array,
        log_carat: Array,
        log_price: Array,
        leaves: Array,
        disagreement: Array,
        offset: Array,
    ) -> tuple[Array, Array]:
        """The same for n stones, to the last bit: float64 (2, n); stones: float64 (n, p), leaves (2, n)."""
        t = self._arrays
        cut, *here = stones[:, 1:4].T.astype(np.intp)
        carat = self._on_curves(t["carat"], here, log_carat, KNOTS)
        price = self._on_curves(t["price"], here, log_price, t["price_knots"])
        low, high = (
            t["floor"][end]
            + t["step"][end] * leaves[end]
            + t["cut"][cut, end]
            + t["disagreement"][end] * disagreement
            + t["offset"][end] * offset
            + carat[:, end]
            + price[:, end]
            for end in (0, 1)
        )
        for place, begin in self._begins:
            below, above = t["level"][begin + stones[:, place].astype(np.intp)].T
            low, high = low + below, high + above
        return np.minimum(low, 0.0), np.maximum(high, 0.0)

    @staticmethod
    def _on_curves(table: Array, grades: list[Array], at: Array, knots: Array) -> Array:
        left, share = between_many(np.clip(at, knots[0], knots[-1]), knots)
        here, there = (table[*grades, knot] for knot in (left, left + 1))
        return here + share[:, None] * (there - here)

    @staticmethod
    def _on_curve(
        table: Any, grades: tuple[int, int], at: float, knots: list[float]
    ) -> list[float]:
        color, clarity = grades
        left, share = between_one(min(max(at, knots[0]), knots[-1]), knots)
        curve = table[color][clarity]
        return [
            here + share * (there - here)
            for here, there in zip(curve[left], curve[left + 1], strict=True)
        ]
