"""The step between two shops: how the price of one stone differs between the shops that list it.

The order of the diameters shows the shop. The shop that states the larger diameter first (x > y) asks for
the same stone what the other asks, times a ratio that takes a few fixed values by price and carat.
ml.training.shops learns them from the stones that both list.
"""

import math
from bisect import bisect_left

import numpy as np

from .arrays import Array, Arrays


class ShopStep:
    """A learned step; log_edges (k,) and carat_edges (j,), ascending: the boundaries of log price (of the
    first shop) and of log carat; values (k + 1, j + 1): what the second shop adds to the log price, each
    up to and including its boundary."""

    def __init__(self, log_edges: Array, carat_edges: Array, values: Array) -> None:
        self.log_edges, self.carat_edges, self.values = map(
            np.asarray, (log_edges, carat_edges, values)
        )
        self._edges, self._carats = self.log_edges.tolist(), self.carat_edges.tolist()
        self._rows = self.values.tolist()

    @classmethod
    def none(cls) -> "ShopStep":
        """The step of a table with hardly any stones that are listed twice: 0."""
        return cls(np.empty(0), np.empty(0), np.zeros((1, 1)))

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> "ShopStep":
        """From `arrays`, as a forest file holds them."""
        return cls(arrays["log_edges"], arrays["carat_edges"], arrays["values"])

    def arrays(self) -> Arrays:
        """The step as named arrays, for a forest file."""
        return {
            "log_edges": self.log_edges,
            "carat_edges": self.carat_edges,
            "values": self.values,
        }

    def added_to_one(self, first: float, log_carat: float) -> float:
        """What the second shop adds to the first shop's log price of one stone."""
        carat = bisect_left(self._carats, log_carat)
        value: float = self._rows[bisect_left(self._edges, first)][carat]
        return value

    def added(self, first: Array, log_carat: Array) -> Array:
        """The same for n stones, to the last bit; float64 (n,)."""
        place = np.searchsorted(self.log_edges, first), np.searchsorted(self.carat_edges, log_carat)
        return self.values[place]

    def roots(self, log_price: float, log_carat: float) -> list[float]:
        """The first shop's log prices, ascending, that lead to a log price of the second shop; at a price
        that none leads to, the nearest boundary's."""
        carat = bisect_left(self._carats, log_carat)
        lows, highs = [-math.inf, *self._edges], [*self._edges, math.inf]
        ranges = [
            (low, log_price - steps[carat], high)
            for low, steps, high in zip(lows, self._rows, highs, strict=True)
        ]
        found = [root for low, root, high in ranges if low < root <= high]
        return found or [min(ranges, key=lambda one: max(one[0] - one[1], one[1] - one[2]))[1]]

    def first_shop_log(
        self, log_price: Array, log_carat: Array, sign: Array, likely: Array | None = None
    ) -> Array:
        """The log price of n stones in the first shop; float64 (n,).

        log_price: as listed; sign: of x - y, so 1 for the second shop. There the first shop's price u
        solves u + added(u) = log price. At some prices two values do: then the one nearest to `likely` is
        taken, by default the lowest one, which is the more frequent.
        """
        first = np.array(log_price, np.float64)
        if likely is None:
            likely = np.full_like(first, -np.inf)
        for place in np.flatnonzero(np.asarray(sign) > 0).tolist():
            roots = self.roots(float(first[place]), float(log_carat[place]))
            first[place] = nearest(roots, float(likely[place]))
        return first


def nearest(roots: list[float], likely: float) -> float:
    """The one of some ascending roots that is nearest to a likely value; the lowest one to -inf."""
    return min(roots, key=lambda root: abs(root - likely))
