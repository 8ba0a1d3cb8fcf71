"""What a forest knows nothing of: where no stones like the asked one were recorded.

Its thresholds are those of the training stones; ml.training.support reads them off.
"""

import math

import numpy as np

from .arrays import Array, Arrays

WIDER = 1.5
"""How many times as far from the price, in log price, a range ends that is an extrapolation."""


class Support:
    """Where training stones support a price.

    tables: low, high (colors, clarities): between which weights (ct) stones of both grades were
    recorded, inf and -inf where none were; dearest (1,): the highest recorded price; roundness (1,): by
    which ratio the diameters of round stones differ at most, 0 where they are not known; adjusted (1,): by
    how much comparables are adjusted at most, in log price (older forests know of no limit).
    """

    def __init__(self, tables: Arrays) -> None:
        self._low, self._high = (np.asarray(tables[end]).tolist() for end in ("low", "high"))
        self.dearest, self.roundness = (
            float(np.asarray(tables[name])[0]) for name in ("dearest", "roundness")
        )
        self.adjusted = float(np.asarray(tables.get("adjusted", [math.inf]))[0])

    def carats(self, stone: list[float]) -> tuple[float, float]:
        """(low, high) of the recorded weights of a stone's color and clarity, ct; (inf, -inf): none.

        stone: the scheme's columns, a list of floats.
        """
        color, clarity = int(stone[2]), int(stone[3])
        return self._low[color][clarity], self._high[color][clarity]

    def lacks(self, stone: list[float], price: float, adjustment: float = 0.0) -> bool:
        """Whether a stone at that price (in the currency of the training stones) is beyond them;
        adjustment: of its comparables, in log price."""
        low, high = self.carats(stone)
        beyond = not low <= stone[0] <= high or price > self.dearest
        return beyond or abs(adjustment) > self.adjusted

    def lacks_many(self, stones: Array, prices: Array, adjustments: Array) -> Array:
        """The same of n stones, float32 (n, p); bool (n,)."""
        color, clarity = stones[:, 2].astype(int), stones[:, 3].astype(int)
        low, high = (np.array(ends)[color, clarity] for ends in (self._low, self._high))
        inside = (low <= stones[:, 0]) & (stones[:, 0] <= high) & (prices <= self.dearest)
        return ~inside | (np.abs(adjustments) > self.adjusted)


def widened(price: float, low: float, high: float, trend_price: float) -> tuple[float, float]:
    """The ends of a range that is an extrapolation: further away, and beyond what the trend alone says."""
    low, high = (price * math.exp(WIDER * math.log(end / price)) for end in (low, high))
    return min(low, trend_price), max(high, trend_price)
