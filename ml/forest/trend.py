"""The trend: the smooth part of a stone's price, one log-linear formula.

log price = a curve over log carat for every cut, every color and every clarity + color and clarity
together + depth and table + a curve for every level of the optional properties, and what a color adds
to some of them. The curves are linear
between the KINKS and stay linear outside them, so that a stone larger than any recorded one still gets a
plausible price. The graded forest's target is relative to the trend; both schemes use it to measure how
far comparables disagree. A ridge regression, fitted by training; evaluated here with numpy only.
"""

import math
from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np

from ml.stones import SCHEMES
from ml.vocabulary import DEFAULT, Vocabulary

from .arrays import Array, Arrays

KINKS = np.log([0.3, 0.4, 0.5, 0.7, 0.9, 1, 1.2, 1.5])
"""log carat where the slope of the curves may change: the weights at which the trade's prices step."""

KNOTS = np.concatenate([np.log([0.2]), KINKS, np.log([2])])
"""log carat at which the fitted curves are stored."""

CODED_SIZES = (5, 2, 5)
"""One more than the largest code of cut, color and clarity of the coded scheme."""


BY_COLOR = ("origin", "fluorescence")
"""The optional properties whose part in the price depends on the color."""


class Sizes(NamedTuple):
    """The numbers of cuts, colors and clarities in a matrix, and of each optional property's levels.
    crossed: whether the trend has a term for each of its levels and each color."""

    cut: int
    color: int
    clarity: int
    optional: tuple[int, ...] = ()
    crossed: tuple[bool, ...] = ()

    @classmethod
    def of(cls, scheme: str, vocabulary: Vocabulary = DEFAULT) -> "Sizes":
        """Those of a scheme's matrix."""
        if scheme == "coded":
            return cls(*CODED_SIZES)
        counts = tuple(len(one.levels) for one in vocabulary.optional)
        return cls(
            *vocabulary.sizes(), counts, tuple(name in BY_COLOR for name in vocabulary.names)
        )

    @property
    def grades(self) -> tuple[int, int, int]:
        """The first three."""
        return self[:3]


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


def one_hot(stones: Array, sizes: Sizes) -> list[Array]:
    """Boolean columns of cut, color and clarity; stones: (n, p) with them in columns 1 to 3."""
    return [
        stones[:, place, None] == np.arange(count)
        for place, count in enumerate(sizes.grades, start=1)
    ]


def optional_one_hot(stones: Array, sizes: Sizes) -> Array:
    """Boolean columns of all levels of the optional properties, the last columns of stones; (n, levels)."""
    first = stones.shape[1] - len(sizes.optional)
    columns = [
        stones[:, place, None] == np.arange(count)
        for place, count in enumerate(sizes.optional, start=first)
    ]
    return np.hstack(columns) if columns else np.zeros((len(stones), 0), bool)


def crossed(left: Array, right: Array) -> Array:
    """Every column of one matrix times every column of the other; (n, p) and (n, q) give (n, pq)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def ramps(log_carat: Array) -> Array:
    """The terms of the curves: log carat, and its excess over each kink; float64 (n, 1 + kinks).

    A ridge penalty on these makes the changes of slope small, not the prices.
    """
    return np.column_stack([log_carat, np.maximum(log_carat[:, None] - KINKS, 0)])


def trend_regressors(stones: Array, sizes: Sizes) -> Array:
    """The trend's regressors; stones: float64 (n, p), a scheme's columns; float64 (n, k)."""
    curve = ramps(np.log(stones[:, 0]))
    cut, color, clarity = one_hot(stones, sizes)
    with_level = np.column_stack([np.ones(len(curve)), curve])
    grades = [crossed(grade, with_level) for grade in (cut, color, clarity)]
    proportions = np.column_stack(_scaled(stones[:, 4], stones[:, 5]))
    levels = optional_one_hot(stones, sizes)
    added = crossed(levels, with_level)
    by_color = crossed(levels[:, _crossed_levels(sizes)], color)
    return np.hstack([curve, *grades, crossed(color, clarity), proportions, added, by_color])


def _crossed_levels(sizes: Sizes) -> Array:
    """Which of all levels are crossed with the colors; bool (levels,)."""
    return np.repeat(np.array(sizes.crossed, bool), sizes.optional)


def _scaled(depth: Any, table: Any) -> tuple[Any, Any]:
    return (depth - DEPTH[0]) / DEPTH[1], (table - TABLE[0]) / TABLE[1]


FIRST = len(SCHEMES["graded"])
"""The column of the first optional property."""


class LevelCurves:
    """What the levels of optional properties add to a log price, as curves over log carat at the KNOTS, and
    for each color.

    values: float64 (levels, knots), those of all properties; colors: float64 (levels, colors); counts: the
    number of levels of each property.
    """

    def __init__(self, values: Array, colors: Array, counts: tuple[int, ...]) -> None:
        self.values, self.colors = np.asarray(values), np.asarray(colors)
        self.counts = tuple(int(count) for count in counts)
        self._lists, self._color_lists = self.values.tolist(), self.colors.tolist()
        self._begins = [sum(self.counts[:place]) for place in range(len(self.counts))]

    def of(self, stones: Array, left: Array, share: Array) -> Array:
        """log price of n stones, (n, p); left, share: as from `between_many`; float64 (n,)."""
        total, color = np.zeros(len(stones)), stones[:, 2].astype(np.intp)
        for column, begin in enumerate(self._begins, FIRST):
            level = begin + stones[:, column].astype(np.intp)
            here, there = self.values[level, left], self.values[level, left + 1]
            total = total + (here + share * (there - here) + self.colors[level, color])
        return total

    def of_one(self, stone: list[float], left: int, share: float) -> float:
        """The same for one stone, a list of floats."""
        total, color = 0.0, int(stone[2])
        for column, begin in enumerate(self._begins, FIRST):
            level = begin + int(stone[column])
            curve = self._lists[level]
            along = curve[left] + share * (curve[left + 1] - curve[left])
            total += along + self._color_lists[level][color]
        return total


def proportions_of_one(depth: float, table: float, slopes: list[float]) -> float:
    """The contribution of depth and table to one stone's log price; slopes: a list."""
    depth, table = _scaled(depth, table)
    return slopes[0] * depth + slopes[1] * table


def lookup_tables(
    coefficients: Array, level: float, sizes: Sizes
) -> tuple[Array, Array, LevelCurves]:
    """A fitted trend as lookup tables: the carat curve of every cut, color and clarity, float64
    (cuts, colors, clarities, knots), the slopes of depth and table, float64 (2,), and the curves of the
    levels of optional properties."""
    cuts, colors, clarities = sizes.grades
    curve = ramps(KNOTS).T
    with_level = np.vstack([np.ones(len(KNOTS)), curve])
    counts = np.array([1, cuts, colors, clarities]) * len(with_level) - [1, 0, 0, 0]
    levels = sum(sizes.optional) * len(with_level)
    carat, cut, color, clarity, pair, slopes, added, by_color = np.split(
        coefficients, np.cumsum([*counts, colors * clarities, 2, levels])
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
    of_levels = added.reshape(-1, len(with_level)) @ with_level
    of_colors = np.zeros((sum(sizes.optional), colors))
    of_colors[_crossed_levels(sizes)] = by_color.reshape(-1, colors)
    return curves, slopes, LevelCurves(of_levels, of_colors, sizes.optional)


class Curve:
    """A curve over log carat, given at the KNOTS; values: float64 (knots,), log(USD)."""

    def __init__(self, values: Array) -> None:
        self.values, self._list = np.asarray(values), np.asarray(values).tolist()
        self._knots = KNOTS.tolist()

    def of(self, log_carat: Array) -> Array:
        """log(USD) of n stones; float64 (n,)."""
        left, share = between_many(log_carat, KNOTS)
        here, there = self.values[left], self.values[left + 1]
        result: Array = here + share * (there - here)
        return result

    def of_one(self, log_carat: float) -> float:
        """The same for one stone."""
        left, share = between_one(log_carat, self._knots)
        here: float = self._list[left]
        return here + share * (self._list[left + 1] - here)


class Trend:
    """A fitted trend; curves, slopes and added as from `lookup_tables`."""

    def __init__(self, curves: Array, slopes: Array, added: LevelCurves | None = None) -> None:
        self.curves, self.slopes = np.asarray(curves), np.asarray(slopes)
        self.added = added or LevelCurves(np.zeros((0, len(KNOTS))), np.zeros((0, 0)), ())
        self._curve_lists, self._slope_list = self.curves.tolist(), self.slopes.tolist()
        self._knots = KNOTS.tolist()

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> "Trend":
        """From the arrays of a forest file."""
        curves, slopes = arrays["trend_curves"], arrays["trend_slopes"]
        if "trend_levels" not in arrays:
            return cls(curves, slopes)
        counts = tuple(np.asarray(arrays["trend_counts"]).tolist())
        tables = arrays["trend_levels"], arrays["trend_level_colors"]
        return cls(curves, slopes, LevelCurves(*tables, counts))

    def arrays(self) -> Arrays:
        """The trend as named arrays, for a forest file."""
        arrays = {"trend_curves": self.curves, "trend_slopes": self.slopes}
        if not self.added.counts:
            return arrays
        counts = np.array(self.added.counts)
        levels = {"trend_levels": self.added.values, "trend_level_colors": self.added.colors}
        return arrays | levels | {"trend_counts": counts}

    def of(self, stones: Array, log_carat: Array | None = None) -> Array:
        """log(USD) by the trend only; stones: float64 (n, p); float64 (n,). log_carat: that of the
        stones, when the result has to equal `of_one` to the last bit."""
        cut, color, clarity = stones[:, 1:4].T.astype(np.intp)
        log_carat = np.log(stones[:, 0]) if log_carat is None else log_carat
        left, share = between_many(log_carat, KNOTS)
        here, there = (self.curves[cut, color, clarity, knot] for knot in (left, left + 1))
        depth, table = _scaled(stones[:, 4], stones[:, 5])
        trend = here + share * (there - here) + self.slopes[0] * depth + self.slopes[1] * table
        return trend + self.added.of(stones, left, share) if self.added.counts else trend

    def of_one(self, stone: list[float]) -> float:
        """The same for one stone, a list of floats; a float."""
        carat, cut, color, clarity, depth, table = stone[:6]
        curve = self._curve_lists[int(cut)][int(color)][int(clarity)]
        left, share = between_one(math.log(carat), self._knots)
        here, there = curve[left], curve[left + 1]
        depth, table = _scaled(depth, table)
        slopes = self._slope_list
        trend = here + share * (there - here) + slopes[0] * depth + slopes[1] * table
        return trend + self.added.of_one(stone, left, share) if self.added.counts else trend
