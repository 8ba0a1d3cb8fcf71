"""Why two forests price one stone differently, or one forest two stones: the parts of the difference in
log price, which sum to it. Called by predictor.replay.

A graded log price is the weighted mean of adjusted log prices, sum of w a over the training stones: the
weights w sum to 1, and a = log(recorded price) + T(asked stone) - T(training stone) with the trend T, in
the shop of each stone. For two answers, over the training stones of both forests (w is 0 where a forest
does not have the stone),

    sum of (w2 a2 - w1 a1) = sum of (w2 - w1) ((a1 + a2) / 2 - c) + sum of (w1 + w2) / 2 (a2 - a1)

for any c. The first sum is the part of the stones: those that entered, that left, that are recorded
otherwise and that weigh otherwise. The second is the part of the trend: how it moved at the asked stone,
less how it moved at the comparables. This is the mean of both orders in which the weights and the trend can
be exchanged (Bennet, 1920; their Shapley values), so it depends on no order, and exchanging the forests
only changes the signs. c is the mean of both log prices: a stone that sold, adjusted, for that price has
no part.

A coded price is the weighted mean of recorded prices. The same split is made of the prices and then divided
by their logarithmic mean, so that the parts sum to the difference in log price (Ang, 2004). Prices outside
the training data come from a table (beyond.py); the part `outside` is what that adds. A stone that is
recorded itself has the price of its listings (recorded.py), which have all the weight; `listing` is
what carrying it to the asked shop adds to the trend.
"""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ml.stones import MEASURES, SCHEMES

from .arrays import Array
from .keys import keys_of
from .matrix import renumbered
from .price_forest import PriceForest

PARTS = ("entered", "left", "recorded", "weights", "trend", "comparables", "outside", "listing")
"""Stones that entered, left, are recorded otherwise (at another price), weigh otherwise; the trend at the
asked stone and at the comparables; the table for prices outside the training data; the price of the stone's
own listing, carried to the asked shop."""

OWN, RECORDED, SHARED = range(3)
"""The kinds of a forest's training stones: those that the other forest does not have, has at another price,
and has too."""


@dataclass(frozen=True)
class MovedStone:
    """A training stone's part in a difference.

    kind: the name of its part; key: the stone's; stone: as recorded; adjusted: its adjusted price, the mean
    of both; before, after: its weights; part: in log price.
    """

    kind: str
    key: bytes
    stone: dict[str, Any]
    adjusted: float
    before: float
    after: float
    part: float


@dataclass(frozen=True)
class Difference:
    """The difference between two prices, `before` and `after`, not truncated.

    parts: {name: log price} by PARTS; counts: {name: number of different stones} of the parts of stones;
    stones: those with the largest parts.
    """

    before: float
    after: float
    parts: dict[str, float]
    counts: dict[str, int]
    stones: list[MovedStone]


@dataclass(frozen=True)
class _Recorded:
    """The training stones of a forest: their keys, all that is recorded of each, and their prices (n,)."""

    forest: PriceForest
    keys: list[bytes]
    records: list[bytes]
    prices: Array

    @classmethod
    def of(cls, forest: PriceForest) -> "_Recorded":
        keys, prices = keys_of(forest), forest.recorded_columns["price"]
        as_rows = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1)
        stones = np.column_stack([*_comparable(forest)])
        recorded = np.hstack([as_rows, stones.view(np.uint8), prices[:, None].view(np.uint8)])
        return cls(forest, keys, _as_bytes(recorded), prices)

    def relative_prices(self, other: "_Recorded") -> Array:
        """How far the prices of another forest's stones are above this forest's trend, in log price (n,);
        NaN for stones that this forest does not know. Of its own stones that is the target, whose trend may
        come from other trees."""
        vocabulary, recorded = other.forest.vocabulary, other.forest.recorded_columns
        stones = renumbered(recorded, vocabulary, self.forest.vocabulary)
        known = np.isfinite(stones).all(axis=1)
        found = np.full(len(stones), np.nan)
        if known.any():
            found[known] = self.forest.relative_prices(stones[known], other.prices[known])
        own = {record: row for row, record in enumerate(self.records)}
        rows = np.array([own.get(record, -1) for record in other.records])
        found[rows >= 0] = np.asarray(self.forest.arrays["target"])[rows[rows >= 0]]
        return found


@dataclass(frozen=True)
class _Side:
    """One of the forests and its n training stones.

    keys, records: the stones, and all that is recorded of them; level (n,): how far the log price is above
    the mean of both trends (coded: the price); shift (n,): the second trend less the first.
    """

    forest: PriceForest
    keys: list[bytes]
    records: list[bytes]
    level: Array
    shift: Array

    @classmethod
    def of(cls, forest: PriceForest, both: Sequence["_Recorded"]) -> "_Side":
        own = next(one for one in both if one.forest is forest)
        if forest.scheme == "coded":
            return cls(forest, own.keys, own.records, own.prices, np.zeros(len(own.prices)))
        first, second = (other.relative_prices(own) for other in both)
        # For a stone that one forest does not know, only the other one's trend counts.
        first = np.where(np.isnan(first), second, first)
        second = np.where(np.isnan(second), first, second)
        return cls(forest, own.keys, own.records, (first + second) / 2, first - second)

    def kinds(self, other: "_Side") -> Array:
        """The kind of each stone."""
        keys, records = set(other.keys), set(other.records)
        found = [
            SHARED if record in records else RECORDED if key in keys else OWN
            for key, record in zip(self.keys, self.records, strict=True)
        ]
        return np.array(found)

    def means(self, matrix: Array, kind: Array) -> tuple[Array, Array, Array]:
        """Of the stones behind n prices: the weight of each kind, and the level times the weight, (n, 3);
        the mean shift, (n,)."""
        is_kind = (kind[:, None] == np.arange(3)).astype(np.float64)
        columns = [is_kind, is_kind * self.level[:, None], self.shift[:, None]]
        found = self.forest.weighted_means(matrix, np.hstack(columns))
        return found[:, :3], found[:, 3:6], found[:, 6]


def _comparable(forest: PriceForest) -> Iterable[Array]:
    """What is recorded of the training stones besides the price, as columns of 32 bits that mean the same
    in another forest: a level is the checksum of its name."""
    vocabulary, recorded = forest.vocabulary, forest.recorded_columns
    for name in (name for name in (*SCHEMES["graded"], *vocabulary.names) if name in recorded):
        if name in MEASURES:
            yield np.asarray(recorded[name], np.float32).view(np.uint32)
        else:
            sums = [zlib.crc32(level.encode()) for level in vocabulary.levels(name)]
            yield np.array(sums, np.uint32)[np.asarray(recorded[name], int)]


def _as_bytes(rows: Array) -> list[bytes]:
    return np.ascontiguousarray(rows).view(f"V{rows.shape[1]}").ravel().tolist()


class _Split(NamedTuple):
    """Parts (n, len(PARTS)); the mean trend of the asked stones, and c (n,); the log price of a unit of the
    stones' parts: 1 for graded, that of a dollar for coded prices (n,)."""

    parts: Array
    middle: Array
    centre: Array
    rate: Array


class Differences:
    """The differences between the prices of two forests of one scheme; they may be the same forest.

    Raises ValueError for two schemes, ml.forest.keys.NoStoneKeys for a file without measurements.
    """

    def __init__(self, before: PriceForest, after: PriceForest) -> None:
        if before.scheme != after.scheme:
            raise ValueError(
                f"a {before.scheme} and a {after.scheme} forest have nothing in common"
            )
        both = [_Recorded.of(forest) for forest in (before, after)]
        self._sides = _Side.of(before, both), _Side.of(after, both)
        first, second = self._sides
        self._kinds = first.kinds(second), second.kinds(first)

    def parts(self, matrix: Array, other: Array | None = None) -> Array:
        """The parts of n differences, in log price; float64 (n, len(PARTS)).

        matrix: the stones that the first forest prices, as from PriceForest.matrix; other: as the second
        one has them, by default the same. A row sums to log(second price) - log(first price).
        """
        return self._split((matrix, matrix if other is None else other)).parts

    def of_one(self, row: Array, other: Array | None = None, k: int = 5) -> Difference:
        """The Difference for one stone, float32 (p,), with the k training stones of the largest parts.

        other: the stone that the second forest prices, by default the same.
        """
        matrices = row[None], (row if other is None else other)[None]
        split = self._split(matrices)
        moved = [self._moved(split, *one) for one in self._behind(matrices)]
        before, after = (
            float(side.forest.price(matrix)[0])
            for side, matrix in zip(self._sides, matrices, strict=True)
        )
        counts = {
            name: len({one.key for one in moved if one.kind == name and one.before != one.after})
            for name in PARTS[:4]
        }
        largest = sorted(moved, key=lambda one: -abs(one.part))[:k]
        parts = dict(zip(PARTS, split.parts[0].tolist(), strict=True))
        return Difference(before, after, parts, counts, largest)

    def _split(self, matrices: tuple[Array, Array]) -> _Split:
        first, second = (side.forest for side in self._sides)
        trend = first.trends(matrices[0]), second.trends(matrices[1])
        weight, level, shift = zip(
            *map(_Side.means, self._sides, matrices, self._kinds), strict=True
        )
        mean = (
            trend[0] + level[0].sum(axis=1) + shift[0] / 2,
            trend[1] + level[1].sum(axis=1) - shift[1] / 2,
        )
        middle, centre = (trend[0] + trend[1]) / 2, (mean[0] + mean[1]) / 2
        rate = _rate(*mean) if first.scheme == "coded" else np.ones(len(centre))
        above = (middle - centre)[:, None]
        before, after = (level[place] + weight[place] * above for place in range(2))
        in_both = after[:, RECORDED:] - before[:, RECORDED:]
        stones = np.column_stack([after[:, OWN], -before[:, OWN], in_both])
        moved = trend[1] - trend[0], (shift[0] + shift[1]) / -2
        other = _other(second, matrices[1], mean[1]) - _other(first, matrices[0], mean[0])
        parts = np.column_stack([stones * rate[:, None], *moved, other]) + 0.0  # no -0.0
        return _Split(parts, middle, centre, rate)

    def _behind(self, matrices: tuple[Array, Array]) -> Iterable[Any]:
        """[side, row, kind, weight before, weight after] of each record behind either price."""
        found: dict[bytes, list[Any]] = {}
        for place, (side, kinds) in enumerate(zip(self._sides, self._kinds, strict=True)):
            for one in side.forest.comparables(matrices[place], None):
                new = [side, one.row, kinds[one.row], 0.0, 0.0]
                found.setdefault(side.records[one.row], new)[3 + place] += one.weight
        return found.values()

    def _moved(
        self, split: _Split, side: _Side, row: int, kind: int, before: float, after: float
    ) -> MovedStone:
        adjusted = float(side.level[row] + split.middle[0])
        part = (after - before) * (adjusted - split.centre[0]) * split.rate[0]
        if side.forest.scheme == "graded":
            adjusted = math.exp(adjusted)
        stone = side.forest.recorded(row)
        own = "left" if side is self._sides[0] else "entered"
        name = (own, "recorded", "weights")[kind]
        return MovedStone(name, side.keys[row], stone, adjusted, before, after, float(part))


def _rate(first: Array, second: Array) -> Array:
    """The reciprocal of the logarithmic mean of two prices; (n,)."""
    ratio = second / first - 1
    with np.errstate(invalid="ignore"):
        return np.where(ratio == 0, 1.0, np.log1p(ratio) / ratio) / first


def _other(forest: PriceForest, matrix: Array, log_price: Array) -> Array:
    """What the table for prices outside the training data, and a stone's own listing, add to the log price
    of the weighted mean; (n, 2)."""
    if forest.scheme == "coded":
        return np.zeros((len(matrix), 2))
    answers = forest.answers(matrix)
    added = np.log(answers.price) - log_price
    which = np.column_stack([answers.extrapolated, answers.listed >= 0])
    return np.where(which, added[:, None], 0.0)
