"""Long work: the jobs that were requested, and the worker processes that run them.

The columns of a running job are changed only by the worker that its row names; see predictor/jobs/.
"""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SILENT = timedelta(seconds=settings.JOB_LOST_SECONDS)
"""After this long without a heartbeat a worker, and the job that it runs, is considered lost."""


class State(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    STOPPED = "stopped", _("stopped")
    LOST = "lost", _("lost: the worker stopped")


OPEN = (State.QUEUED, State.RUNNING)
"""The states of jobs that are not finished."""


class Job(models.Model):
    """One piece of long work: who requested it, its progress, its result.

    worker: the id of the Worker that runs it. losses: how often its worker was lost. file: the name
    of its file in the storage `jobs`; complete, with rows and size, once the job is done.
    """

    State = State

    kind = models.CharField(_("kind"), max_length=30)
    arguments = models.JSONField(default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("by")
    )
    language = models.CharField(max_length=8, default="en")
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.QUEUED)
    created = models.DateTimeField(_("requested"), default=timezone.now)
    started = models.DateTimeField(_("started at"), null=True)
    heartbeat = models.DateTimeField(_("last heartbeat"), null=True)
    ended = models.DateTimeField(_("finished at"), null=True)
    worker = models.UUIDField(null=True)
    losses = models.PositiveSmallIntegerField(default=0)
    stop_requested = models.BooleanField(default=False)
    done = models.PositiveBigIntegerField(_("done"), default=0)
    total = models.PositiveBigIntegerField(_("total"), default=0)
    outcome = models.TextField(_("result"), blank=True)
    result = models.JSONField(default=dict)
    file = models.CharField(_("file"), max_length=200, blank=True)
    rows = models.PositiveBigIntegerField(_("rows"), null=True)
    size = models.PositiveBigIntegerField(_("size"), null=True)
    expires = models.DateTimeField(_("deleted after"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("job"), _("jobs")
        default_permissions = ("view",)
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["state", "id"], condition=models.Q(state__in=OPEN), name="job_open"
            ),
            models.Index(fields=["by", "-id"], name="job_of_user"),
            models.Index(
                fields=["expires"], condition=models.Q(expires__isnull=False), name="job_expires"
            ),
        ]
        constraints = [  # 1 for an open retraining, NULL for others: several NULLs are allowed
            models.UniqueConstraint(
                models.Case(models.When(kind="retrain", state__in=OPEN, then=models.Value(1))),
                name="one_retraining_open",
            )
        ]

    def __str__(self):
        return f"{self.kind} {self.pk}"

    @property
    def is_open(self):
        """Whether the job is not finished."""
        return self.state in OPEN


class Worker(models.Model):
    """A worker process. Its row is removed when the process ends, or by another worker when it is
    lost."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=100)
    seen = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.name

    @classmethod
    def alive(cls):
        """The workers that have sent a heartbeat lately, by the database's clock."""
        return cls.objects.filter(seen__gte=Now() - SILENT)
