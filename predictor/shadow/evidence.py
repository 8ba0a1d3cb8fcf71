"""The actual prices that show whether a shadow is better than the active version: random samples."""

import numpy as np

from predictor.monitoring.errors import judged_at_random

from .betting import compared

AT_ONCE = 500
"""Prices read by one query."""


def evidence_of(shadow):
    """The Evidence of a Shadow: of actual prices drawn at random, one for each stone.

    Stones that a version was trained on are left out, because it has seen their prices, and so are
    repeated requests for a stone.
    """
    judged = judged_at_random(shadow.against)
    prices = _prices(shadow, [one.prediction.pk for one in judged])
    found, trained_on, repeated = {}, 0, 0
    for one in judged:
        row = prices.get(one.prediction.pk)
        stone = tuple(one.prediction.features.items())
        if row is None:
            continue
        trained_on += row.trained_on
        repeated += not row.trained_on and stone in found
        if not row.trained_on:
            found.setdefault(stone, (one.prediction.price, row.price, one.actual))
    return compared(*np.array([*found.values()]).reshape(-1, 3).T, trained_on, repeated)


def _prices(shadow, ids):
    """{prediction's id: ShadowPrice} of those of these predictions that the shadow has priced."""
    found = {}
    for start in range(0, len(ids), AT_ONCE):
        found |= shadow.prices.in_bulk(ids[start : start + AT_ONCE])
    return found
