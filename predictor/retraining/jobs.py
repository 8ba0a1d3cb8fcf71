"""Retraining in the background: queued in the admin, run by the worker of django-tasks, which calls the
retrain command.

If a worker dies, its job is marked lost; the retraining lock is released with its process.
"""

from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_tasks import task

from predictor.models import RetrainJob
from predictor.telemetry.redaction import redacted

EVERY = 2
"""Seconds between two heartbeats."""


class AlreadyAskedError(RuntimeError):
    """A retraining is already queued or running."""


def ask(scheme, with_reviewed, by):
    """Queues a retraining of a scheme; the RetrainJob. Raises AlreadyAskedError if there is one already."""
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
    """Runs in the worker. The command is called by its name, so that the admin, which queues
    retrainings, does not import the training code."""
    call_command("retrain", job=job_id)


def carry_out(job_id, train):
    """Runs a job and saves its state; raises CommandError if there is no such job.

    train: (job, progress) -> (ModelVersion, the outcome as text).
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
    """A progress function for training, which saves the job's progress every few seconds."""

    def progress(done, total):
        now = timezone.now()
        if done == total or (now - job.heard).total_seconds() >= EVERY:
            _save(job, done=done, total=total, heard=now)

    return progress
