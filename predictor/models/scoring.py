"""The files priced by the command `score`."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .versions import SCHEME_CHOICES, ModelVersion

SILENT = timedelta(minutes=3)
"""After this long without a heartbeat a run's process is considered lost."""


class ScoringRun(models.Model):
    """One run over an input: who started it, its progress, its result. Its rows are only in the output;
    a run that was interrupted and resumed is one run."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        LOST = "lost", _("lost: the process stopped")

    by = models.CharField(_("by"), max_length=150, blank=True)
    input = models.TextField(_("input"))
    output = models.TextField(_("output"))
    scheme = models.CharField(_("scheme"), max_length=8, choices=SCHEME_CHOICES)
    version = models.ForeignKey(
        ModelVersion, models.SET_NULL, null=True, verbose_name=_("model version")
    )
    workers = models.CharField(_("workers"), max_length=200)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.RUNNING)
    rows = models.BigIntegerField(_("rows"), default=0)
    errors = models.BigIntegerField(_("rows without a price"), default=0)
    warned = models.BigIntegerField(_("rows with a warning"), default=0)
    seconds = models.FloatField(_("time (s)"), default=0)
    outcome = models.TextField(_("result"), blank=True)
    begun = models.DateTimeField(_("started at"), default=timezone.now)
    heard = models.DateTimeField(_("last heartbeat"), default=timezone.now)
    ended = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("scoring run"), _("scoring runs")
        default_permissions = ("view",)
        ordering = ["-id"]

    def __str__(self):
        return f"{self.pk}, {self.get_state_display()}"

    @classmethod
    def mark_lost(cls):
        """Marks the runs whose process has stopped sending heartbeats."""
        silent = cls.objects.filter(state=cls.State.RUNNING, heard__lt=timezone.now() - SILENT)
        silent.update(state=cls.State.LOST)
