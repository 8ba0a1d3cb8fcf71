"""Saves reviews: all of a file become visible by one statement, and their history follows in short
batches."""

from datetime import timedelta

from django.db import connection, transaction
from django.db.models.expressions import RawSQL
from django.utils import timezone

from predictor.history.batches import WRITTEN_AT_ONCE
from predictor.history.review_history import FIELDS, REVIEWS, add_versions, complete_history
from predictor.history.staging import columns_of, staged
from predictor.models import Review, ReviewLock
from predictor.review.locking import refuse_if_taken

SAID = [field for field in FIELDS if field.name not in ("prediction", "at")]
"""What a reviewer said; a review that says the same is not saved again."""

STAGED = [field.attname for field in FIELDS if field.name != "at"]
LATE = timedelta(minutes=1)
"""Longer than a transaction that saves reviews may take."""


def save_reviews(reviews, by):
    """Saves new Reviews of different predictions in place of earlier ones, all or none, and closes these
    predictions for `by`. Raises TakenError."""
    ids, begun = [review.prediction_id for review in reviews], timezone.now()
    are_many = len(ids) > WRITTEN_AT_ONCE
    if are_many:
        complete_history(ids)
    with _staged(reviews) as (table, columns), transaction.atomic():
        among = RawSQL(f"SELECT prediction_id FROM {table}", [])  # noqa: S608, S611  # nosec B611  # our own name
        refuse_if_taken(among, by)
        add_versions(among.sql, since=begun - LATE if are_many else None)
        _make_visible(table, columns, _replacing())
        ReviewLock.objects.filter(prediction__in=among).delete()
        if not are_many:
            add_versions(among.sql)
    if are_many:
        complete_history(ids)


def add_reviews(reviews):
    """Saves new Reviews, all or none, except where there is one already; returns how many were saved."""
    with _staged(reviews) as (table, columns), transaction.atomic():
        saved = _make_visible(table, columns, "NOTHING")
    complete_history([review.prediction_id for review in reviews])
    return saved


def _staged(reviews):
    return staged(Review, STAGED, [[getattr(one, name) for name in STAGED] for one in reviews])


def _make_visible(table, columns, known):
    """Copies the staged reviews; known: what is done with an earlier review. Returns how many changed."""
    # In the order of the ids: two files at once cannot block each other for ever.
    statement = f"""
        INSERT INTO {REVIEWS} ({columns}, at)
        SELECT {columns}, %s FROM {table} WHERE 1 = 1 ORDER BY prediction_id
        ON CONFLICT (prediction_id) DO {known}"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [connection.ops.adapt_datetimefield_value(timezone.now())])
        return cursor.rowcount


def _replacing():
    differs = "IS NOT" if connection.vendor == "sqlite" else "IS DISTINCT FROM"
    said, sent = columns_of(SAID, f"{REVIEWS}."), columns_of(SAID, "excluded.")
    values = f"({columns_of(SAID)}, at) = ({sent}, excluded.at)"
    return f"UPDATE SET {values} WHERE ({said}) {differs} ({sent})"
