"""How the prices of a shadow differ from those that the active version answered."""

from statistics import median

import numpy as np

from ml.forest.differences import PARTS
from predictor.replay.services import Comparison, Row

NEWEST = 1_000
"""The number of requests that are compared: the newest."""

UNEXPLAINED = np.full(len(PARTS), np.nan)


def comparison_of(shadow):
    """(a Comparison of a Shadow's newest prices, the median relative change, None without a price).

    It does not say why prices differ, which needs the forests of both versions. Causes a query.
    """
    prices = shadow.prices.select_related("prediction__version").order_by("-prediction_id")
    prices = prices.defer("prediction__request", "prediction__version__card")[:NEWEST]
    rows = [Row(one.prediction, one, UNEXPLAINED) for one in prices]
    found = Comparison()
    for row in rows:
        found.add(row)
    return found, median(row.change for row in rows) if rows else None
