"""Adds reviewed stones with a known actual price to the training data.

Called only by retraining, which may import pandas.
"""

import hashlib
from dataclasses import replace

import pandas as pd

from ml.dataset import COLUMNS, OWN_FACTS
from ml.vocabulary import NOT_STATED, OPTIONAL
from predictor.models import Review, may_be_recorded


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
    names = [*COLUMNS, *(name for name in OPTIONAL if name in table.stones)]
    rows = [
        [_value(review, name) for name in names]
        for review in reviewed(currency, since)
        if _fits(review.prediction, table.stones)
    ]
    if not rows:
        return table, 0
    more = pd.DataFrame(rows, columns=names).astype(table.stones.dtypes[names])
    stones = pd.concat([table.stones, more], ignore_index=True)
    others = [name for name in table.stones if name not in names]
    stones[others] = stones[others].fillna(NOT_STATED)
    digest = hashlib.sha256((table.sha256 + more.to_csv(index=False)).encode()).hexdigest()
    name = f"{table.name} and {len(rows)} reviewed answers"
    return replace(table, stones=stones, sha256=digest, name=name), len(rows)


def _value(review, name):
    if name == "price":
        return review.actual_price
    value = getattr(review.prediction, name)
    return NOT_STATED if value is None else value


def _fits(prediction, stones):
    """Whether the prediction is of the stone itself, not of one of another clarity that was assumed, and a
    table has stones of its shape and origin, as far as its columns show it."""
    return may_be_recorded(prediction.assumed) and all(
        name in stones or getattr(prediction, name) in (None, fact)
        for name, fact in OWN_FACTS.items()
    )
