"""Retraining beside the server: asked for in the admin, done by the worker of django-tasks, which calls
the retrain command.

A worker that dies leaves its job to be marked lost; the retraining lock is its process's, so it is free.
"""

from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_tasks import task

from predictor.models import RetrainJob
from predictor.telemetry.redaction import redacted

EVERY = 2
"""Seconds between two signs of life."""


class AlreadyAskedError(RuntimeError):
    """A retraining is waiting or running."""


def ask(scheme, with_reviewed, by):
    """Queues a retraining of a scheme; the RetrainJob. AlreadyAskedError while there is another."""
    RetrainJob.mark_lost()
    try:
        with transaction.atomic():
            job = RetrainJob.objects.create(scheme=scheme, with_reviewed=with_reviewed, by=by)
            run.enqueue(job.pk)
    except IntegrityError:  # the constraint one_open_retraining
        raise AlreadyAskedError from None
    return job


@task()
def run(job_id):
    """What the worker does. The command is called by its name, so that the admin, which asks for
    retrainings, does not import what trains."""
    call_command("retrain", job=job_id)


def carry_out(job_id, train):
    """Does a job and keeps its state; CommandError where there is none.

    train: (job, progress) -> (ModelVersion, what came of it).
    """
    job = RetrainJob.objects.filter(pk=job_id).first()
    if job is None:
        raise CommandError(f"there is no retraining {job_id}")
    if not job.is_open:
        return
    _save(job, state=RetrainJob.State.RUNNING, heard=timezone.now())
    try:
        version, outcome = train(job, _progress_of(job))
        _save(job, state=RetrainJob.State.DONE, version=version, outcome=outcome)
    except (CommandError, OSError) as error:
        _save(job, state=RetrainJob.State.FAILED, outcome=redacted(str(error)))
    except BaseException as error:
        _save(
            job, state=RetrainJob.State.FAILED, outcome=redacted(f"{type(error).__name__}: {error}")
        )
        raise
    finally:
        _save(job, ended=timezone.now())


def _save(job, **values):
    for name, value in values.items():
        setattr(job, name, value)
    job.save(update_fields=list(values))


def _progress_of(job):
    """What training tells its progress to: kept every few seconds."""

    def progress(done, total):
        now = timezone.now()
        if done == total or (now - job.heard).total_seconds() >= EVERY:
            _save(job, done=done, total=total, heard=now)

    return progress
