"""Adds reviewed stones with a known actual price to the training data.

Called only by retraining, which may import pandas.
"""

import hashlib
from dataclasses import replace

import pandas as pd

from ml.dataset import COLUMNS
from ml.vocabulary import NOT_STATED
from predictor.models import Review


def reviewed(currency, since=None):
    """The checked Reviews that can be trained on: with an actual price in a currency, of an answer to a
    graded request (a coded one does not have the grades). since: only answers from then on."""
    reviews = Review.objects.filter(
        state=Review.State.CHECKED,
        actual_price__isnull=False,
        prediction__scheme="graded",
        prediction__version__currency=currency,
    )
    if since:
        reviews = reviews.filter(prediction__created__gte=since)
    return reviews.select_related("prediction").order_by("prediction_id")


def with_reviewed(table, currency, since=None):
    """A data file's Table with the reviewed stones after its own, and their number; the sha256 covers
    both. The split depends only on the stone, so some reviewed stones are held out."""
    rows = [
        [
            review.actual_price if name == "price" else getattr(review.prediction, name)
            for name in COLUMNS
        ]
        for review in reviewed(currency, since)
    ]
    if not rows:
        return table, 0
    more = pd.DataFrame(rows, columns=list(COLUMNS)).astype(table.stones.dtypes[list(COLUMNS)])
    stones = pd.concat([table.stones, more], ignore_index=True)
    others = [name for name in table.stones if name not in COLUMNS]
    stones[others] = stones[others].fillna(NOT_STATED)
    digest = hashlib.sha256((table.sha256 + more.to_csv(index=False)).encode()).hexdigest()
    name = f"{table.name} and {len(rows)} reviewed answers"
    return replace(table, stones=stones, sha256=digest, name=name), len(rows)
