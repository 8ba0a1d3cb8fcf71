"""Retraining beside the server: asked for in the admin, done by the worker of django-tasks.

A worker that dies leaves its job to be marked lost; the retraining lock is its process's, so it is free.
"""

from django.db import transaction
from django.utils import timezone
from django_tasks import task

from predictor.models import RetrainJob

EVERY = 2
"""Seconds between two signs of life."""


class AlreadyAskedError(RuntimeError):
    """A retraining is waiting or running."""


def ask(scheme, with_reviewed, by):
    """Queues a retraining of a scheme; the RetrainJob. AlreadyAskedError while there is another."""
    with transaction.atomic():
        RetrainJob.mark_lost()
        still = (RetrainJob.State.QUEUED, RetrainJob.State.RUNNING)
        if RetrainJob.objects.select_for_update().filter(state__in=still).exists():
            raise AlreadyAskedError
        job = RetrainJob.objects.create(scheme=scheme, with_reviewed=with_reviewed, by=by)
        run.enqueue(job.pk)
    return job


@task()
def run(job_id):
    """What the worker does: trains, registers, and lets the gate decide, as the command does."""
    from ml import dataset
    from ml.dataset import DatasetError
    from ml.training import NotEnoughStones
    from predictor.versions.activation import activate
    from predictor.versions.retraining import AlreadyRunning, only_one, retrain

    job = RetrainJob.objects.get(pk=job_id)
    if not job.is_open:
        return
    _tell(job, state=RetrainJob.State.RUNNING, heard=timezone.now())
    try:
        with only_one():
            table, count = _stones(job, dataset.read())
            by = job.by
            version, verdict = retrain(job.scheme, table, by=by, progress=_heard(job))
            if verdict.passed:
                activate(version, by, f"retrain: {verdict.why}")
        said = f"{version}: {'live' if verdict.passed else 'kept back'}: {verdict.why}"
        outcome = f"{said}; {count:,} reviewed answers" if job.with_reviewed else said
        _tell(job, state=RetrainJob.State.DONE, version=version, outcome=outcome)
    except (AlreadyRunning, DatasetError, NotEnoughStones, OSError) as error:
        _tell(job, state=RetrainJob.State.FAILED, outcome=str(error))
    except BaseException as error:
        _tell(job, state=RetrainJob.State.FAILED, outcome=f"{type(error).__name__}: {error}")
        raise
    finally:
        _tell(job, ended=timezone.now())


def _stones(job, table):
    from ml.stones import BASIS

    from .learning import with_reviewed

    return with_reviewed(table, BASIS.currency) if job.with_reviewed else (table, 0)


def _tell(job, **values):
    for name, value in values.items():
        setattr(job, name, value)
    job.save(update_fields=list(values))


def _heard(job):
    """What training tells its progress to: kept every few seconds."""

    def progress(done, total):
        now = timezone.now()
        if done == total or (now - job.heard).total_seconds() >= EVERY:
            _tell(job, done=done, total=total, heard=now)

    return progress
