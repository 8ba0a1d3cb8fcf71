"""The other half of the newest graded forests' trend: small neural networks beside the boosted trees.

An input of a network is where a feature of the stone is between two knots, from 0 to 1 (the piecewise
linear encoding of Gorishniy, Rubachev and Babenko, On Embeddings for Numerical Features in Tabular Deep
Learning, 2022). Then come two layers of rectified units and one output. All numbers are whole ones, so that
their sums are the same in any order: one stone and a batch, numpy and C (walk.c) agree to the last bit, on
every processor. ml.training.networks trains them.
"""

from typing import Any

import numpy as np

from . import native
from .arrays import Array, Arrays
from .matrix import with_other_shop

INPUT_BITS, UNIT_BITS = 12, 10
"""Binary places of an input, and of what a unit gives."""

FULL = 2**15 - 1
"""The most that a unit gives, as a whole number."""

LAYERS = "first", "second", "third"


class Networks:
    """tables: feature, low and scale (inputs,): an input is (feature - low) * scale, at least 0 and at most
    2**INPUT_BITS, rounded down. first (nets, units, inputs), second (nets, units, units), third (nets, 1,
    units): int16 weights; first_bias, second_bias, third_bias (nets, units): int32. shifts (2,): how many
    binary places the sums of a layer lose; unit: what 1 in the sum of all outputs adds to the log price.
    No sum reaches 2**31. compiled: False to compute with numpy only."""

    def __init__(self, tables: Arrays, compiled: bool = True) -> None:
        self._tables = tables = {name: np.asarray(table) for name, table in tables.items()}
        self._unit, self._parts = float(tables["unit"]), 0.5 ** tables["shifts"]
        # Floats, because numpy adds up their products faster; such sums are exact.
        self._weights = [tables[layer].astype(np.float64) for layer in LAYERS]
        self._biases = [tables[f"{layer}_bias"].astype(np.float64) for layer in LAYERS]
        self.native = native.compiled_networks(tables) if compiled else None

    def __reduce__(self) -> tuple[Any, ...]:
        return Networks, (self._tables,)  # the compiled code has addresses of this process

    def log_price(self, sums: Any) -> Any:
        """What is added to the log price, from the sums of the outputs; any shape."""
        return self._unit * sums

    def sum_of_one(self, features: list[float]) -> int:
        """The sum of all outputs for one stone, with numpy; features: floats, as
        ml.forest.matrix.features_of_one gives them."""
        return int(self._sums(np.array([features], np.float32))[0])

    def sums_of_many(self, features: Array, orders: int = 1, threads: int = 1) -> Array:
        """The sums of all outputs for n stones; int64 (orders, n).

        orders: 2 to get also the sums with the diameters in the other order. features: float32 (n, q).
        """
        if self.native:
            return self.native.sums(features, orders, threads)
        both = [features] if orders == 1 else [features, with_other_shop(features)]
        return np.stack([self._sums(some) for some in both])

    def _sums(self, features: Array) -> Array:
        inputs = inputs_of(self._tables, features)
        outputs = [self._output(inputs, net) for net in range(len(self._weights[0]))]
        return np.sum(outputs, axis=0).astype(np.int64)

    def _output(self, units: Array, net: int) -> Array:
        first, second, third = (
            (weights[net].T, biases[net])
            for weights, biases in zip(self._weights, self._biases, strict=True)
        )
        for (weights, bias), part in zip((first, second), self._parts, strict=True):
            units = np.floor((units @ weights + bias) * part).clip(0, FULL)
        return (units @ third[0] + third[1])[:, 0]


def inputs_of(tables: Arrays, features: Array) -> Array:
    """The inputs of n stones, whole numbers; float64 (n, inputs). features: float32 (n, q)."""
    values = features[:, tables["feature"]].astype(np.float64)
    return np.floor(((values - tables["low"]) * tables["scale"]).clip(0, 2**INPUT_BITS))
