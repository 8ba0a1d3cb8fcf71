"""The trend: the smooth part of a stone's price, one log-linear formula.

log price = a curve over log carat for every cut, every color and every clarity + color and clarity
together + depth and table. The curves are linear between the KINKS and stay linear outside them, so
that a stone larger than any recorded one still gets a plausible price. The graded forest's target is
relative to the trend; both schemes use it to measure how far comparables disagree. A ridge regression,
fitted by training; evaluated here with numpy only.
"""

import math
from bisect import bisect_right
from typing import Any

import numpy as np

from .arrays import Array

KINKS = np.log([0.3, 0.4, 0.5, 0.7, 0.9, 1, 1.2, 1.5])
"""log carat where the slope of the curves may change: the weights at which the trade's prices step."""

KNOTS = np.concatenate([np.log([0.2]), KINKS, np.log([2])])
"""log carat at which the fitted curves are stored."""

LEVELS = {"graded": (5, 7, 8), "coded": (5, 2, 5)}
"""The number of cuts, colors and clarities of a scheme (coded: one more than its largest code)."""

DEPTH, TABLE = (61.7, 1.4), (57.5, 2.2)
"""Centre and scale in %, so that the ridge penalty treats all regressors alike."""


def hats(at: Array, knots: Array) -> Array:
    """Interpolation weights on the knots, two in each row, summing to 1; float64 (n, knots).

    Outside the outer knots the last segment is extended linearly.
    """
    left, share = between_many(at, knots)
    weights, row = np.zeros((len(at), len(knots))), np.arange(len(at))
    weights[row, left], weights[row, left + 1] = 1 - share, share
    return weights


def between_many(at: Array, knots: Array) -> tuple[Array, Array]:
    """The knot to the left of each value (never the last one), and the position from there (a ratio)."""
    left = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    return left, (at - knots[left]) / (knots[left + 1] - knots[left])


def between_one(at: float, knots: list[float]) -> tuple[int, float]:
    """The same for one value; knots: a list."""
    left = min(max(bisect_right(knots, at) - 1, 0), len(knots) - 2)
    return left, (at - knots[left]) / (knots[left + 1] - knots[left])


def one_hot(stones: Array, scheme: str) -> list[Array]:
    """Boolean columns of cut, color and clarity; stones: (n, p) with them in columns 1 to 3."""
    return [
        stones[:, place, None] == np.arange(count)
        for place, count in enumerate(LEVELS[scheme], start=1)
    ]


def crossed(left: Array, right: Array) -> Array:
    """Every column of one matrix times every column of the other; (n, p) and (n, q) give (n, pq)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def ramps(log_carat: Array) -> Array:
    """The terms of the curves: log carat, and its excess over each kink; float64 (n, 1 + kinks).

    A ridge penalty on these makes the changes of slope small, not the prices.
    """
    return np.column_stack([log_carat, np.maximum(log_carat[:, None] - KINKS, 0)])


def trend_regressors(stones: Array, scheme: str) -> Array:
    """The trend's regressors; stones: float64 (n, p), a scheme's columns; float64 (n, k)."""
    curve = ramps(np.log(stones[:, 0]))
    cut, color, clarity = one_hot(stones, scheme)
    with_level = np.column_stack([np.ones(len(curve)), curve])
    grades = [crossed(grade, with_level) for grade in (cut, color, clarity)]
    proportions = np.column_stack(_scaled(stones[:, 4], stones[:, 5]))
    return np.hstack([curve, *grades, crossed(color, clarity), proportions])


def _scaled(depth: Any, table: Any) -> tuple[Any, Any]:
    return (depth - DEPTH[0]) / DEPTH[1], (table - TABLE[0]) / TABLE[1]


def proportions_of_one(depth: float, table: float, slopes: list[float]) -> float:
    """The contribution of depth and table to one stone's log price; slopes: a list."""
    depth, table = _scaled(depth, table)
    return slopes[0] * depth + slopes[1] * table


def lookup_tables(coefficients: Array, level: float, scheme: str) -> tuple[Array, Array]:
    """A fitted trend as lookup tables: the carat curve of every cut, color and clarity, float64
    (cuts, colors, clarities, knots), and the slopes of depth and table, float64 (2,)."""
    cuts, colors, clarities = LEVELS[scheme]
    curve = ramps(KNOTS).T
    with_level = np.vstack([np.ones(len(KNOTS)), curve])
    sizes = np.array([1, cuts, colors, clarities]) * len(with_level) - [1, 0, 0, 0]
    carat, cut, color, clarity, pair, slopes = np.split(
        coefficients, np.cumsum([*sizes, colors * clarities])
    )
    cut, color, clarity = (
        part.reshape(-1, len(with_level)) @ with_level for part in (cut, color, clarity)
    )
    curves = (
        (level + carat @ curve)
        + cut[:, None, None, :]
        + color[None, :, None, :]
        + clarity[None, None, :, :]
        + pair.reshape(1, colors, clarities, 1)
    )
    return curves, slopes


class Trend:
    """A fitted trend; curves and slopes as from `lookup_tables`."""

    def __init__(self, curves: Array, slopes: Array) -> None:
        self.curves, self.slopes = np.asarray(curves), np.asarray(slopes)
        self._curve_lists, self._slope_list = self.curves.tolist(), self.slopes.tolist()
        self._knots = KNOTS.tolist()

    def of(self, stones: Array, log_carat: Array | None = None) -> Array:
        """log(USD) by the trend only; stones: float64 (n, p); float64 (n,). log_carat: that of the
        stones, when the result has to equal `of_one` to the last bit."""
        cut, color, clarity = stones[:, 1:4].T.astype(np.intp)
        log_carat = np.log(stones[:, 0]) if log_carat is None else log_carat
        left, share = between_many(log_carat, KNOTS)
        here, there = (self.curves[cut, color, clarity, knot] for knot in (left, left + 1))
        depth, table = _scaled(stones[:, 4], stones[:, 5])
        return here + share * (there - here) + self.slopes[0] * depth + self.slopes[1] * table

    def of_one(self, stone: list[float]) -> float:
        """The same for one stone, a list of floats; a float."""
        carat, cut, color, clarity, depth, table = stone[:6]
        curve = self._curve_lists[int(cut)][int(color)][int(clarity)]
        left, share = between_one(math.log(carat), self._knots)
        here, there = curve[left], curve[left + 1]
        depth, table = _scaled(depth, table)
        slopes = self._slope_list
        return here + share * (there - here) + slopes[0] * depth + slopes[1] * table
