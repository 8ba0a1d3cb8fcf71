"""The boosted trend of newer graded forests: what boosted trees add to a curve over weight.

Its trees are words as the forest's (nodes.py), except that a leaf's lowest 32 bits are its value, as a
whole number. Sums of these are the same in any order, so one stone and a batch, numpy and C agree to the
last bit. ml.training.boosting grows the trees; walk.c reads them as masks.py has them.
"""

from typing import Any

import numpy as np

from . import native
from .arrays import Array, Arrays
from .matrix import with_other_shop
from .nodes import FEATURE, LOW, PLACE, keys_of_many, keys_of_one, walk

CHUNK = 1024
"""The number of stones that numpy takes down the trees at a time."""


class Boosted:
    """tables: nodes: int64 words; roots: int32 (trees,), the places of the trees' roots; shared: how many
    of them come first that do not split on the shop; value (2,): the addend and the unit that turn a sum
    over the leaves into log price. compiled: False to walk with numpy only."""

    def __init__(self, tables: Arrays, compiled: bool = True) -> None:
        tables = {name: np.asarray(table) for name, table in tables.items()}
        self._tables, self._nodes, self._roots = tables, tables["nodes"], tables["roots"]
        self._base, self._unit = tables["value"].tolist()
        shared = int(tables["shared"])
        self.shared, self.own = range(shared), range(shared, len(self._roots))
        self.native = native.compiled_boosted(tables) if compiled else None

    def __reduce__(self) -> tuple[Any, ...]:
        return Boosted, (self._tables,)  # the compiled walk has addresses of this process

    def log_price(self, sums: Any) -> Any:
        """What is added to the log price, from sums over the leaves of all trees; any shape."""
        return self._base + self._unit * sums

    def sum_of_one(self, features: list[float], trees: range) -> int:
        """The sum over the leaves of some trees that one stone reaches, with numpy; features: floats, as
        ml.forest.matrix.features_of_one gives them."""
        key = np.array(keys_of_one(np.array(features, np.float32)))
        places = self._roots[trees.start : trees.stop]
        return int((_walk_alone(self._nodes, places, key) & LOW).sum())

    def sums_of_many(self, features: Array, orders: int = 1, threads: int = 1) -> Array:
        """The sums over the leaves of all trees that n stones reach; int64 (orders, n).

        orders: 2 to get also the sums with the diameters in the other order. features: float32 (n, q).
        """
        if self.native:
            return self.native.sums(features, orders, threads)
        parts = [features[place : place + CHUNK] for place in range(0, len(features), CHUNK)]
        return np.hstack([self._sums_of_part(part, orders) for part in parts])

    def _sums_of_part(self, features: Array, orders: int) -> Array:
        shared = self._sums(keys_of_many(features), self.shared)
        both = [features] if orders == 1 else [features, with_other_shop(features)]
        return np.stack([shared + self._sums(keys_of_many(some), self.own) for some in both])

    def _sums(self, keys: Array, trees: range) -> Array:
        sums = np.zeros(len(keys), np.int64)
        for root in self._roots[trees.start : trees.stop]:
            sums += walk(self._nodes, np.full(len(keys), root), keys) & LOW
        return sums


def _walk_alone(nodes: Array, places: Array, key: Array) -> Array:
    """The words of the leaves that one stone reaches from n places; key: int64 (p + 1,); int64 (n,)."""
    word = nodes[places]
    going = np.flatnonzero(word >= 0)
    while going.size:
        some = word[going]
        for _ in range(3):
            some = nodes[(some - key[some >> FEATURE]) >> PLACE]
        word[going] = some
        going = going[some >= 0]
    return word
