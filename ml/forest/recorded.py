"""The listings of the asked stone itself: if it is recorded, their price is the answer, not the trees'.

Listings of one stone agree in all but their price, the cut's name and the order of the diameters, to the
last bit of a float32. Those of the asked shop answer by their price; those of the other shop by theirs and
the step between the shops (shops.py). Several weigh the same. ml.training.recorded learns how far prices
are from such answers. Called by price_forest.py.
"""

import hashlib
import math
from bisect import bisect_left
from operator import mul
from typing import NamedTuple

import numpy as np

from ml.stones import KEYED, SCHEMES
from ml.vocabulary import OPTIONAL

from .arrays import Array
from .shops import ShopStep, nearest

COLUMNS = SCHEMES["graded"]
CARAT, X, Y = (COLUMNS.index(name) for name in ("carat", "x", "y"))
AT = [COLUMNS.index(name) for name in KEYED]
FACTORS = [
    int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") | 1
    for name in (*map(str, range(len(OPTIONAL))), *KEYED)
]
"""Odd numbers by which the bits of a stone are added up to the number that it is found by."""

LAST = 2**64 - 1

KINDS = 4
SAME, TO_SECOND, TO_FIRST, AMBIGUOUS = range(KINDS)
"""A listing in the asked shop; in the first one, in the second one; in the second one at a price that two
prices of the first lead to."""

APART = 0.02
"""How far two prices of the first shop differ, in log price, for their choice to be ambiguous."""


class Listed(NamedTuple):
    """An answer by listings: their rows among the training stones, and their prices in the asked shop, USD;
    kind: theirs; price: the mean, geometric."""

    rows: list[int]
    prices: list[float]
    kind: int
    price: float


class Found(NamedTuple):
    """What replaces the answer of the trees: price, low and high, USD; turned: the price with the diameters
    in the other order, NaN if it is unknown; adjustment: the listings' mean, in log price."""

    listed: Listed
    price: float
    low: float
    high: float
    turned: float
    adjustment: float


class Recorded:
    """The training stones of a graded forest, found by their measurements.

    matrix: float32 (n, p), the scheme's columns and the optional ones; price: USD (n,). reach: float64
    (KINDS, 2), how far the ends of the range are from an answer of each kind, in log price; NaN for a kind
    that does not answer, because the trees are nearer.
    """

    def __init__(self, matrix: Array, price: Array, step: ShopStep, reach: Array) -> None:
        self._price, self._step, self._reach = price, step, np.asarray(reach).tolist()
        self._second = matrix[:, X] > matrix[:, Y]
        self._bits = _bits(matrix)
        sums = _sums(self._bits)
        self._order = np.argsort(sums, kind="stable")
        self._sums = sums[self._order]
        self._words = self._sums.data

    def of_one(self, row: Array, price: float, turned: float) -> Found | None:
        """The answer to one stone by its listings; None if there are none that answer.

        row: float32 (p,); price, turned: by the trees, USD; they decide between two prices of the first
        shop that lead to one of the second. turned: NaN if it is unknown.
        """
        bits = row.view(np.uint32).tolist()
        carat, _, color, clarity, depth, table, x, y, z, *optional = bits
        if x > y:
            x, y = y, x
        rows = self._with_bits([*optional, color, clarity, carat, depth, table, x, y, z])
        return self._found(row.tolist(), rows, price, turned) if rows else None

    def of_many(self, matrix: Array, price: Array, turned: Array) -> dict[int, Found]:
        """{place: the same for the stone there}, without those that have none; matrix: float32 (n, p)."""
        found = {
            place: self._found(
                matrix[place].tolist(), rows, float(price[place]), float(turned[place])
            )
            for place, rows in self.rows_of_many(matrix).items()
        }
        return {place: one for place, one in found.items() if one}

    def rows_of_many(self, matrix: Array) -> dict[int, list[int]]:
        """{place: the rows of the listings of the stone there}, of those that have some."""
        bits = _bits(matrix)
        sums = _sums(bits)
        place = np.searchsorted(self._sums, sums).clip(max=len(self._sums) - 1)
        hits = np.flatnonzero(self._sums[place] == sums).tolist()
        found = {hit: self._with_bits(bits[hit].tolist()) for hit in hits}
        return {hit: rows for hit, rows in found.items() if rows}

    def _with_bits(self, bits: list[int]) -> list[int]:
        total = sum(map(mul, bits, FACTORS[-len(bits) :])) & LAST
        place, rows = bisect_left(self._words, total), []
        while place < len(self._words) and self._words[place] == total:
            row = int(self._order[place])
            if self._bits[row].tolist() == bits:
                rows.append(row)
            place += 1
        return rows

    def _found(
        self, stone: list[float], rows: list[int], price: float, turned: float
    ) -> Found | None:
        first = turned if stone[X] > stone[Y] else price
        listed = self.listed(stone, rows, first)
        if listed is None:
            return None
        if not math.isnan(turned):
            other = self.listed([*stone[:X], stone[Y], stone[X], *stone[Y + 1 :]], rows, first)
            turned = other.price if other else turned
        below, above = self._reach[listed.kind]
        recorded = _mean(tuple(float(self._price[row]) for row in listed.rows))
        return Found(
            listed,
            listed.price,
            listed.price * math.exp(-below),
            listed.price * math.exp(above),
            turned,
            math.log(listed.price / recorded),
        )

    def listed(self, stone: list[float], rows: list[int], first: float) -> Listed | None:
        """The answer by these listings of a stone; None if none of them answers.

        stone: the scheme's columns; x > y asks for the second shop. first: the trees' price in the first
        shop, USD, NaN if the second is asked; it decides between two that lead to one price of the second.
        """
        second = stone[X] > stone[Y]
        by_kind: dict[int, list[tuple[int, float]]] = {}
        for row in rows:
            kind, price = self._carried(row, math.log(stone[CARAT]), second, first)
            if not math.isnan(self._reach[kind][0]):
                by_kind.setdefault(kind, []).append((row, price))
        if not by_kind:
            return None
        kind = min(by_kind)
        found, prices = zip(*by_kind[kind], strict=True)
        return Listed([*found], [*prices], kind, _mean(prices))

    def _carried(self, row: int, log_carat: float, second: bool, first: float) -> tuple[int, float]:
        """The kind of a listing, and its price in the asked shop."""
        price = float(self._price[row])
        if self._second[row] == second:
            return SAME, price
        log_price = math.log(price)
        if second:
            return TO_SECOND, math.exp(log_price + self._step.added_to_one(log_price, log_carat))
        roots = self._step.roots(log_price, log_carat)
        ambiguous = roots[-1] - roots[0] > APART
        return (AMBIGUOUS if ambiguous else TO_FIRST), math.exp(nearest(roots, math.log(first)))


def _mean(prices: tuple[float, ...]) -> float:
    if len({*prices}) == 1:
        return prices[0]
    return math.exp(math.fsum(map(math.log, prices)) / len(prices))


def _bits(matrix: Array) -> Array:
    """The bits of the columns that listings of a stone share, the optional ones and then those of KEYED,
    the smaller diameter first; uint32 (n, 8 or more)."""
    optional = range(len(COLUMNS), matrix.shape[1])
    stones = np.ascontiguousarray(matrix[:, [*optional, *AT]], np.float32)
    stones[:, -3:-1] = np.sort(stones[:, -3:-1], axis=1)
    return stones.view(np.uint32)


def _sums(bits: Array) -> Array:
    return (bits * np.array(FACTORS[-bits.shape[1] :], np.uint64)).sum(axis=1, dtype=np.uint64)
