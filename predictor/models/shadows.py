"""Shadows: versions that price the requests that the active one has answered, too; and their prices."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .predictions import Prediction
from .versions import SCHEME_CHOICES, ModelVersion


class Shadow(models.Model):
    """A version that prices the requests which the active version of its scheme has answered, until one of
    the scheme's versions is activated.

    reached: the id of the last prediction that was looked at. unpriced: the number of requests that the
    version does not know a grade of. failure: why its file cannot be loaded at present.
    """

    scheme = models.CharField(_("scheme"), max_length=8, choices=SCHEME_CHOICES)
    version = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="shadows", verbose_name=_("version")
    )
    against = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="+", verbose_name=_("active version")
    )
    began = models.DateTimeField(_("since"), default=timezone.now)
    ended = models.DateTimeField(_("until"), null=True)
    by = models.CharField(_("by"), max_length=150, blank=True)
    reached = models.UUIDField()
    priced = models.PositiveBigIntegerField(_("requests priced"), default=0)
    unpriced = models.PositiveBigIntegerField(_("requests not priced"), default=0)
    failure = models.TextField(_("why it could not be loaded"), blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("shadow"), _("shadows")
        default_permissions = ("view",)
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["scheme"], condition=Q(ended=None), name="one_shadow_per_scheme"
            )
        ]

    def __str__(self):
        return f"{self.version} ({self.began:%Y-%m-%d %H:%M})"


class ShadowPrice(models.Model):
    """The price of a shadow for the stone of a prediction, with its range, in the prediction's currency.

    trained_on: whether one of the two versions was trained on the stone. It is deleted with its prediction
    (predictor/history/pruning.py); a foreign key would have to be checked for each row.
    """

    prediction = models.OneToOneField(
        Prediction,
        models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        related_name="shadow_price",
    )
    shadow = models.ForeignKey(Shadow, models.CASCADE, related_name="prices", db_index=False)
    price = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    trained_on = models.BooleanField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["shadow", "-prediction"], name="shadow_price_newest")]

    def __str__(self):
        return f"{self.prediction_id}: {self.price}"
