"""Deletes recorded answers from the history, oldest first, in small batches, and archives them if asked.

Called by prune_predictions. If it is killed at any moment nothing is lost, and the next run continues.
"""

import time

from predictor.history.deletion import deletion_allowed
from predictor.models import Prediction, Review, ReviewLock, SampledPrediction

from .archive import unfinished, write

AT_A_TIME = 100
"""Rows deleted in one transaction: small, so that a running server hardly has to wait."""

A_FILE = 50_000
"""Rows in one archive."""


def made_before(moment, keep_reviewed=False):
    """The Predictions made before a moment; keep_reviewed: without those that have a review."""
    rows = Prediction.objects.filter(created__lt=moment).order_by("pk")
    return rows.filter(review=None) if keep_reviewed else rows


def prune(rows, archive=None, progress=None, pause=2.0):
    """Deletes a queryset's Predictions with their reviews; returns their number.

    archive: the folder (a Path) of the Parquet files that are written first. progress: called with the
    number deleted. pause: how long other processes may write after each transaction, as a multiple of
    its duration.
    """
    gone = 0

    def forget(ids):
        nonlocal gone
        for start in range(0, len(ids), AT_A_TIME):
            begun = time.monotonic()
            gone += _forget(ids[start : start + AT_A_TIME])
            if progress:
                progress(gone)
            time.sleep(pause * (time.monotonic() - begun))

    if archive is not None:
        for _path, ids in unfinished(archive):
            forget(ids)
    size = A_FILE if archive is not None else AT_A_TIME
    while batch := _next(rows, size, whole=archive is not None):
        if archive is not None:
            write(batch, archive)
        forget([row.pk for row in batch])
    return gone


def _next(rows, size, whole):
    return list(rows.select_related("review")[:size] if whole else rows.only("pk")[:size])


def _forget(ids):
    with deletion_allowed():
        for said in (Review, SampledPrediction, ReviewLock):
            said.objects.filter(prediction__in=ids).delete()
        return Prediction.objects.filter(pk__in=ids).delete()[0]
