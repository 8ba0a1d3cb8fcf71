"""Deletes recorded answers from the history, oldest first, in small batches, and archives them if asked.

Called by prune_predictions. If it is killed at any moment nothing is lost, and the next run continues.
"""

from django.db import connection

from predictor.history.deletion import deletion_allowed
from predictor.models import Prediction, Review, ReviewLock, SampledPrediction

from .archive import unfinished, write
from .batches import write_in_batches
from .review_history import add_deletions, sql_of

AT_A_TIME = 100
"""Rows deleted in one transaction: small, so that a running server hardly has to wait."""

READ = 1_000
"""Ids read by one query."""

A_FILE = 50_000
"""Rows in one archive."""


def made_before(moment, keep_reviewed=False):
    """The Predictions made before a moment; keep_reviewed: without those that have a review."""
    rows = Prediction.objects.filter(created__lt=moment).order_by("pk")
    return rows.filter(review=None) if keep_reviewed else rows


def prune(rows, archive=None, progress=None):
    """Deletes a queryset's Predictions with their reviews; returns their number.

    archive: the folder (a Path) of the Parquet files that are written first. progress: called with the
    number deleted.
    """
    gone = 0

    def forget(ids):
        nonlocal gone
        for deleted in write_in_batches(_forget, ids, AT_A_TIME):
            gone += deleted
            if progress:
                progress(gone)

    if archive is not None:
        for _path, ids in unfinished(archive):
            forget(ids)
    while batch := _next(rows, whole=archive is not None):
        if archive is not None:
            write(batch, archive)
        forget([row.pk for row in batch])
    return gone


def _next(rows, whole):
    return list(rows.select_related("review")[:A_FILE] if whole else rows.only("pk")[:READ])


def _forget(ids):
    """Deletes without reading what is deleted first, as Django would."""
    among, arguments = sql_of(ids)
    with deletion_allowed(), connection.cursor() as cursor:
        add_deletions(ids)
        for model in (Review, SampledPrediction, ReviewLock):
            table = model._meta.db_table
            cursor.execute(f"DELETE FROM {table} WHERE prediction_id IN ({among})", arguments)  # noqa: S608
        table = Prediction._meta.db_table
        cursor.execute(f"DELETE FROM {table} WHERE id IN ({among})", arguments)  # noqa: S608
        return cursor.rowcount
