"""Retraining as a job, which calls the retrain command by its name: so the admin, which queues
retrainings, does not import the training code."""

from datetime import timedelta

from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from predictor.jobs.kinds import job_kind


def described(arguments):
    """The scheme, and whether reviewed predictions are added."""
    more = gettext("with reviewed predictions") if arguments["with_reviewed"] else ""
    return ", ".join(filter(None, [arguments["scheme"], more]))


def address(job):
    """The page of the version that a retraining registered."""
    version = job.result.get("version")
    return reverse("admin:predictor_modelversion_change", args=[version]) if version else ""


@job_kind(
    "retrain",
    gettext_lazy("retraining"),
    "predictor.retrain_modelversion",
    timedelta(hours=12),
    describe=described,
    address=address,
)
def retrain(context, scheme, with_reviewed):
    """Trains a scheme. If an earlier run of the job has registered its version, only the gate and the
    activation follow."""
    try:
        return call_command("retrain", scheme=scheme, with_reviewed=with_reviewed, job=context)
    except CommandError as error:
        if isinstance(error.__cause__, OperationalError | InterfaceError):
            raise error.__cause__ from None  # the job begins again when the database is back
        raise
