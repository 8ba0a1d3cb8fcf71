"""PriceForest: takes a stone; returns its price, its range and the stones behind it. Needs only numpy.

Every answer is a weighted mean over training stones. One walk down the trees gives the leaves, and each
leaf stores its own mean as an integer. Sums of integers are the same in any order, so one stone
and a batch, numpy and the compiled walk (native.py) agree to the last bit. The leaves' members and
their weights are the comparables. Called by predictor.versions (one stone a request, or a batch),
training (scores) and the tests.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ml.stones import BASIS, GRADES, SCHEMES, Basis

from . import native
from .arrays import Array, Arrays
from .beyond import Beyond
from .matrix import INPUT_COUNTS, as_matrix, inputs_of_many, inputs_of_one, of_each
from .nodes import (
    A_FEATURE,
    A_LOW,
    A_PLACE,
    HEAD,
    HEADS,
    LOW,
    SHORT_HEAD,
    ZERO,
    descend,
    keys_of_many,
    keys_of_one,
    walk,
)
from .quantiles import Quantiles
from .ranges import Ranges
from .support import Support, widened
from .trend import Trend

X, Y = (SCHEMES["graded"].index(diameter) for diameter in "xy")

CHUNK = 4096
"""The number of stones that numpy takes down the trees at a time."""

PART = 65_536
"""The number of stones priced at a time; it limits the memory of a large batch."""


@dataclass(frozen=True)
class Comparable:
    """A training stone behind a price: its row in the training stones, weight (a ratio), prices in USD.

    adjusted_price: its price adjusted to the properties of the asked stone by the trend. The weighted
    mean of the adjusted prices (geometric if the forest answers in log price) is the price.
    """

    row: int
    weight: float
    price: float
    adjusted_price: float


class Answer(NamedTuple):
    """Price, low and high in USD, not truncated; the comparables, largest weight first.

    turned: the price with the two diameters in the other order, not truncated; None if there is no other
    order. extrapolated: whether the stone, or its price, is outside the training data; then it is unknown
    how often prices lie in the range. adjustment: the mean adjustment of the comparables, in log price;
    0 for a forest that does not store it.
    """

    price: float
    low: float
    high: float
    comparables: tuple[Comparable, ...] = ()
    turned: float | None = None
    extrapolated: bool = False
    adjustment: float = 0.0


class Answers(NamedTuple):
    """The Answers to n stones, without comparables, as columns (n,): float64, `extrapolated` bool;
    turned: NaN if there is no other order."""

    price: Array
    low: Array
    high: Array
    turned: Array
    extrapolated: Array
    adjustment: Array

    def each(self) -> list[Answer]:
        """The same as a list of Answer."""
        return [
            Answer(price, low, high, (), None if math.isnan(other) else other, lacking, adjustment)
            for price, low, high, other, lacking, adjustment in zip(
                *(column.tolist() for column in self), strict=True
            )
        ]


class PriceForest:
    """A trained forest of one scheme, as plain arrays; made by ml.training.fit.

    arrays: nodes, router, starts, members, steps (flatten.py); value: the lowest mean of the leaves and the
    unit; target and weight by training stone; trend_* and range_* tables (trend.py, ranges.py);
    recorded_*, the training stones as recorded. Newer graded forests have leaf_level, the lowest mean trend
    of the leaves and its unit, and beyond_* tables (beyond.py). metadata: how the forest was trained.
    compiled: False to walk with numpy only. threads: how many threads walk a batch.
    """

    def __init__(self, arrays: Arrays, metadata: dict[str, Any], compiled: bool = True) -> None:
        self.arrays, self.metadata = arrays, metadata
        self.scheme = metadata["scheme"]
        self.columns = SCHEMES[self.scheme]
        self.basis = Basis(**metadata["basis"]) if "basis" in metadata else BASIS
        plain = {name: np.asarray(array) for name, array in arrays.items()}
        self._nodes, self._node_words = plain["nodes"], plain["nodes"].data
        self._starts, self._members = plain["starts"], plain["members"]
        self._router, self._steps = int(plain["router"]), int(plain["steps"])
        self._trees = self._starts.shape[1]
        self._least, self._unit = plain["value"].tolist()
        self._target, self._weight = plain["target"], plain["weight"]
        self._trend = Trend(plain["trend_curves"], plain["trend_slopes"])
        self._level = plain["leaf_level"].tolist() if "leaf_level" in plain else None
        self._head = HEAD if self._level else SHORT_HEAD
        tables = _with_prefix(plain, "range_")
        self.curve = Quantiles(tables.pop("curve")) if "curve" in tables else None
        self._ranges = Ranges(tables)
        tables = _with_prefix(plain, "support_")
        self.support = Support(tables) if tables else None
        tables = _with_prefix(plain, "beyond_")
        self._beyond = Beyond(tables, plain["trend_slopes"]) if tables else None
        self.recorded_columns = _with_prefix(plain, "recorded_")
        self._native = None
        if compiled:
            inputs, columns = INPUT_COUNTS[self.scheme], len(self.columns)
            self._native = native.compiled_walk(plain, inputs, columns)
        self.threads = os.cpu_count() or 1

    # Public methods

    def price(self, stones: Any) -> Array:
        """Prices in USD, not truncated; float64 (n,).

        stones: a DataFrame with the scheme's columns, or a float32 matrix (n, len(columns)) in
        their order, grades as ranks or codes. Raises ValueError as `matrix` does.
        """
        return self.answers(self.matrix(stones)).price

    def trend_price(self, stones: Any) -> Array:
        """The price by the trend only, USD float64 (n,). Stones and errors as in `price`."""
        return np.exp(self._trend.of(self.matrix(stones).astype(np.float64)))

    def adjustments(self, stones: Any) -> Array:
        """The mean adjustment of the comparables behind each price, in log price; float64 (n,): 0.1 for
        10 % up. 0 for a forest that does not store the trend of its leaves. Stones as in `price`."""
        return self.answers(self.matrix(stones)).adjustment

    def price_range(self, stones: Any) -> Array:
        """The 80 % range in USD, low and high; float64 (n, 2). Stones and errors as in `price`."""
        answers = self.answers(self.matrix(stones))
        return np.column_stack([answers.low, answers.high])

    def quantiles(self, stones: Any, levels: Any) -> Array:
        """The quantiles of the price distribution of each stone; USD float64 (n, k).

        levels: ratios (k,), over 0 and under 1; 0.1 and 0.9 give the ends of the 80 % range. Stones and
        errors as in `price`; also ValueError for other levels, and for a forest that was trained before
        forest files had the curve.
        """
        price, (low, high) = self.price(stones), self.price_range(stones).T
        return self._curve().prices(price, low, high, levels)

    def percentile(self, stones: Any, prices: Any) -> Array:
        """The percentile of each price in the distribution of its stone; float64 (n,), 0.1 to 99.9.

        prices: USD (n,). Stones and errors as in `quantiles`.
        """
        price, (low, high) = self.price(stones), self.price_range(stones).T
        return self._curve().percentile(price, low, high, np.asarray(prices, np.float64))

    def percentile_of(self, answer: Answer, asking: float) -> float | None:
        """The same for one price of a stone that has its Answer; None if it is unknown: for a forest
        without the curve, and for an extrapolation."""
        if self.curve is None or answer.extrapolated:
            return None
        return float(self.curve.percentile(answer.price, answer.low, answer.high, asking))

    def _curve(self) -> Quantiles:
        if self.curve is None:
            raise ValueError("this forest was trained before quantiles were learnt: train it anew")
        return self.curve

    def comparables(self, stone: Any, k: int | None) -> list[Comparable]:
        """The k Comparables with the largest weights behind a price, largest first.

        stone: a DataFrame of one row, or a matrix (1, len(columns)); k: None for all. Duplicates
        are merged. Raises ValueError as `matrix` does, and for more than one stone.
        """
        matrix = self.matrix(stone)
        if len(matrix) != 1:
            raise ValueError(f"{len(matrix)} stones; comparables are those of one")
        return list(self.answer(matrix[0], len(self._target) if k is None else k).comparables)

    def answer(self, row: Array, k: int = 0) -> Answer:
        """The Answer to one stone in one pass; row: finite float32 (len(columns),)."""
        walk = self._native
        leaves, trend, answer = self._compiled(walk, row) if walk else self._by_numpy(row)
        if not k:
            return answer
        return answer._replace(comparables=self._heaviest(np.array(leaves), trend, k))

    def _compiled(self, walk: native.Walk, row: Array) -> tuple[Sequence[int], float, Answer]:
        """The words of one stone's leaves, the trend that its comparables are adjusted to, its Answer."""
        leaves, found = walk.answer(row.tobytes())
        price, low, high, turned, adjustment, trend, lacking = found
        other = None if math.isnan(turned) else turned
        return (
            leaves[: self._trees],
            trend,
            Answer(price, low, high, (), other, lacking == 1, adjustment),
        )

    def _by_numpy(self, row: Array) -> tuple[Array, float, Answer]:
        """The same, to the last bit."""
        stone = row.tolist()
        trend = self._trend.of_one(stone)
        inputs = inputs_of_one(stone, trend, self.scheme)
        leaves, sums = self._walk_one(inputs)
        turned = None
        if self.scheme == "graded" and inputs[X] != inputs[Y]:
            turned = self._settled(stone, trend, self._turned_sums(inputs))[1]
        price, low, high, lacking, adjustment = self._price_and_range(stone, trend, sums)
        if lacking and self._beyond:
            trend = math.log(price) - self._mean_of_sums(*sums[2:4])
        return leaves, trend, Answer(price, low, high, (), turned, lacking, adjustment)

    def target_means(self, inputs: Array) -> Array:
        """The forest's own answers, in its target's unit; inputs: float32 (n, q), as
        ml.forest.matrix.inputs_of_many gives them; float64 (n,)."""
        _, _, fine, coarse, *_ = self._sum_many(inputs)
        return self._mean_of_sums(fine, coarse)

    def answers(self, matrix: Array, turned: bool = False) -> Answers:
        """The Answers to n stones, equal to those of `answer` to the last bit; matrix: as from `matrix`.

        turned: whether to also compute the price with the diameters in the other order.
        """
        parts = np.array_split(matrix, -(-len(matrix) // PART))
        columns = zip(*(self._answers_of_part(part, turned) for part in parts), strict=True)
        return Answers(*map(np.concatenate, columns))

    def answer_many(self, matrix: Array, turned: bool = False) -> list[Answer]:
        """The same as a list of Answer."""
        return self.answers(matrix, turned).each()

    def recorded(self, row: int) -> dict[str, Any]:
        """A training stone as recorded: {column: value}, grades as names."""
        return {
            column: GRADES[column][values[row]] if values.dtype == np.uint8 else float(values[row])
            for column, values in self.recorded_columns.items()
        }

    def weighted_means(self, matrix: Array, columns: Array) -> Array:
        """The weighted means over the training stones behind each price; float64 (n, k).

        matrix: as from `matrix`; columns: float64 (training stones, k). The mean of the target is the
        forest's own answer.
        """
        means = np.zeros((len(matrix), columns.shape[1]))
        for leaves in self._leaves_tree_by_tree(self._inputs(matrix)):
            leaf, which = np.unique(leaves, return_inverse=True)
            rows, share, begin = self._members_and_shares(leaf)
            means += np.add.reduceat(columns[rows] * share[:, None], begin)[which]
        return means

    def trends(self, matrix: Array) -> Array:
        """log price by the trend only; matrix: as from `matrix`; float64 (n,), 0 for a coded forest,
        which does not answer by its trend."""
        if self.scheme == "coded":
            return np.zeros(len(matrix))
        stones = matrix.astype(np.float64)
        return self._trend.of(stones, of_each(math.log, stones[:, 0]))

    def matrix(self, stones: Any) -> Array:
        """The stones as float32 (n, len(columns)); see ml.forest.matrix.as_matrix."""
        return as_matrix(stones, self.scheme)

    # The diameters in the other order: the other features that the trees split on stay the same

    def _turned_sums(self, inputs: list[float]) -> Sequence[int]:
        """The sums of one stone with its diameters in the other order."""
        return self._walk_one([*inputs[:X], inputs[Y], inputs[X], *inputs[Y + 1 :]])[1]

    def _sum_many_both(self, inputs: Array) -> list[Array]:
        """The sums of n stones as from `_sum_many`, and those with the diameters in the other order."""
        turned = inputs.copy()
        turned[:, [X, Y]] = inputs[:, [Y, X]]
        return np.hsplit(self._sum_many(np.concatenate([inputs, turned])), 2)

    # Walking down the trees

    def _walk_one(self, inputs: list[float]) -> tuple[Any, Sequence[int]]:
        """The words of the leaves that one stone reaches, and their sums, with numpy; inputs: floats."""
        leaves = self._leaves_by_numpy(keys_of_one(np.array(inputs, np.float32)))
        heads = self._members[(leaves & A_LOW) + HEADS]
        _, low, high, fine, coarse, level = np.add.reduce(heads, axis=1).tolist()
        wide = heads[4].astype(np.int64)
        return leaves, (low, high, fine, coarse, int(wide @ wide), level)

    def _leaves_by_numpy(self, keys: list[int]) -> Array:
        """The words of the leaves that one stone reaches, with numpy; int64 (trees,)."""
        key, nodes, words = np.array(keys), self._nodes, self._node_words
        word = nodes[self._starts[descend(words, words[self._router], keys) & LOW]]
        for _ in range(self._steps):
            word = nodes[(word - key[word >> A_FEATURE]) >> A_PLACE]
        late = (word >= ZERO).nonzero()[0]
        if late.size:
            word[late] = [descend(words, one, keys) for one in word[late].tolist()]
        return word

    def _inputs(self, matrix: Array) -> Array:
        return inputs_of_many(matrix, self.trends(matrix), self.scheme)

    def _sum_many(self, inputs: Array) -> Array:
        """The sums over the trees of the numbers in n stones' leaves; int64 (6, n): the numbers for low
        and high, the fine and the coarse half of the mean, the coarse half squared, the members' trend."""
        if self._native:
            return self._native.sum_many(inputs, self.threads)
        parts = range(0, len(inputs), CHUNK)
        return np.concatenate([self._sum_by_numpy(inputs[p : p + CHUNK]) for p in parts], axis=1)

    def _sum_by_numpy(self, inputs: Array) -> Array:
        """The same for a few thousand stones, with numpy."""
        sums = np.zeros((6, len(inputs)), np.int64)
        for leaves in self._leaves_tree_by_tree(inputs):
            heads = self._members[(leaves & A_LOW) + HEADS[1:]]
            sums[[0, 1, 2, 3, 5]] += heads
            sums[4] += heads[3].astype(np.int64) ** 2
        return sums

    def _leaves_tree_by_tree(self, inputs: Array) -> Iterator[Array]:
        """The words of the leaves that n stones reach, tree by tree: int64 (n,) each."""
        keys = keys_of_many(inputs)
        cell = walk(self._nodes, np.full(len(keys), self._router), keys) & LOW
        for start in self._starts[cell].T:
            yield walk(self._nodes, start, keys)

    # From the leaves' numbers to prices

    def _mean_of_sums(self, fine: Any, coarse: Any) -> Any:
        """The mean over the trees, in the target's unit, of sums over the trees."""
        return self._least + self._unit * (fine + coarse * 65_536) / self._trees

    def _deviation_of_sums(
        self, coarse: Any, square: Any, root: Callable[[Any], Any] = math.sqrt
    ) -> Any:
        """The standard deviation over the trees, in the target's unit, of sums over the trees."""
        spread = self._trees * square - coarse * coarse
        return self._unit * 65_536 * root(spread) / self._trees

    def _adjustment_of_sum(self, trend: Any, level: Any) -> Any:
        """The adjustment of the comparables, in log price, from the sum over the trees of their trend."""
        if self._level is None:
            return 0.0
        least, unit = self._level
        return trend - (least + unit * level / self._trees)

    def _settled(
        self, stone: list[float], trend: float, sums: Sequence[int]
    ) -> tuple[float, float, bool, float]:
        """log price and price of one stone from its leaves; whether it is an extrapolation (then the price
        is read from the table of beyond.py, if the forest has one); the adjustment of its comparables."""
        mean = self._mean_of_sums(*sums[2:4])
        if self.scheme == "coded":
            log_price, price = math.log(mean), mean
        else:
            log_price = trend + mean
            price = math.exp(log_price)
        adjustment = self._adjustment_of_sum(trend, sums[5])
        lacking = self.support is not None and self.support.lacks(stone, price, adjustment)
        if lacking and self._beyond:
            log_price = self._beyond.log_price(stone)
            price = math.exp(log_price)
        return log_price, price, lacking, adjustment

    def _price_and_range(
        self, stone: list[float], trend: float, sums: Sequence[int]
    ) -> tuple[float, float, float, bool, float]:
        """Price, low and high of one stone from its leaves, whether it is an extrapolation, and the
        adjustment of its comparables."""
        low, high, _, coarse, square, _ = sums
        log_price, price, lacking, adjustment = self._settled(stone, trend, sums)
        deviation = self._deviation_of_sums(coarse, square)
        if self.scheme == "coded":
            deviation /= price
        leaves, offset = (low / self._trees, high / self._trees), trend - log_price
        below, above = self._ranges.of_one(stone, log_price, leaves, deviation, offset)
        ends = price * below, price * above
        if lacking:
            ends = widened(price, *ends, math.exp(trend))
        return price, *ends, lacking, adjustment

    # The same for many stones. math.log and math.exp are used in both, as numpy's may round differently.

    def _answers_of_part(self, matrix: Array, turned: bool) -> Answers:
        stones = matrix.astype(np.float64)
        log_carat = of_each(math.log, stones[:, 0])
        trend = self._trend.of(stones, log_carat)
        inputs, others = inputs_of_many(matrix, trend, self.scheme), np.full(len(matrix), np.nan)
        if turned and self.scheme == "graded":
            sums, other_sums = self._sum_many_both(inputs)
            prices = self._settled_many(matrix, trend, other_sums)[1]
            others = np.where(matrix[:, X] == matrix[:, Y], np.nan, prices)
        else:
            sums = self._sum_many(inputs)
        log_price, price, lacking, adjustment = self._settled_many(matrix, trend, sums)
        deviation = self._deviation_of_sums(sums[3], sums[4], np.sqrt)
        if self.scheme == "coded":
            deviation /= price
        below, above = self._ranges.of_many(
            stones, log_carat, log_price, sums[:2] / self._trees, deviation, trend - log_price
        )
        low, high = price * below, price * above
        for row in np.flatnonzero(lacking):
            one = (price[row].item(), low[row].item(), high[row].item())
            low[row], high[row] = widened(*one, math.exp(trend[row]))
        return Answers(price, low, high, others, lacking, adjustment)

    def _settled_many(
        self, matrix: Array, trend: Array, sums: Array
    ) -> tuple[Array, Array, Array, Array]:
        mean = self._mean_of_sums(*sums[2:4])
        log_price = of_each(math.log, mean) if self.scheme == "coded" else trend + mean
        price = mean if self.scheme == "coded" else of_each(math.exp, log_price)
        adjustment = np.broadcast_to(self._adjustment_of_sum(trend, sums[5]), len(mean))
        if self.support is None:
            return log_price, price, np.zeros(len(mean), bool), adjustment
        lacking = self.support.lacks_many(matrix, price, adjustment)
        if self._beyond:
            for row in np.flatnonzero(lacking):
                log_price[row] = self._beyond.log_price(matrix[row].tolist())
                price[row] = math.exp(log_price[row])
        return log_price, price, lacking, adjustment

    def _heaviest(self, leaves: Array, trend: float, k: int) -> tuple[Comparable, ...]:
        """The k members of the leaves with the largest weights as Comparables, repeated draws merged."""
        rows, share, _ = self._members_and_shares(leaves)
        order = rows.argsort(kind="stable")
        rows, share = rows[order], share[order]
        first = np.append(0, (rows[1:] != rows[:-1]).nonzero()[0] + 1)
        weight = np.add.reduceat(share, first)
        top = (-weight).argsort(kind="stable")[:k]
        rows, weight = rows[first[top]], weight[top]
        price = self.recorded_columns["price"][rows]
        adjusted = price if self.scheme == "coded" else np.exp(trend + self._target[rows])
        columns = (rows.tolist(), weight.tolist(), price.tolist(), adjusted.tolist())
        return tuple(Comparable(*values) for values in zip(*columns, strict=True))

    def _members_and_shares(self, leaves: Array) -> tuple[Array, Array, Array]:
        """The leaves' members, one leaf after the other; the weight of each (a leaf from each tree has 1 in
        all); where each leaf begins."""
        at = leaves & A_LOW
        size = self._members[at].astype(np.intp)
        begin = np.add.accumulate(size) - size
        place = (at - begin).repeat(size)
        place += np.arange(self._head, len(place) + self._head)
        rows = self._members[place].astype(np.intp)
        weight = self._weight[rows]
        total = np.add.reduceat(weight, begin) * self._trees
        return rows, weight / total.repeat(size), begin


def _with_prefix(arrays: Arrays, prefix: str) -> Arrays:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}
