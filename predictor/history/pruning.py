"""Deletes recorded answers from the history, oldest first, in small batches, and archives them if asked.

Called by prune_predictions. If it is killed at any moment nothing is lost, and the next run continues.
"""

from contextlib import contextmanager, nullcontext

from django.db import connection

from predictor.history.deletion import deletion_allowed
from predictor.models import Prediction, ShadowPrice

from . import partitions
from .archive import ArchiveError, unfinished, write
from .batches import in_batches, write_in_batches
from .locks import Busy, one_at_a_time
from .partitions import OF_PREDICTIONS
from .review_history import add_deletions, sql_of
from .seals import pruning

AT_A_TIME = 100
"""Rows deleted in one transaction: small, so that a running server hardly has to wait."""

READ = 1_000
"""Ids read by one query."""

A_FILE = 50_000
"""Rows in one archive."""

REVIEWS = ("review", "second_review")
"""What an archive holds beside a prediction."""


def made_before(moment, keep_reviewed=False):
    """The Predictions made before a moment; keep_reviewed: without those that have a review."""
    rows = Prediction.objects.filter(created__lt=moment).order_by("pk")
    return rows.filter(review=None) if keep_reviewed else rows


def prune(moment, keep_reviewed=False, archive=None, progress=None):
    """Deletes the Predictions made before a moment, as made_before, and returns their number.

    If the history is partitioned, months that have ended before the moment are dropped as a whole.
    archive, progress: as for prune_rows. ArchiveError while another run archives.
    """
    with nullcontext() if archive is None else _only_archive():
        return _prune(moment, keep_reviewed, archive, progress)


@contextmanager
def _only_archive():
    """Two runs would write the same files, and one would delete what the other's file lacks."""
    try:
        with one_at_a_time("prune", wait=False):
            yield
    except Busy:
        raise ArchiveError("another run is archiving predictions; wait until it ends") from None


def _prune(moment, keep_reviewed, archive, progress):
    rows, gone = made_before(moment, keep_reviewed), 0

    def move(deleted):
        if progress:
            progress(gone + deleted)

    if archive is not None:
        gone += _finish(archive, move)
    for month in partitions.older_than(moment):
        gone += _prune_month(month, rows, archive)
        move(0)
    return gone + prune_rows(rows, archive, move)


def prune_rows(rows, archive=None, progress=None):
    """Deletes a queryset's Predictions with their reviews; returns their number.

    archive: the folder (a Path) of the Parquet files that are written first. progress: called with the
    number deleted.
    """
    gone = 0 if archive is None else _finish(archive, progress)
    while batch := _next(rows, whole=archive is not None):
        if archive is not None:
            write(batch, archive)
        among = rows if archive is None else Prediction.objects
        gone = _delete([row.pk for row in batch], progress, gone, among)
    return gone


def _finish(archive, progress):
    """Deletes the rows that a run archived before it was killed; returns their number."""
    gone = 0
    for _path, ids in unfinished(archive):
        gone = _delete(ids, progress, gone)
    return gone


def _prune_month(month, rows, archive):
    """Archives a month's rows, deletes one by one those with reviews or the like, and drops the others."""
    rows, gone = rows.filter(pk__lt=partitions.first_id(month.end)), 0
    if not rows.exists():
        return 0
    if archive is not None:
        for batch in in_batches(rows.select_related(*REVIEWS), A_FILE):
            write(batch, archive)
    for model in OF_PREDICTIONS:
        ids = model.objects.filter(prediction__in=rows).values_list("prediction", flat=True)
        gone += _delete([*ids.distinct()])
    _delete_shadow_prices(rows, month.end)
    with pruning(_not_pointed_at(rows)):
        return gone + partitions.drop(month)


def _delete_shadow_prices(rows, end):
    """Deletes what shadows priced of a month's rows, in short transactions; end: of the month. Reads each
    price once."""
    prices = ShadowPrice.objects.filter(pk__lt=partitions.first_id(end))
    for batch in in_batches(prices, READ):
        among = ShadowPrice.objects.filter(pk__in=[price.pk for price in batch])
        among.filter(prediction__in=rows).delete()


def _not_pointed_at(rows):
    """The ids of a month's rows that go with it."""
    for model in OF_PREDICTIONS:
        rows = rows.exclude(pk__in=model.objects.values("prediction"))
    return (row.pk for batch in in_batches(rows.only("pk"), READ) for row in batch)


def _delete(ids, progress=None, gone=0, rows=Prediction.objects):
    """Deletes Predictions in short transactions; returns `gone`, a number, plus theirs. Those that are no
    longer in `rows` stay: one may have been reviewed meanwhile."""

    def forget(some):
        there = [*rows.filter(pk__in=some).values_list("pk", flat=True)]
        return _forget(there) if there else 0

    for deleted in write_in_batches(forget, ids, AT_A_TIME):
        gone += deleted
        if progress:
            progress(gone)
    return gone


def _next(rows, whole):
    return list(rows.select_related(*REVIEWS)[:A_FILE] if whole else rows.only("pk")[:READ])


def _forget(ids):
    """Deletes without reading what is deleted first, as Django would; notes it in the seals."""
    among, arguments = sql_of(ids)
    with pruning(ids), deletion_allowed(), connection.cursor() as cursor:
        add_deletions(ids)
        for model in (*OF_PREDICTIONS, ShadowPrice):
            table = model._meta.db_table
            cursor.execute(f"DELETE FROM {table} WHERE prediction_id IN ({among})", arguments)  # noqa: S608
        table = Prediction._meta.db_table
        cursor.execute(f"DELETE FROM {table} WHERE id IN ({among})", arguments)  # noqa: S608
        return cursor.rowcount
