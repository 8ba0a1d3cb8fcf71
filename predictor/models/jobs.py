"""Retrainings started in the admin, run in the background."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .versions import SCHEME_CHOICES, ModelVersion

SILENT = timedelta(minutes=3)
"""After this long without a heartbeat a job's worker is considered lost."""

OPEN = ("queued", "running")
"""The states of jobs that are not finished."""


class RetrainJob(models.Model):
    """One retraining: who started it, its progress, its result."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting for the worker")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        LOST = "lost", _("lost: the worker stopped")

    scheme = models.CharField(_("scheme"), max_length=8, choices=SCHEME_CHOICES)
    with_reviewed = models.BooleanField(_("with reviewed predictions"), default=True)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.QUEUED)
    done = models.PositiveIntegerField(_("trees grown"), default=0)
    total = models.PositiveIntegerField(_("total trees"), default=0)
    outcome = models.TextField(_("result"), blank=True)
    version = models.ForeignKey(
        ModelVersion, models.SET_NULL, null=True, verbose_name=_("model version")
    )
    by = models.CharField(_("by"), max_length=150, blank=True)
    created = models.DateTimeField(_("requested"), default=timezone.now)
    ended = models.DateTimeField(_("finished at"), null=True)
    heard = models.DateTimeField(_("last heartbeat"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("retraining"), _("retrainings")
        default_permissions = ("view",)
        ordering = ["-id"]
        constraints = [  # 1 for an open job, NULL for others: several NULLs are allowed
            models.UniqueConstraint(
                models.Case(models.When(state__in=OPEN, then=models.Value(1))),
                name="one_open_retraining",
            )
        ]

    def __str__(self):
        return f"{self.scheme}, {self.get_state_display()}"

    @property
    def is_open(self):
        """Whether the job is not finished."""
        return self.state in OPEN

    @classmethod
    def mark_lost(cls):
        """Marks the jobs whose worker has stopped sending heartbeats."""
        silent = cls.objects.filter(state=cls.State.RUNNING, heard__lt=timezone.now() - SILENT)
        silent.update(state=cls.State.LOST, ended=timezone.now())
