"""Support: whether the training data has stones similar to the asked one.

Its thresholds come from the training stones; ml.training.support computes them.
"""

import math

import numpy as np

from .arrays import Array, Arrays
from .trend import FIRST

ENDS = ("low", "high")
WIDER = 1.5
"""An extrapolation's range ends this many times as far from the price, in log price."""


class Support:
    """Where training stones support a price.

    tables: low, high (colors, clarities): the lowest and highest weight (ct) of training stones of both
    grades, inf and -inf if there are none; dearest (1,): the highest recorded price; roundness (1,): the
    largest ratio by which the diameters of round stones differ, 0 if unknown; adjusted (1,): the largest
    adjustment of comparables, in log price (older forests have no limit). With optional properties also
    level_low and level_high (levels,): those of the levels, and counts, how many each property has.
    """

    def __init__(self, tables: Arrays) -> None:
        self._low, self._high = (np.asarray(tables[end]).tolist() for end in ("low", "high"))
        self.dearest, self.roundness = (
            float(np.asarray(tables[name])[0]) for name in ("dearest", "roundness")
        )
        self.adjusted = float(np.asarray(tables.get("adjusted", [math.inf]))[0])
        counts = np.asarray(tables.get("counts", [])).astype(int).tolist()
        self._begins = [sum(counts[:place]) for place in range(len(counts))]
        self._levels = [np.asarray(tables.get(f"level_{end}", [])).tolist() for end in ENDS]

    def carats(self, stone: list[float]) -> tuple[float, float]:
        """(low, high) of the recorded weights of a stone's color and clarity, and of each of its levels, in
        ct; low > high if there are none.

        stone: the scheme's columns, a list of floats.
        """
        color, clarity = int(stone[2]), int(stone[3])
        low, high = self._low[color][clarity], self._high[color][clarity]
        for column, begin in enumerate(self._begins, FIRST):
            level = begin + int(stone[column])
            low, high = max(low, self._levels[0][level]), min(high, self._levels[1][level])
        return low, high

    def lacks(self, stone: list[float], price: float, adjustment: float = 0.0) -> bool:
        """Whether a stone at that price (in the currency of the training stones) is outside the support;
        adjustment: of its comparables, in log price."""
        low, high = self.carats(stone)
        beyond = not low <= stone[0] <= high or price > self.dearest
        return beyond or abs(adjustment) > self.adjusted

    def lacks_many(self, stones: Array, prices: Array, adjustments: Array) -> Array:
        """The same for n stones, float32 (n, p); bool (n,)."""
        color, clarity = stones[:, 2].astype(int), stones[:, 3].astype(int)
        low, high = (np.array(ends)[color, clarity] for ends in (self._low, self._high))
        for column, begin in enumerate(self._begins, FIRST):
            level = begin + stones[:, column].astype(int)
            of_level = [np.array(ends)[level] for ends in self._levels]
            low, high = np.maximum(low, of_level[0]), np.minimum(high, of_level[1])
        inside = (low <= stones[:, 0]) & (stones[:, 0] <= high) & (prices <= self.dearest)
        return ~inside | (np.abs(adjustments) > self.adjusted)


def widened(price: float, low: float, high: float, trend_price: float) -> tuple[float, float]:
    """The ends of an extrapolation's range: further from the price, and including the trend's price."""
    low, high = (price * math.exp(WIDER * math.log(end / price)) for end in (low, high))
    return min(low, trend_price), max(high, trend_price)
