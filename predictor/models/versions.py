"""Model versions and their scores, and when each was active."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ml.stones import BASIS, CURRENCIES, KINDS, SCHEMES, Basis

KIND_CHOICES = [("asking", _("asking prices")), ("paid", _("paid prices"))]
SCHEME_CHOICES = [("graded", _("graded")), ("coded", _("coded"))]


class ModelVersion(models.Model):
    """A trained forest: its file, and the metadata that describes how it was trained."""

    scheme = models.CharField(_("scheme"), max_length=8, choices=SCHEME_CHOICES)
    number = models.PositiveIntegerField(_("number"))
    artifact = models.FileField(_("forest file"), upload_to="models/")
    sha256 = models.CharField(max_length=64)
    scores = models.JSONField(_("scores"))
    training_ranges = models.JSONField(_("training ranges"))
    rows = models.JSONField(_("row counts"))
    data_sha256 = models.CharField(_("sha256 of the data"), max_length=64)
    currency = models.CharField(_("currency"), max_length=3, default=BASIS.currency)
    price_year = models.PositiveSmallIntegerField(_("year of the prices"), default=BASIS.year)
    price_kind = models.CharField(
        _("kind of prices"), max_length=6, choices=KIND_CHOICES, default=BASIS.kind
    )
    price_source = models.CharField(_("source of the prices"), max_length=300, default=BASIS.source)
    vocabulary = models.JSONField(_("what it accepts"), null=True)
    seed = models.BigIntegerField(_("seed"))
    library_versions = models.JSONField(_("library versions"))
    card = models.JSONField(_("model card"), default=dict)
    created = models.DateTimeField(_("created"), default=timezone.now)
    created_by = models.CharField(_("created by"), max_length=150, blank=True)
    failure = models.TextField(_("why it could not be loaded"), blank=True)
    retired = models.DateTimeField(_("retired"), null=True)
    sunset = models.DateTimeField(_("available until"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("model version"), _("model versions")
        ordering = ["scheme", "-number"]
        permissions = [("retrain_modelversion", "Can retrain models")]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "number"], name="one_number_per_scheme"),
            models.CheckConstraint(
                condition=Q(scheme__in=list(SCHEMES)), name="version_of_a_known_scheme"
            ),
            models.CheckConstraint(
                condition=Q(currency__in=list(CURRENCIES), price_kind__in=KINDS),
                name="version_of_a_known_basis",
            ),
        ]

    def __str__(self):
        return f"{self.scheme} {self.number}"

    @property
    def basis(self):
        """The basis of its prices, and so of its answers."""
        return Basis(self.currency, self.price_year, self.price_kind, self.price_source)

    @property
    def facts(self):
        """{property: the value that all its stones have} of a version of an own list; None for one of the
        shipped table."""
        return None if self.vocabulary is None else self.vocabulary["facts"]


class Activation(models.Model):
    """The activation of a version: when, by whom, why, and which version it replaced."""

    scheme = models.CharField(_("scheme"), max_length=8, choices=SCHEME_CHOICES)
    version = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="activations", verbose_name=_("version")
    )
    replaced = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, related_name="+", verbose_name=_("replaced")
    )
    at = models.DateTimeField(_("when"), default=timezone.now)
    by = models.CharField(_("by"), max_length=150, blank=True)
    why = models.TextField(_("why"))
    live = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name, verbose_name_plural = _("activation"), _("activations")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["scheme"], condition=Q(live=True), name="one_live_version_per_scheme"
            )
        ]

    def __str__(self):
        return f"{self.version} ({self.at:%Y-%m-%d %H:%M})"
