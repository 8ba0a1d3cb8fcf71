"""Saves reviews: all of a file become visible by one statement, and their history follows in short
batches."""

from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.utils import timezone

from predictor.history.batches import WRITTEN_AT_ONCE
from predictor.history.locks import one_at_a_time
from predictor.history.review_history import FIELDS, REVIEWS, add_versions, complete_history
from predictor.history.staging import columns_of, staged
from predictor.models import Review, ReviewLock
from predictor.review.locking import refuse_if_taken

SAID = [field for field in FIELDS if field.name not in ("prediction", "at")]
"""What a reviewer said; a review that says the same is not saved again."""

STAGED = ["prediction_id", *(field.attname for field in SAID)]
LOCKS = ReviewLock._meta.db_table


def save_reviews(reviews, by, then=lambda: None):
    """Saves new Reviews of different predictions in place of earlier ones, all or none, and closes these
    predictions for `by`. Raises TakenError. then: called in the same transaction."""
    ids = [review.prediction_id for review in reviews]
    if len(ids) > WRITTEN_AT_ONCE:
        with _history_around(ids), _staged(reviews) as (table, columns), transaction.atomic():
            _replace(table, columns, by)
            then()
        return
    with _staged(reviews) as (table, columns), transaction.atomic():
        among = f"SELECT prediction_id FROM {table}"  # noqa: S608
        add_versions(among)
        _replace(table, columns, by)
        add_versions(among)
        then()


def add_reviews(reviews, then=lambda saved: None):
    """Saves new Reviews, all or none, except where there is one already; returns how many were saved.

    then: called with that number in the same transaction.
    """
    with (
        _history_around([review.prediction_id for review in reviews]),
        _staged(reviews) as (table, columns),
        transaction.atomic(),
    ):
        saved = _make_visible(table, columns, "NOTHING")
        then(saved)
    return saved


@contextmanager
def _history_around(ids):
    """Completes the history of these predictions before and after the block that saves many reviews.

    One block at a time, so no review without its history appears meanwhile: who saves few reviews adds
    to the history in the same transaction.
    """
    with one_at_a_time("reviews"):
        complete_history(ids)
        yield
        complete_history(ids)


def _staged(reviews):
    return staged(Review, STAGED, [[getattr(one, name) for name in STAGED] for one in reviews])


def _replace(table, columns, by):
    """Copies the staged reviews in place of earlier ones. Raises TakenError."""
    locks = f"EXISTS (SELECT 1 FROM {table} s WHERE s.prediction_id = {LOCKS}.prediction_id)"  # noqa: S608
    among = RawSQL(locks, [], BooleanField())  # noqa: S611  # nosec B611  # our own names
    refuse_if_taken(among, by)
    _make_visible(table, columns, _replacing())
    ReviewLock.objects.filter(among).delete()


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
