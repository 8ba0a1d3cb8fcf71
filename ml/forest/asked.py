"""Stones before the forest's trees are walked: their trend, and what the trees split on.

Coded and older graded forests take the ridge trend, newer graded ones also the boosted trend. In the other
order of the diameters all stays the same but what depends on the order. Called by PriceForest and training.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ml.stones import SCHEMES
from ml.vocabulary import DEFAULT, Vocabulary

from . import native
from .arrays import Array, Arrays, with_prefix
from .boosted import Boosted
from .matrix import (
    SHOP,
    features_of_many,
    features_of_one,
    inputs_of_many,
    inputs_of_one,
    with_other_shop,
)
from .network import Networks
from .trend import Curve, Trend

X, Y = (SCHEMES["graded"].index(diameter) for diameter in "xy")


class Asked(NamedTuple):
    """One stone, or n as columns: the trend, log price; inputs: what the forest's trees split on."""

    trend: Any
    inputs: Any


class RidgeTrend:
    """The ridge trend of a scheme."""

    def __init__(self, ridge: Trend, scheme: str) -> None:
        self.ridge, self._scheme = ridge, scheme

    def asked(
        self, matrix: Array, log_carat: Array, turned: bool = False, threads: int = 1
    ) -> list[Asked]:
        """n stones, float32 (n, p); turned: also with the diameters in the other order."""
        trend = self.ridge.of(matrix.astype(np.float64), log_carat)
        inputs = inputs_of_many(matrix, trend, self._scheme)
        orders = [inputs, exchanged(inputs)] if turned else [inputs]
        return [Asked(trend, some) for some in orders]

    def asked_of_one(self, stone: list[float], turned: bool = False) -> list[Asked]:
        """The same for one stone, a list of floats; lists of floats not yet rounded to float32."""
        trend = self.ridge.of_one(stone)
        inputs = inputs_of_one(stone, trend, self._scheme)
        orders = [inputs, exchanged_one(inputs)] if turned else [inputs]
        return [Asked(trend, some) for some in orders]


class BoostedTrend:
    """The boosted trend, log price of the first shop: a curve over weight, and what trees and networks add
    to it (older forests have no networks). The ridge trend is one of the trees' features. With optional
    properties they add to the ridge trend itself, which then follows each property's part in the price
    better. Graded stones only."""

    def __init__(
        self, ridge: Trend, arrays: Arrays, vocabulary: Vocabulary = DEFAULT, compiled: bool = True
    ) -> None:
        """arrays: those of a forest file, of which boosted_* and network_* are read."""
        boosted, networks = (with_prefix(arrays, part) for part in ("boosted_", "network_"))
        self.ridge, self._curve = ridge, Curve(boosted.pop("curve"))
        self._boosted = Boosted(boosted, compiled)
        self._networks = Networks(networks, compiled) if networks else None
        self._vocabulary = vocabulary

    @property
    def native(self) -> tuple[native.BoostedWalk | None, native.NetworksWalk | None]:
        """The compiled code of the trees and of the networks."""
        return self._boosted.native, self._networks.native if self._networks else None

    def asked(
        self, matrix: Array, log_carat: Array, turned: bool = False, threads: int = 1
    ) -> list[Asked]:
        """As RidgeTrend's."""
        ridge = self.ridge.of(matrix.astype(np.float64), log_carat)
        features = features_of_many(matrix, ridge, self._vocabulary)
        orders = [features, with_other_shop(features)] if turned else [features]
        added = self._boosted.log_price(self._boosted.sums_of_many(features, len(orders), threads))
        if self._networks:
            sums = self._networks.sums_of_many(features, len(orders), threads)
            added = added + self._networks.log_price(sums)
        curve = ridge if self._vocabulary.optional else self._curve.of(log_carat)
        trends = [curve + some for some in added]
        return [
            Asked(trend, np.column_stack([some, trend.astype(np.float32)]))
            for trend, some in zip(trends, orders, strict=True)
        ]

    def asked_of_one(self, stone: list[float], turned: bool = False) -> list[Asked]:
        """As RidgeTrend's, with numpy."""
        ridge, boosted = self.ridge.of_one(stone), self._boosted
        features = features_of_one(stone, ridge, self._vocabulary)
        orders = [features, [*features[:SHOP], -features[SHOP]]] if turned else [features]
        shared = boosted.sum_of_one(features, boosted.shared)
        sums = [shared + boosted.sum_of_one(some, boosted.own) for some in orders]
        curve = ridge if self._vocabulary.optional else self._curve.of_one(math.log(stone[0]))
        added = [boosted.log_price(some) for some in sums]
        if networks := self._networks:
            others = [networks.log_price(networks.sum_of_one(some)) for some in orders]
            added = [trees + other for trees, other in zip(added, others, strict=True)]
        trends = [curve + some for some in added]
        return [Asked(trend, [*some, trend]) for trend, some in zip(trends, orders, strict=True)]


def exchanged(matrix: Array) -> Array:
    """Rows that begin with a graded stone's columns, with the diameters in the other order."""
    other = matrix.copy()
    other[:, [X, Y]] = matrix[:, [Y, X]]
    return other


def exchanged_one(row: list[float]) -> list[float]:
    """The same for one row, a list."""
    return [*row[:X], row[Y], row[X], *row[Y + 1 :]]
