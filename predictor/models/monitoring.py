"""The data of monitoring: the figures of each day, so that no day is read twice, and the alarms."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .versions import ModelVersion


class MonitoredDay(models.Model):
    """The requests and answers of a day (UTC): figures of all requests, and the number of each version's
    answers in each bin of its training stones.

    figures: {"requests": {"api 200": n}, "latency": [p50, p95, p99] in ms, "answers": n, "warned": n,
    "refusals": {"carat: message": n}}; tallies: {version's id: {column: [n, …], "spread": the sums of
    predictor.monitoring.expected}}.
    """

    day = models.DateField(_("day"), unique=True)
    figures = models.JSONField(default=dict)
    tallies = models.JSONField(default=dict)
    whole = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        ordering = ["day"]

    def __str__(self):
        return str(self.day)


class Alarm(models.Model):
    """One of the two alarms of a version: active until a reviewer acknowledges it with a reason."""

    class Kind(models.TextChoices):
        INPUTS = "inputs", _("inputs changed")
        ERROR = "error", _("errors changed")

    kind = models.CharField(_("alarm"), max_length=6, choices=Kind)
    version = models.ForeignKey(ModelVersion, models.CASCADE, verbose_name=_("model version"))
    active = models.BooleanField(_("alarm"), default=False)
    evidence = models.FloatField(_("evidence"), default=1.0)
    observed = models.PositiveBigIntegerField(_("observations"), default=0)
    began = models.DateField(_("since around"), null=True)
    segments = models.JSONField(_("where"), default=list)
    looked = models.DateTimeField(_("checked at"), default=timezone.now)
    counted_from = models.DateField(null=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=150, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    why = models.TextField(_("why"), blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("alarm"), _("monitoring")
        default_permissions = ("view", "change")
        ordering = ["version__scheme", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="one_alarm_of_a_kind")
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.version}"
