"""The queue: what users ask of it, and how workers take jobs from it.

The table of jobs is the queue. Each change of a state is one UPDATE that names the state, and the
worker, that it expects: of several that try the same change, the database lets one succeed.
"""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import get_language, gettext, override

from predictor.history.batches import write_in_batches
from predictor.models import Job, Worker
from predictor.models.jobs import OPEN, SILENT, State

from .errors import JobRefused
from .kinds import KINDS

MOST_OPEN = 20
"""The most jobs of a user that wait or run."""

MOST_OF_CLIENT, MOST_OF_CLIENTS = 3, 50
"""The most such jobs of a client without an account, and of all of these clients."""

MOST_LOSSES = 3
"""After its worker was lost this often a job is not begun again: it may be the reason."""

MOST_DELETED = 10_000
"""The most old jobs that are deleted at a time."""

# What users ask


def ask(kind, by, /, **arguments):
    """Requests a job; returns it, or an open one of the same user with the same arguments.

    Raises PermissionDenied, or JobRefused if the user has too many, or if its kind allows only one.
    """
    if not by.has_perm(KINDS[kind].permission):
        raise PermissionDenied
    waiting = Job.objects.filter(by=by, state__in=OPEN)
    same = waiting.filter(kind=kind, arguments=arguments, stop_requested=False)
    if job := same.first():
        return job
    if waiting.count() >= MOST_OPEN:
        raise JobRefused(gettext("You have too many jobs waiting. Withdraw some, or wait."))
    try:
        with transaction.atomic():
            return _new(kind, arguments, by=by)
    except IntegrityError:  # such as the constraint one_retraining_open
        if job := same.first():
            return job
        text = gettext("A job of this kind is waiting or running already.")
        raise JobRefused(text) from None


def ask_without_account(kind, client, /, **arguments):
    """Requests a job that belongs to whoever has the address of its page; returns it.

    client: a text that identifies who asks, without an address. Raises JobRefused if this client, or all
    of them together, have too many.
    """
    waiting = Job.objects.filter(by=None, kind=kind, state__in=OPEN)
    if waiting.filter(arguments__client=client).count() >= MOST_OF_CLIENT:
        raise JobRefused(gettext("You have too many jobs waiting. Withdraw some, or wait."))
    if waiting.count() >= MOST_OF_CLIENTS:
        raise JobRefused(gettext("Too many jobs are waiting. Try again later."))
    return _new(kind, arguments | {"client": client})


def _new(kind, arguments, **columns):
    language = get_language() or "en"
    return Job.objects.create(kind=kind, arguments=arguments, language=language, **columns)


def stop(job):
    """Withdraws a job that waits; one that runs stops at its next report of progress."""
    rows = Job.objects.filter(pk=job.pk)
    if not rows.filter(state=State.QUEUED).update(state=State.STOPPED, ended=Now()):
        rows.filter(state=State.RUNNING).update(stop_requested=True)


def is_worker_missing():
    """Whether no worker has sent a heartbeat lately. Causes a query."""
    return not Worker.alive().exists()


# What workers do


def claim(worker):
    """Takes the oldest job that waits for a worker, given by its id; None if none waits."""
    for pk in (
        Job.objects.filter(state=State.QUEUED).order_by("pk").values_list("pk", flat=True)[:5]
    ):
        began = {"state": State.RUNNING, "worker": worker, "started": Now(), "heartbeat": Now()}
        if Job.objects.filter(pk=pk, state=State.QUEUED).update(**began, done=0, total=0):
            return Job.objects.get(pk=pk)
    return None


def of_worker(job, worker):
    """The row of a running job as a queryset; it is empty once the worker no longer has the job."""
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, worker=worker)


def begin_again(job, lost):
    """The changes that let another worker begin a job, or that close it if none may."""
    kind, losses = KINDS.get(job.kind), job.losses + lost
    if job.stop_requested:
        return {"state": State.STOPPED, "ended": Now()}
    if not (kind and kind.repeats):
        return {"state": State.LOST, "ended": Now()}
    if losses >= MOST_LOSSES:
        with override(job.language):
            text = gettext("It did not end: its worker, or the database, stopped three times.")
        return {"state": State.FAILED, "ended": Now(), "losses": losses, "outcome": text}
    again = {"state": State.QUEUED, "worker": None, "started": None, "ended": None}
    return again | {"losses": losses}


def recover(gone=()):
    """Puts the jobs of lost workers back into the queue, or closes them.

    gone: ids of workers that are known to have ended; the others are lost once they are silent.
    """
    lost = Job.objects.filter(state=State.RUNNING)
    lost = lost.filter(Q(worker__in=gone) | Q(heartbeat__lt=Now() - SILENT))
    for job in lost:
        changes = begin_again(job, lost=1)
        if lost.filter(pk=job.pk, worker=job.worker).update(**changes, file=""):
            discard(job.file)
    Worker.objects.filter(Q(pk__in=gone) | Q(seen__lt=Now() - SILENT)).delete()


def discard(file):
    """Deletes a job's file, if it has one."""
    if file:
        default_storage.delete(file)


def delete_expired():
    """Deletes the files that are older than their jobs keep them."""
    for job in Job.objects.filter(expires__lt=timezone.now()).only("file")[:20]:
        discard(job.file)
        Job.objects.filter(pk=job.pk).update(file="", expires=None)


def delete_old_jobs():
    """Deletes finished jobs that were requested over JOB_KEPT_DAYS days ago, in short transactions. One
    with a file stays until that expires."""
    if not settings.JOB_KEPT_DAYS:
        return
    before = timezone.now() - timedelta(days=settings.JOB_KEPT_DAYS)
    old = Job.objects.filter(created__lt=before, file="").exclude(state__in=OPEN)
    ids = [*old.order_by("pk").values_list("pk", flat=True)[:MOST_DELETED]]
    for _deleted in write_in_batches(lambda some: old.filter(pk__in=some).delete(), ids):
        pass


def figures():
    """For the metrics: ({state: the number of jobs}, the age in seconds of the oldest that waits, the
    number of workers)."""
    found = Job.objects.order_by().values_list("state").annotate(models.Count("pk"))
    numbers = dict.fromkeys(State.values, 0) | dict(found)
    waiting = Job.objects.filter(state=State.QUEUED).order_by("pk")
    oldest = waiting.values_list("created", flat=True).first()
    age = (timezone.now() - oldest).total_seconds() if oldest else 0
    return numbers, max(age, 0), Worker.alive().count()
