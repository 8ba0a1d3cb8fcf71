"""Factors that fit the width of the range (ranges.py) to each kind of stone.

Two sets of boosted trees, one for each end: they multiply its distance to the price, in log price. They
split on the features of the boosted trend, with the price and the width of the formula's range in place of
the volume and the ridge trend. An extrapolation keeps the formula's range, as the trees have not seen such
stones. ml.training.widths grows them. Called by price_forest.py.
"""

from typing import Any

import numpy as np

from .arrays import Array, Arrays, with_prefix
from .boosted import Boosted
from .matrix import FEATURES

PRICE, WIDTH = FEATURES.index("volume"), FEATURES.index("ridge trend")
"""The columns that have the log price and the width instead."""

LEAST = 2.0**-9
"""The least distance of an end that is multiplied, in log price."""


def inputs_of(features: Array, log_price: Array, low: Array, high: Array) -> Array:
    """What the trees split on; float32 (n, q). features: the trend's, float32 (n, q); low, high: the ends
    of the formula's range, in log price (n,)."""
    inputs = features.copy()
    inputs[:, PRICE], inputs[:, WIDTH] = log_price, high - low
    return inputs


class Widths:
    """arrays: tables of ml.forest.boosted, with the prefixes low_ and high_."""

    def __init__(self, arrays: Arrays, compiled: bool = True) -> None:
        self.ends = [Boosted(with_prefix(arrays, f"{end}_"), compiled) for end in ("low", "high")]
        self.native = [end.native for end in self.ends]

    def of_one(
        self, features: list[float], log_price: float, low: float, high: float
    ) -> tuple[float, float]:
        """The ends of one stone's range, from those of the formula, in log price: low <= 0 <= high."""
        inputs = [*features]
        inputs[PRICE], inputs[WIDTH] = log_price, high - low
        below, above = (
            end.log_price(end.sum_of_one(inputs, range(len(end.shared) + len(end.own))))
            for end in self.ends
        )
        return min(low, -LEAST) * max(below, 0.0), max(high, LEAST) * max(above, 0.0)

    def of_many(
        self, features: Array, log_price: Array, low: Array, high: Array, threads: int = 1
    ) -> tuple[Array, Array]:
        """The same for n stones, to the last bit; float64 (n,) each."""
        inputs = inputs_of(features, log_price, low, high)
        below, above = (
            end.log_price(end.sums_of_many(inputs, threads=threads)[0]) for end in self.ends
        )
        return (
            np.minimum(low, -LEAST) * np.maximum(below, 0.0),
            np.maximum(high, LEAST) * np.maximum(above, 0.0),
        )


def widths_of(plain: Arrays, compiled: bool) -> Any:
    """The Widths of a forest's arrays; None for a file without them."""
    arrays = with_prefix(plain, "widths_")
    return Widths(arrays, compiled) if arrays else None
