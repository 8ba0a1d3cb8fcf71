"""Reviews of answers, and saved views. The answers themselves never change."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from .predictions import Prediction

LONGEST_SOURCE, LONGEST_NOTE, LONGEST_QUERY = 200, 1000, 4000
"""The maximum length of each text in characters. A longer filter would not fit into a URL."""


class Review(models.Model):
    """A reviewer's judgement of one answer: the actual price of the stone, or that it was checked.

    Earlier versions of the review are kept in `history`.
    """

    class State(models.TextChoices):
        CHECKED = "checked", _("checked")
        DISPUTED = "disputed", _("disputed")

    prediction = models.OneToOneField(
        Prediction, models.PROTECT, related_name="review", verbose_name=_("prediction")
    )
    state = models.CharField(
        _("review"), max_length=8, choices=State, default=State.CHECKED, db_index=True
    )
    actual_price = models.FloatField(_("actual price"), null=True, blank=True)
    sold_on = models.DateField(_("sold on"), null=True, blank=True)
    source = models.CharField(_("source of the price"), max_length=LONGEST_SOURCE, blank=True)
    note = models.TextField(_("note"), blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("when"), default=timezone.now)
    history = HistoricalRecords(verbose_name=_("earlier review"))

    class Meta:
        verbose_name, verbose_name_plural = _("review"), _("reviews")
        constraints = [
            models.CheckConstraint(
                condition=Q(actual_price=None) | Q(actual_price__gt=0),
                name="an_actual_price_is_positive",
            )
        ]

    def __str__(self):
        return f"{self.prediction_id}: {self.state}"

    @property
    def _history_user(self):
        """The user that django-simple-history records for a change."""
        return self.by


class ReviewLock(models.Model):
    """A record that somebody is reviewing: for some minutes nobody else can save a review of it."""

    prediction = models.OneToOneField(Prediction, models.CASCADE, related_name="review_lock")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        permissions = [("take_over_reviewlock", "Can take over a review")]

    def __str__(self):
        return f"{self.prediction_id}: {self.by}"


class SavedView(models.Model):
    """A named filter of the list of predictions, shared by all reviewers."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    query = models.TextField(_("filter"), blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("saved filter"), _("saved filters")
        ordering = ["name"]

    def __str__(self):
        return self.name


class Sample(models.Model):
    """A random sample of a view's answers, drawn for review, so that estimates from it are unbiased.

    by_worth: drawn with different chances (predictor/review/worth.py), with expected, the sum of the errors
    to expect of all answers, and threshold, the priority of the first answer that was not drawn, 0 if all
    were.
    """

    seed = models.BigIntegerField(_("seed"))
    by_price = models.BooleanField(_("the same number from each price band"), default=False)
    by_worth = models.BooleanField(_("the reviews that are worth most"), default=False)
    expected = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    twice = models.BooleanField(_("two independent reviews"), default=False)
    query = models.TextField(_("filter"), blank=True)
    population = models.PositiveBigIntegerField(_("drawn from"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    created = models.DateTimeField(_("created"), default=timezone.now)
    request = models.UUIDField(null=True, unique=True, editable=False)
    """Identifies the form that was sent: the same form sent again draws no second sample."""

    class Meta:
        verbose_name, verbose_name_plural = _("sample"), _("samples")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.pk}"


class SampledPrediction(models.Model):
    """One answer of a sample. stands_for: the number of the view's answers that it represents; weight,
    priority and expected: of a sample by_worth. reviewer: who it is assigned to, None for anybody."""

    sample = models.ForeignKey(Sample, models.CASCADE, related_name="predictions")
    prediction = models.ForeignKey(Prediction, models.PROTECT, related_name="samples")
    place = models.PositiveIntegerField()
    stands_for = models.FloatField()
    weight = models.FloatField(null=True)
    priority = models.FloatField(null=True)
    expected = models.FloatField(null=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        default_permissions = ()
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["sample", "prediction"], name="drawn_once_a_sample")
        ]

    def __str__(self):
        return f"{self.sample_id}: {self.prediction_id}"


class SecondReview(models.Model):
    """What another reviewer said of an answer without knowing the first review."""

    prediction = models.OneToOneField(Prediction, models.PROTECT, related_name="second_review")
    state = models.CharField(max_length=8, choices=Review.State)
    actual_price = models.FloatField(null=True)
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"{self.prediction_id}: {self.state}"
