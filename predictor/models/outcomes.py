"""What stones cost in the end, as clients report it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .predictions import Prediction
from .versions import KIND_CHOICES


class Outcome(models.Model):
    """The price that a client reports for a priced stone, in the currency of its answer.

    It waits until a reviewer releases it, which makes it a Review, or refuses it; before that it counts for
    nothing.
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("state of a reported price", "waiting")
        RELEASED = "released", pgettext_lazy("state of a reported price", "released")
        REFUSED = "refused", pgettext_lazy("state of a reported price", "refused")

    prediction = models.ForeignKey(
        Prediction, models.PROTECT, related_name="outcomes", verbose_name=_("prediction")
    )
    amount = models.FloatField(_("price"))
    kind = models.CharField(_("kind"), max_length=6, choices=KIND_CHOICES)
    sold_on = models.DateField(_("sold on"), null=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("when"), default=timezone.now)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("reviewed by"),
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("reported price"), _("reported prices")
        default_permissions = ("view", "add", "change")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["by"], condition=Q(state="waiting"), name="outcome_waiting"),
            models.Index(fields=["state", "-id"], name="outcome_state"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["prediction", "by"], name="one_outcome_of_a_client"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="an_outcome_is_positive"),
        ]

    def __str__(self):
        return f"{self.prediction_id}: {self.amount}"

    @property
    def currency(self):
        """The currency of the amount, which is that of the answer."""
        return self.prediction.version.currency
