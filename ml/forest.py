"""PriceForest: a stone in; its price, its range and the stones it rests on out. Needs numpy alone.

Every answer is a weighted mean over training stones. One walk down the trees (nodes.py) gives the
leaves, the leaves give the stones and their weights, and the weights give the rest. Called by the
registry (one stone a request, or a batch), training (scores) and the tests.
"""

import math
from dataclasses import dataclass

import numpy as np

from . import compiled
from .gates import Gates
from .matrix import as_matrix, features, features_of_one
from .nodes import (
    A_FEATURE,
    A_LOW,
    A_PLACE,
    HEAD,
    HEADS,
    LOW,
    ZERO,
    descend,
    keys_of,
    keys_of_one,
    walk,
)  # fmt: skip
from .ranges import Ranges
from .stones import GRADES, SCHEMES
from .trend import Trend


@dataclass(frozen=True)
class Comparable:
    """A training stone behind a price: its row among them, weight (a ratio), prices in USD.

    adjusted_price is what it would cost with the asked stone's properties, as far as the trend
    explains them; their weighted mean (geometric where the forest answers in log price) is the price.
    """

    row: int
    weight: float
    price: float
    adjusted_price: float


@dataclass(frozen=True)
class Answer:
    """Price, low and high in USD, not truncated; the heaviest comparables, heaviest first."""

    price: float
    low: float
    high: float
    comparables: tuple = ()


class PriceForest:
    """A trained forest of one scheme, as plain arrays; made by ml.training.fit.

    arrays: nodes, router, starts, members, steps (flatten.py), gate_* tables where they shorten the walk
    (gates.py); target and weight by training stone;
    trend_* and range_* tables (trend.py, ranges.py); recorded_*, the training stones as they were
    recorded. metadata: how it was made.
    """

    def __init__(self, arrays, metadata):
        self.arrays, self.metadata = arrays, metadata
        self.scheme = metadata["scheme"]
        self.columns = SCHEMES[self.scheme]
        plain = {name: np.asarray(array) for name, array in arrays.items()}
        self._nodes, self._words = plain["nodes"], memoryview(plain["nodes"])
        self._starts, self._members = plain["starts"], plain["members"]
        self._router, self._steps = int(plain["router"]), int(plain["steps"])
        self._trees = self._starts.shape[1]
        self._target, self._weight = plain["target"], plain["weight"]
        self._weighted = self._target * self._weight
        self._trend = Trend(plain["trend_curves"], plain["trend_slopes"])
        self._ranges = Ranges(_named(plain, "range_"))
        self._recorded = _named(plain, "recorded_")
        self._gates = Gates(_named(plain, "gate_")) if "gate_words" in plain else None

    # What callers ask

    def price(self, stones):
        """Prices in USD, not truncated; float64 (n,).

        stones: a DataFrame with the scheme's columns, or a float32 matrix (n, len(columns)) in
        their order, grades as ranks or codes. Raises ValueError as `matrix` does.
        """
        matrix = self.matrix(stones)
        parts = np.array_split(matrix, max(1, len(matrix) // compiled.ROWS))  # bounds the memory
        return np.concatenate([self._prices(part) for part in parts])

    def price_range(self, stones):
        """The 80 % range in USD, low and high; float64 (n, 2). Stones and errors as in `price`."""
        return np.array([(answer.low, answer.high) for answer in self.answers(self.matrix(stones))])

    def comparables(self, stone, k):
        """The k heaviest Comparables behind a price, heaviest first.

        stone: a DataFrame of one row, or a matrix (1, len(columns)); k: None for all. Duplicates
        are merged. Raises ValueError as `matrix` does, and for more than one stone.
        """
        matrix = self.matrix(stone)
        if len(matrix) != 1:
            raise ValueError(f"{len(matrix)} stones; comparables are those of one")
        return list(self.answer(matrix[0], len(self._target) if k is None else k).comparables)

    def answer(self, row, k=0):
        """The Answer to one stone from one pass; row: finite float32 (len(columns),)."""
        stone = row.tolist()
        trend = self._trend.of_one(stone)
        leaves = self._leaves_of_one(features_of_one(stone, trend, self.scheme))
        members, begin, heads = self._lists(leaves)
        weight, total, answer = self._answers_of(members, begin)
        priced = self._priced(stone, trend, *self._averaged(answer, heads))
        if not k:
            return Answer(*priced)
        share = weight / (total * self._trees).repeat(heads[:, 0])
        return Answer(*priced, self._heaviest(members, share, trend, k))

    def means(self, inputs):
        """The forest's own answers, in its target's unit; inputs: float32 (n, q), as
        ml.matrix.features gives them; float64 (n,)."""
        return self._said(inputs)[0]

    def answers(self, matrix):
        """The Answers (without comparables) to n stones; matrix: as `matrix` gives it."""
        trend = self._trend.of(matrix.astype(np.float64))
        said = self._said(features(matrix, trend, self.scheme)).T
        stones = zip(matrix.tolist(), trend.tolist(), said.tolist(), strict=True)
        return [Answer(*self._priced(stone, trend, *one)) for stone, trend, one in stones]

    def recorded(self, row):
        """A training stone as it was recorded: {column: value}, grades as names."""
        return {
            column: GRADES[column][values[row]] if values.dtype == np.uint8 else float(values[row])
            for column, values in self._recorded.items()
        }

    def matrix(self, stones):
        """The stones as float32 (n, len(columns)); see ml.matrix.as_matrix."""
        return as_matrix(stones, self.scheme)

    # Down the trees

    def _leaves_of_one(self, inputs):
        """The words of the leaves that one stone reaches; int64 (trees,)."""
        keys = keys_of_one(inputs)
        key, nodes, words = np.array(keys), self._nodes, self._words
        if self._gates:
            word = self._gates.of_one(inputs)
        else:
            cell = descend(words, words[self._router], keys) & LOW
            word = nodes[self._starts[cell]]
        for _ in range(self._steps):
            word = nodes[(word - key[word >> A_FEATURE]) >> A_PLACE]
        late = (word >= ZERO).nonzero()[0]
        if late.size:
            word[late] = [descend(words, one, keys) for one in word[late].tolist()]
        return word

    def leaves(self, inputs):
        """The words of the leaves that stones reach, tree by tree: int64 (n,) each.

        inputs: float32 (n, q), as ml.matrix.features gives them, a few thousand at most.
        """
        keys = keys_of(inputs)
        cell = walk(self._nodes, np.full(len(keys), self._router), keys) & LOW
        for start in self._starts[cell].T:
            yield walk(self._nodes, start, keys)

    # What the leaves say

    def _lists(self, leaves):
        """All members of the leaves, where each leaf's begin; the leaves' heads, intp (leaves, 3)."""
        at = leaves & A_LOW
        heads = self._members[at[:, None] + HEADS].astype(np.intp)
        size = heads[:, 0]
        begin = np.add.accumulate(size) - size
        place = (at - begin).repeat(size)
        place += np.arange(HEAD, len(place) + HEAD)
        return self._members[place].astype(np.intp), begin, heads

    def _answers_of(self, members, begin):
        """The members' weights, each leaf's total, each leaf's own answer."""
        weight = self._weight[members]
        total = np.add.reduceat(weight, begin)
        return weight, total, np.add.reduceat(self._weighted[members], begin) / total

    def _averaged(self, answer, heads):
        """What one stone's leaves say on the mean, as `_said` but four floats."""
        _, low, high = np.add.reduce(heads).tolist()
        mean, square = np.add.accumulate(answer)[-1], np.add.accumulate(answer * answer)[-1]
        return tuple(total / self._trees for total in (float(mean), float(square), low, high))

    def _said(self, inputs):
        """Over the trees, the mean answer, its mean square, the mean numbers for low and high;
        float64 (4, n), each summed in the order of the trees."""
        adder = compiled.adder() if len(inputs) >= compiled.ROWS else None
        if not adder:
            parts = [self._sums(inputs[part]) for part in compiled.parts(len(inputs))]
            return np.concatenate(parts, axis=1) / self._trees
        arrays = (self._nodes, self._starts, self._members, self._weight, self._weighted)
        return compiled.sums(adder, arrays, self._router, inputs) / self._trees

    def _sums(self, inputs):
        """The same summed, not averaged, of a few thousand stones."""
        sums = np.zeros((4, len(inputs)))
        for leaves in self.leaves(inputs):
            members, begin, heads = self._lists(leaves)
            answer = self._answers_of(members, begin)[2]
            sums += answer, answer * answer, heads[:, 1], heads[:, 2]
        return sums

    def _priced(self, stone, trend, mean, square, low, high):
        """Price, low and high in USD of what one stone's leaves say."""
        deviation = math.sqrt(max(square - mean * mean, 0.0))
        if self.scheme == "coded":
            price, log_price, deviation = mean, math.log(mean), deviation / mean
        else:
            log_price = trend + mean
            price = math.exp(log_price)
        offset = trend - log_price
        below, above = self._ranges.of_one(stone, log_price, (low, high), deviation, offset)
        return price, price * below, price * above

    def _prices(self, matrix):
        trend = self._trend.of(matrix.astype(np.float64))
        means = self.means(features(matrix, trend, self.scheme))
        return means if self.scheme == "coded" else np.exp(trend + means)

    def _heaviest(self, members, share, trend, k):
        """The k heaviest members as Comparables, duplicates among the draws merged."""
        rows, inverse = np.unique(members, return_inverse=True)
        weight = np.bincount(inverse, share)
        top = np.argsort(-weight, kind="stable")[:k]
        rows, weight = rows[top], weight[top]
        price = self._recorded["price"][rows]
        adjusted = price if self.scheme == "coded" else np.exp(trend + self._target[rows])
        columns = (rows.tolist(), weight.tolist(), price.tolist(), adjusted.tolist())
        return tuple(Comparable(*values) for values in zip(*columns, strict=True))


def _named(arrays, prefix):
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
