"""The whole price distribution, computed from the range: quantiles, and the percentile of a price.

One curve describes for all stones how prices spread. It is in log price, measured from the answer in
units of the distance to each end of the range (so low is at -1 and high at 1). ml.training.calibration
learns it from stones that the trees have not seen. Each stone's range sets the scale.
"""

from typing import Any

import numpy as np

from .arrays import Array

CURVE_LEVELS = np.array([0.001, 0.0025, 0.005, *np.arange(1, 100) / 100, 0.995, 0.9975, 0.999])
"""Ratios at which the curve is given; outside them the first or last value is used."""


class Quantiles:
    """A learned curve: float64 (len(CURVE_LEVELS),), not falling, -1 at level 0.1 and 1 at 0.9."""

    def __init__(self, curve: Array) -> None:
        self._curve = np.asarray(curve)

    def at(self, levels: Array) -> Array:
        """Where these levels (ratios) are on the curve: 0 at the answer, -1 and 1 at the range's ends."""
        return np.interp(levels, CURVE_LEVELS, self._curve)

    def prices(self, price: Array, low: Array, high: Array, levels: Any) -> Array:
        """The quantiles of the price distribution at these levels; USD float64 (n, k).

        price, low, high: USD (n,); levels: ratios (k,), each over 0 and under 1, otherwise ValueError.
        """
        levels = np.atleast_1d(np.asarray(levels, np.float64))
        if levels.ndim != 1 or not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"levels {levels.tolist()}: give ratios over 0 and under 1")
        at = self.at(levels)
        below, above = np.log(price / low)[:, None], np.log(high / price)[:, None]
        return price[:, None] * np.exp(np.where(at < 0, at * below, at * above))

    def percentile(self, price: Any, low: Any, high: Any, asking: Any) -> Array:
        """The percentile of an asked price: 0.1 to 99.9, not a ratio; arrays of one shape, or numbers,
        in USD."""
        price, low, high, asking = (
            np.asarray(one, np.float64) for one in (price, low, high, asking)
        )
        away = np.log(asking / price)
        reach = np.where(away < 0, np.log(price / low), np.log(high / price))
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.where(away == 0, 0.0, away / reach)
        return 100 * np.interp(at, self._curve, CURVE_LEVELS)
