"""Learns how far prices are from answers by other listings of the same stone (ml.forest.recorded).

Called only by ml.training.
"""

import math

import numpy as np

from ml.forest.recorded import KINDS, Recorded
from ml.forest.shops import ShopStep

from .calibration import TAIL

FEWEST = 50
"""The fewest listings that a kind's range is learned from."""

NEAREST = 1e-4
"""The least distance of the range's ends, in log price: half a dollar of 5,000."""


def learn_reach(matrix, price, unseen, step=None):
    """The reach of each kind of answer, for Recorded; float64 (KINDS, 2), NaN for those not to use.

    Each listing of a stone that has others is answered from the others. A kind is used if its answers are
    nearer to the prices than `unseen`, the trees' log prices of stones that they have not seen, (n,).
    matrix: float32 (n, 9), graded training stones; price: USD (n,).
    """
    every = np.zeros((KINDS, 2))
    recorded = Recorded(matrix, price, step or ShopStep.none(), every)
    errors = [[] for _ in range(KINDS)]
    for row, rows in recorded.rows_of_many(matrix).items():
        others = [other for other in rows if other != row]
        if others:
            listed = recorded.listed(matrix[row].tolist(), others, math.exp(unseen[row]))
            log_price = math.log(price[row])
            both = log_price - math.log(listed.price), log_price - unseen[row]
            errors[listed.kind].append(both)
    return np.array([_ends(np.array(some)) for some in errors])


def _ends(errors):
    """(below, above) of a kind; errors: (n, 2), of its answers and of the trees', in log price."""
    if len(errors) < FEWEST:
        return np.nan, np.nan
    ours, trees = np.abs(errors).mean(axis=0)
    if ours >= trees:
        return np.nan, np.nan
    low, high = np.quantile(errors[:, 0], [TAIL, 1 - TAIL])
    return max(-low, NEAREST), max(high, NEAREST)
