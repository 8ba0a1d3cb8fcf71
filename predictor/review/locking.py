"""Locks of records under review. Reading a record takes none; a reviewer who starts to type does, and for
some minutes nobody else can save a review of it. A maintainer can take a lock over."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from predictor.models import ReviewLock

MINUTES = 10
"""How many minutes a record stays locked after its reviewer last typed."""


class TakenError(Exception):
    """Another reviewer has the lock; `lock`: who, since when and until when."""

    def __init__(self, lock):
        super().__init__(str(lock))
        self.lock = lock


def lock_of(pk):
    """The lock that a record has now; None without one."""
    return _current().filter(prediction=pk).select_related("by").first()


def take(pk, by):
    """Locks a record for a reviewer, or renews their lock; raises TakenError."""
    with transaction.atomic():
        # Another reviewer who begins at the same moment waits for this row, whose time is over already.
        over = {"by": by, "until": timezone.now()}
        ReviewLock.objects.get_or_create(prediction_id=pk, defaults=over)
        ReviewLock.objects.select_for_update().filter(prediction=pk).first()
        refuse_if_taken(Q(prediction=pk), by)
        return _give(pk, by)


def take_over(pk, by):
    """Gives a record's lock to another reviewer, whoever has it."""
    with transaction.atomic():
        return _give(pk, by)


def refuse_if_taken(which, by):
    """Raises TakenError if another reviewer has one of the records; which: a condition on their locks."""
    if lock := _current().filter(which).exclude(by=by).first():
        raise TakenError(lock)


def without_lock_of_others(rows, by):
    """The predictions of a queryset that no other reviewer has locked."""
    return rows.filter(~Exists(_current().exclude(by=by).filter(prediction=OuterRef("pk"))))


def _current():
    return ReviewLock.objects.filter(until__gt=timezone.now())


def _give(pk, by):
    now = timezone.now()
    own = _current().filter(prediction=pk, by=by).first()
    values = {"by": by, "since": own.since if own else now}
    values["until"] = now + timedelta(minutes=MINUTES)
    return ReviewLock.objects.update_or_create(prediction_id=pk, defaults=values)[0]
