"""Whether a better stone costs more, and how far the rounding of a measurement moves a price.

Part of the model card; called by diagnosis.py and by the benchmark, which measures other models with it.
"""

import numpy as np

from ml.forest.trend import Sizes
from ml.vocabulary import DEFAULT

FELL = 0.01
"""Ratio by which a price must fall to be counted: rounding to whole dollars accounts for less."""

HEAVIER = (0.01, 0.05, 0.10)
ROUNDED = 0.01
"""mm; the precision of a grading report's measurements."""

ASKED = 2000


def coherence(price, matrix, scheme, seed, measurements=None, vocabulary=DEFAULT):
    """The ratio of stones whose price falls by over 1 % for a better stone, {step: ratio}, and `wobble`,
    the 95th percentile of how far rounded measurements move a price (a ratio).

    price: a function of a float32 matrix (n, p), the scheme's columns, that returns prices (n,).
    measurements: mm, float64 (n, 3), for coded stones, whose columns have only their product.
    """
    rng = np.random.default_rng([seed, 3])
    some = np.sort(rng.permutation(len(matrix))[:ASKED])
    stones = np.asarray(matrix)[some].astype(np.float64)
    sizes = stones[:, 6:9] if scheme == "graded" else np.asarray(measurements)[some]
    before = price(stones.astype(np.float32))
    found = {"stones": len(some)}
    sizes_of = Sizes.of(scheme, vocabulary)
    for name, column, count in (("color", 2, sizes_of.color), ("clarity", 3, sizes_of.clarity)):
        better = stones[:, column] < count - 1
        found[name] = _fell(price, stones[better], before[better], column)
    for more in HEAVIER:
        heavier = _sized(stones, scheme, sizes * (1 + more) ** (1 / 3))
        heavier[:, 0] *= 1 + more
        found[f"carat {more:.0%}"] = _share_that_fell(price(heavier.astype(np.float32)), before)
    off = _sized(stones, scheme, sizes + ROUNDED * rng.choice([-1, 1], sizes.shape))
    change = np.abs(price(off.astype(np.float32)) / before - 1)
    return found | {"wobble": float(np.quantile(change, 0.95))}


def _fell(price, stones, before, column):
    if not len(stones):
        return 0.0
    better = stones.copy()
    better[:, column] += 1
    return _share_that_fell(price(better.astype(np.float32)), before)


def _share_that_fell(after, before):
    return float((after < (1 - FELL) * before).mean())


def _sized(stones, scheme, sizes):
    """The same stones with other measurements, mm (n, 3)."""
    other = stones.copy()
    if scheme == "graded":
        other[:, 6:9] = sizes
    else:
        other[:, 6] = sizes.prod(axis=1)
    return other
