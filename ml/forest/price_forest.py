"""PriceForest: takes a stone; returns its price, its range and the stones behind it. Needs only numpy.

Every answer is a weighted mean over training stones. One walk down the trees gives the leaves, and each
leaf stores its own mean as an integer. Sums of integers are the same in any order, so one stone
and a batch, numpy and the compiled walk (native.py) agree to the last bit. The leaves' members and
their weights are the comparables. Called by predictor.versions (one stone a request, or a batch),
training (scores) and the tests.
"""

import copy
import math
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ml.stones import BASIS, Basis
from ml.vocabulary import Vocabulary

from . import native
from .arrays import Array, Arrays, with_prefix
from .asked import Asked, BoostedTrend, RidgeTrend, X, Y, exchanged, exchanged_one
from .beyond import Beyond
from .matrix import BOOSTED_INPUTS, INPUT_COUNTS, as_matrix, of_each, row_of, rows_of
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
from .recorded import Found, Recorded
from .shops import ShopStep
from .support import Support, widened
from .trend import Trend
from .widths import widths_of

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
    0 for a forest that does not store it. listed: the row of the training stone that is the stone itself,
    if the price is that of its listing (recorded.py); otherwise -1.
    """

    price: float
    low: float
    high: float
    comparables: tuple[Comparable, ...] = ()
    turned: float | None = None
    extrapolated: bool = False
    adjustment: float = 0.0
    listed: int = -1


class Answers(NamedTuple):
    """The Answers to n stones, without comparables, as columns (n,): float64, `extrapolated` bool, `listed`
    int64; turned: NaN if there is no other order."""

    price: Array
    low: Array
    high: Array
    turned: Array
    extrapolated: Array
    adjustment: Array
    listed: Array

    def each(self) -> list[Answer]:
        """The same as a list of Answer."""
        return [
            Answer(price, low, high, (), None if math.isnan(other) else other, *rest)
            for price, low, high, other, *rest in zip(
                *(column.tolist() for column in self), strict=True
            )
        ]


class _Settled(NamedTuple):
    """The price of one stone, or of n as columns.

    log_price: of the first shop; added: what the asked shop adds to it; price: USD; lacking: whether it is
    an extrapolation (then it is read from the table of beyond.py, if the forest has one, and nothing is
    added); adjustment: of the comparables, in log price.
    """

    log_price: Any
    added: Any
    price: Any
    lacking: Any
    adjustment: Any


class PriceForest:
    """A trained forest of one scheme, as plain arrays; made by ml.training.fit.

    arrays: nodes, router, starts, members, steps (flatten.py); value: the lowest mean of the leaves and the
    unit; target and weight by training stone; trend_* and range_* tables (trend.py, ranges.py);
    recorded_*, the training stones as recorded. Newer graded forests have leaf_level, the lowest mean trend
    of the leaves and its unit, and beyond_* tables (beyond.py). The newest have boosted_* (boosted.py) and
    network_* (network.py), their trend, and answer in log price of the first shop; shops_* (shops.py) is
    the step to the second shop's, and expected_* the same for an estimated price; widths_* (widths.py)
    widen the range. With listings_reach a stone that is itself a training stone gets the price of its
    listing (recorded.py). left_out: the rows of the list that could not be used, as compressed CSV.
    metadata: how the forest was trained.
    compiled: False to walk with numpy only. threads: how many threads walk a batch.
    """

    def __init__(self, arrays: Arrays, metadata: dict[str, Any], compiled: bool = True) -> None:
        self.arrays, self.metadata = arrays, metadata
        self.scheme = metadata["scheme"]
        self.vocabulary = Vocabulary.of(metadata)
        self.columns = self.vocabulary.columns(self.scheme)
        self.basis = Basis(**metadata["basis"]) if "basis" in metadata else BASIS
        plain = {name: np.asarray(array) for name, array in arrays.items()}
        self._nodes, self._node_words = plain["nodes"], plain["nodes"].data
        self._starts, self._members = plain["starts"], plain["members"]
        self._router, self._steps = int(plain["router"]), int(plain["steps"])
        self._trees = self._starts.shape[1]
        self._least, self._unit = plain["value"].tolist()
        self._target, self._weight = plain["target"], plain["weight"]
        ridge = Trend.of_arrays(plain)
        self._trends: RidgeTrend | BoostedTrend = RidgeTrend(ridge, self.scheme)
        self._shops = self._expected = None
        inputs, boosted, networks = INPUT_COUNTS[self.scheme], None, None
        if "boosted_nodes" in plain:
            self._trends = BoostedTrend(ridge, plain, self.vocabulary, compiled)
            inputs, (boosted, networks) = BOOSTED_INPUTS, self._trends.native
            self._shops = ShopStep.of_arrays(with_prefix(plain, "shops_"))
            self._expected = ShopStep.of_arrays(with_prefix(plain, "expected_"))
        self._level = plain["leaf_level"].tolist() if "leaf_level" in plain else None
        self._head = HEAD if self._level else SHORT_HEAD
        tables = with_prefix(plain, "range_")
        self.curve = Quantiles(tables.pop("curve")) if "curve" in tables else None
        self._ranges, self._widths = Ranges(tables), widths_of(plain, compiled)
        tables = with_prefix(plain, "support_")
        self.support = Support(tables) if tables else None
        tables = with_prefix(plain, "beyond_")
        self._beyond = Beyond(tables, ridge) if tables else None
        self.recorded_columns = with_prefix(plain, "recorded_")
        self._listings = None
        if "listings_reach" in plain:
            stones = np.column_stack([self.recorded_columns[name] for name in self.columns])
            self._listings = Recorded(
                stones.astype(np.float32),
                self.recorded_columns["price"],
                self._shops or ShopStep.none(),
                plain["listings_reach"],
            )
        self._native = None
        if compiled:
            widths = self._widths and self._widths.native
            self._native = native.compiled_walk(
                plain, inputs, len(self.columns), boosted, networks, widths
            )
        self.threads = os.cpu_count() or 1

    @property
    def left_out(self) -> bytes:
        """The rows of its list that could not be used, as CSV; b"" if there are none."""
        packed = self.arrays.get("left_out")
        return b"" if packed is None else zlib.decompress(np.asarray(packed).tobytes())

    @property
    def _has_orders(self) -> bool:
        """Whether the order of the diameters can matter: with optional properties x is the length."""
        return self.scheme == "graded" and not self.vocabulary.optional

    @cached_property
    def has_two_shops(self) -> bool:
        """Whether the prices of two shops differ in the training data, as the order of x and y shows."""
        return self._shops is not None and bool(self._shops.values.any())

    @property
    def by_trees(self) -> "PriceForest":
        """The same forest, which prices a recorded stone like any other. It shares the arrays."""
        if self._listings is None:
            return self
        other = copy.copy(self)
        other._listings = None
        return other

    # Public methods

    def price(self, stones: Any) -> Array:
        """Prices in USD, not truncated; float64 (n,).

        stones: a DataFrame with the scheme's columns and any of the optional ones, or a float32 matrix
        (n, len(columns)) in their order, grades as ranks or codes. Raises ValueError as `matrix` does.
        """
        return self.answers(self.matrix(stones)).price

    def trend_price(self, stones: Any) -> Array:
        """The price by the ridge trend only, a formula without trees; USD float64 (n,). Stones and errors
        as in `price`."""
        matrix = self.matrix(stones)
        log_carat = of_each(math.log, matrix[:, 0])
        trend = self._trends.ridge.of(matrix.astype(np.float64), log_carat)
        return np.exp(trend + self._added_to_many(trend, log_carat, matrix))

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
        walk = None if self.vocabulary.optional else self._native
        leaves, trend, answer = self._compiled(walk, row) if walk else self._by_numpy(row)
        if self._listings:
            other = math.nan if answer.turned is None else answer.turned
            if found := self._listings.of_one(row, answer.price, other):
                return self._by_listings(answer, found, k)
        if not k:
            return answer
        own = np.array(leaves[: self._trees])
        return answer._replace(comparables=self._heaviest(own, trend, k))

    def _by_listings(self, answer: Answer, found: Found, k: int) -> Answer:
        """The same Answer, but by the listings of the stone itself; they weigh the same."""
        rows, adjusted = found.listed.rows[:k], found.listed.prices
        recorded, weight = self.recorded_columns["price"], 1 / len(adjusted)
        return answer._replace(
            price=found.price,
            low=found.low,
            high=found.high,
            comparables=tuple(
                Comparable(row, weight, float(recorded[row]), price)
                for row, price in zip(rows, adjusted, strict=False)
            ),
            turned=None if answer.turned is None else found.turned,
            extrapolated=False,
            adjustment=found.adjustment,
            listed=found.listed.rows[0],
        )

    def _compiled(self, walk: native.Walk, row: Array) -> tuple[Sequence[int], float, Answer]:
        """The words of one stone's leaves, and of others; the trend that its comparables are adjusted to;
        its Answer."""
        leaves, found = walk.answer(row.tobytes())
        price, low, high, turned, adjustment, trend, lacking = found
        other = None if math.isnan(turned) else turned
        return leaves, trend, Answer(price, low, high, (), other, lacking == 1, adjustment)

    def _by_numpy(self, row: Array) -> tuple[Array, float, Answer]:
        """The same, to the last bit."""
        stone = row.tolist()
        has_other = self._has_orders and stone[X] != stone[Y]
        (trend, inputs), *others = self._trends.asked_of_one(stone, has_other)
        leaves, sums = self._walk_one(inputs)
        turned = None
        for other in others:
            other_sums = self._walk_one(other.inputs)[1]
            turned = self._settled(exchanged_one(stone), other.trend, other_sums).price
        settled, low, high = self._price_and_range(stone, Asked(trend, inputs), sums)
        adjusted = trend + settled.added
        if settled.lacking and self._beyond:
            adjusted = math.log(settled.price) - self._mean_of_sums(*sums[2:4])
        return leaves, adjusted, self._answer(settled, low, high, turned)

    @staticmethod
    def _answer(settled: _Settled, low: float, high: float, turned: float | None) -> Answer:
        _, _, price, lacking, adjustment = settled
        return Answer(price, low, high, (), turned, lacking, adjustment)

    def target_means(self, inputs: Array) -> Array:
        """The forest's own answers, in its target's unit; inputs: float32 (n, q), as
        ml.forest.matrix.inputs_of_many gives them; float64 (n,)."""
        _, _, fine, coarse, *_ = self._sum_many(inputs)
        return self._mean_of_sums(fine, coarse)

    def answers(
        self, matrix: Array, turned: bool = False, may_match: Array | None = None
    ) -> Answers:
        """The Answers to n stones, equal to those of `answer` to the last bit; matrix: as from `matrix`.

        turned: whether to also compute the price with the diameters in the other order. may_match: as in
        `with_listings`.
        """
        return self.with_listings(matrix, self._answers_by_trees(matrix, turned), may_match)

    def _answers_by_trees(self, matrix: Array, turned: bool) -> Answers:
        """The same, without the listings of stones that are recorded themselves."""
        parts = np.array_split(matrix, -(-len(matrix) // PART))
        columns = zip(*(self._answers_of_part(part, turned) for part in parts), strict=True)
        return Answers(*map(np.concatenate, columns))

    def with_listings(
        self, matrix: Array, answers: Answers, may_match: Array | None = None
    ) -> Answers:
        """The answers of `by_trees`, replaced by those of their listings for stones that are recorded
        themselves. may_match: bool (n,), False for a stone that is none of them; by default all True."""
        if self._listings is None:
            return answers
        columns = Answers(*(np.array(column) for column in answers))
        for place, found in self._listings.of_many(matrix, answers.price, answers.turned).items():
            if may_match is not None and not may_match[place]:
                continue
            columns.price[place], columns.turned[place] = found.price, found.turned
            columns.low[place], columns.high[place] = found.low, found.high
            columns.extrapolated[place], columns.adjustment[place] = False, found.adjustment
            columns.listed[place] = found.listed.rows[0]
        return columns

    def answer_many(
        self, matrix: Array, turned: bool = False, may_match: Array | None = None
    ) -> list[Answer]:
        """The same as a list of Answer."""
        return self.answers(matrix, turned, may_match).each()

    def recorded(self, row: int) -> dict[str, Any]:
        """A training stone as recorded: {column: value}, grades and optional properties as names."""
        levels = self.vocabulary.levels
        return {
            column: levels(column)[values[row]] if values.dtype == np.uint8 else float(values[row])
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
        for place, listed in self._listings_of(matrix).items():
            means[place] = columns[listed].mean(axis=0)
        return means

    def _listings_of(self, matrix: Array) -> dict[int, list[int]]:
        """{place: the training stones whose prices make up the price of the stone there}."""
        if self._listings is None or not (places := [*self._listings.rows_of_many(matrix)]):
            return {}
        trees = self._answers_by_trees(matrix[places], turned=True)
        found = self._listings.of_many(matrix[places], trees.price, trees.turned)
        return {places[place]: one.listed.rows for place, one in found.items()}

    def trends(self, matrix: Array) -> Array:
        """log price by the trend only, in the shop of each stone; matrix: as from `matrix`; float64 (n,), 0
        for a coded forest, which does not answer by its trend. Added to the weighted mean of the targets it
        is the log price that the trees answer."""
        if self.scheme == "coded":
            return np.zeros(len(matrix))
        log_carat = of_each(math.log, matrix[:, 0])
        (trend, inputs), *_ = self._trends.asked(matrix, log_carat, False, self.threads)
        if self._expected is None:
            return trend
        return trend + self._added_to_many(trend + self.target_means(inputs), log_carat, matrix)

    def relative_prices(self, matrix: Array, prices: Array) -> Array:
        """How far recorded prices are above the trend, log price of the first shop; float64 (n,): what the
        target of a graded training stone would be. matrix: as from `matrix`; prices: USD (n,)."""
        log_carat, log_price = of_each(math.log, matrix[:, 0]), of_each(math.log, prices)
        trend = self._trends.asked(matrix, log_carat, False, self.threads)[0].trend
        if self._shops:
            shop = matrix[:, X] - matrix[:, Y]
            log_price = self._shops.first_shop_log(log_price, log_carat, shop, trend)
        return log_price - trend

    def matrix(self, stones: Any) -> Array:
        """The stones as float32 (n, len(columns)); see ml.forest.matrix.as_matrix."""
        return as_matrix(stones, self.scheme, self.vocabulary)

    def row(self, features: Mapping[str, Any]) -> Array:
        """One stone, {column: value}, as float32 (len(columns),); see ml.forest.matrix.row_of."""
        return row_of(features, self.scheme, self.vocabulary)

    def rows(self, stones: Iterable[Mapping[str, Any]]) -> Array:
        """The same for n stones, float32 (n, len(columns))."""
        return rows_of(stones, self.scheme, self.vocabulary)

    def unknown_in(self, features: Mapping[str, Any]) -> list[tuple[str, str | None]]:
        """What one stone, {column: value}, has that the version does not know; see
        ml.vocabulary.Vocabulary.unknown_in."""
        return [] if self.scheme == "coded" else self.vocabulary.unknown_in(features)

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
        log_carat = of_each(math.log, matrix[:, 0])
        return self._trends.asked(matrix, log_carat, False, self.threads)[0].inputs

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

    def _added(self, log_price: float, stone: list[float]) -> float:
        """What the shop of one stone adds to its log price in the first shop."""
        if self._expected is None or stone[X] <= stone[Y]:
            return 0.0
        return self._expected.added_to_one(log_price, math.log(stone[0]))

    def _settled(self, stone: list[float], trend: float, sums: Sequence[int]) -> _Settled:
        """One stone's price from its leaves."""
        mean, added = self._mean_of_sums(*sums[2:4]), 0.0
        if self.scheme == "coded":
            log_price, price = math.log(mean), mean
        else:
            log_price = trend + mean
            added = self._added(log_price, stone)
            price = math.exp(log_price + added)
        adjustment = self._adjustment_of_sum(trend, sums[5])
        lacking = self.support is not None and self.support.lacks(stone, price, adjustment)
        if lacking and self._beyond:
            log_price, added = self._beyond.log_price(stone), 0.0
            price = math.exp(log_price)
        return _Settled(log_price, added, price, lacking, adjustment)

    def _price_and_range(
        self, stone: list[float], asked: Asked, sums: Sequence[int]
    ) -> tuple[_Settled, float, float]:
        """One stone's price from its leaves, and low and high."""
        trend, inputs = asked
        low, high, _, coarse, square, _ = sums
        settled = self._settled(stone, trend, sums)
        log_price, added, price, lacking, _ = settled
        deviation = self._deviation_of_sums(coarse, square)
        if self.scheme == "coded":
            deviation /= price
        leaves, offset = (low / self._trees, high / self._trees), trend - log_price
        below, above = self._ranges.of_one(stone, log_price, leaves, deviation, offset)
        if self._widths and not lacking:
            below, above = self._widths.of_one(inputs[:-1], log_price, below, above)
        ends = price * math.exp(below), price * math.exp(above)
        if lacking:
            ends = widened(price, *ends, math.exp(trend + added))
        return settled, *ends

    # The same for many stones. math.log and math.exp are used in both, as numpy's may round differently.

    def _answers_of_part(self, matrix: Array, turned: bool) -> Answers:
        stones = matrix.astype(np.float64)
        log_carat = of_each(math.log, stones[:, 0])
        both = turned and self._has_orders
        asked = self._trends.asked(matrix, log_carat, both, self.threads)
        all_sums = self._sum_many(np.concatenate([inputs for _, inputs in asked]))
        sums, *other_sums = np.hsplit(all_sums, len(asked))
        trend, others = asked[0].trend, np.full(len(matrix), np.nan)
        for some in other_sums:
            other = self._settled_many(exchanged(matrix), log_carat, asked[1].trend, some)
            others = np.where(matrix[:, X] == matrix[:, Y], np.nan, other.price)
        settled = self._settled_many(matrix, log_carat, trend, sums)
        log_price, added, price, lacking, adjustment = settled
        deviation = self._deviation_of_sums(sums[3], sums[4], np.sqrt)
        if self.scheme == "coded":
            deviation /= price
        below, above = self._ranges.of_many(
            stones, log_carat, log_price, sums[:2] / self._trees, deviation, trend - log_price
        )
        if self._widths:
            features = asked[0].inputs[:, :-1]
            by_kind = self._widths.of_many(features, log_price, below, above, self.threads)
            below, above = (
                np.where(lacking, *ends) for ends in zip((below, above), by_kind, strict=True)
            )
        low, high = (price * of_each(math.exp, end) for end in (below, above))
        for row in np.flatnonzero(lacking):
            one = (price[row].item(), low[row].item(), high[row].item())
            low[row], high[row] = widened(*one, math.exp(trend[row] + added[row]))
        none = np.full(len(matrix), -1)
        return Answers(price, low, high, others, lacking, adjustment, none)

    def _added_to_many(self, log_price: Array, log_carat: Array, matrix: Array) -> Array:
        if self._expected is None:
            return np.zeros(len(log_price))
        added = self._expected.added(log_price, log_carat)
        return np.where(matrix[:, X] > matrix[:, Y], added, 0.0)

    def _settled_many(self, matrix: Array, log_carat: Array, trend: Array, sums: Array) -> _Settled:
        mean = self._mean_of_sums(*sums[2:4])
        log_price = of_each(math.log, mean) if self.scheme == "coded" else trend + mean
        added = self._added_to_many(log_price, log_carat, matrix)
        price = mean if self.scheme == "coded" else of_each(math.exp, log_price + added)
        adjustment = np.broadcast_to(self._adjustment_of_sum(trend, sums[5]), len(mean))
        if self.support is None:
            return _Settled(log_price, added, price, np.zeros(len(mean), bool), adjustment)
        lacking = self.support.lacks_many(matrix, price, adjustment)
        if self._beyond:
            for row in np.flatnonzero(lacking):
                log_price[row], added[row] = self._beyond.log_price(matrix[row].tolist()), 0.0
                price[row] = math.exp(log_price[row])
        return _Settled(log_price, added, price, lacking, adjustment)

    def _heaviest(self, leaves: Array, trend: float, k: int) -> tuple[Comparable, ...]:
        """The k members of the leaves with the largest weights as Comparables, repeated draws merged."""
        rows, share, _ = self._members_and_shares(leaves)
        small = rows.astype(np.uint16) if len(self._target) <= 1 << 16 else rows  # sorts faster
        order = small.argsort(kind="stable")
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
