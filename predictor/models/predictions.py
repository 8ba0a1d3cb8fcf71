"""All recorded answers and refusals."""

import json
import math
from functools import cache, cached_property
from urllib.parse import parse_qs

from django.db import models
from django.db.models import Q
from django.db.models.base import ModelState
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ml import vocabulary
from ml.stones import GRADES, KEYED, SCHEMES, carat_band

from .ids import uuid7
from .versions import SCHEME_CHOICES, ModelVersion

OPTIONAL = tuple(vocabulary.OPTIONAL)

FAR_ABOVE = 98
"""The percentile from which an asking price is far above: of 100 similar stones at most two cost more."""

NO_ID = "00000000-0000-0000-0000-000000000000"


def quote_address():
    """What is before and after the ID in the address of a quote's page."""
    return _quote_address(get_script_prefix())


@cache
def _quote_address(script_prefix):
    """The same, computed once: to reverse it takes time."""
    return reverse("quote", args=[NO_ID]).split(NO_ID)


def may_be_recorded(assumed):
    """Whether the training data may have the stone itself, given what was assumed of it (a Prediction's
    `assumed`): a stone of another color or clarity is another stone."""
    return not (assumed and any(one["field"] in KEYED for one in assumed))


class Prediction(models.Model):
    """One recorded answer, or one refusal, as it was sent."""

    class Source(models.TextChoices):
        FORM = "form", _("form")
        API = "api", _("API")
        BATCH = "batch", _("batch")
        REPLAY = "replay", _("replay")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    source = models.CharField(_("source"), max_length=6, choices=Source)
    client = models.CharField(_("client"), max_length=150, blank=True)
    scheme = models.CharField(_("scheme"), max_length=8, choices=SCHEME_CHOICES, blank=True)
    status = models.PositiveSmallIntegerField(_("status"), default=200)
    request = models.TextField(_("request as sent"))

    carat = models.FloatField(_("carat (ct)"), null=True)
    cut = models.CharField(_("cut"), max_length=9, blank=True)
    color = models.CharField(_("color"), max_length=1, blank=True)
    clarity = models.CharField(_("clarity"), max_length=4, blank=True)
    depth = models.FloatField(_("depth (%)"), null=True)
    table = models.FloatField(_("table (%)"), null=True)
    x = models.FloatField(_("x (mm)"), null=True)
    y = models.FloatField(_("y (mm)"), null=True)
    z = models.FloatField(_("z (mm)"), null=True)
    volume = models.FloatField(_("volume (mm³)"), null=True)

    # Optional columns of a version's own list; null: not stated, or not known to the version.
    shape = models.CharField(_("shape"), max_length=40, null=True)  # noqa: DJ001
    origin = models.CharField(_("origin"), max_length=40, null=True)  # noqa: DJ001
    laboratory = models.CharField(_("laboratory"), max_length=40, null=True)  # noqa: DJ001
    polish = models.CharField(_("polish"), max_length=40, null=True)  # noqa: DJ001
    symmetry = models.CharField(_("symmetry"), max_length=40, null=True)  # noqa: DJ001
    fluorescence = models.CharField(_("fluorescence"), max_length=40, null=True)  # noqa: DJ001

    price = models.FloatField(_("price"), null=True)
    low = models.FloatField(_("range from"), null=True)
    high = models.FloatField(_("range to"), null=True)
    asking = models.FloatField(_("asking price"), null=True)
    percentile = models.FloatField(_("percentile of the asking price"), null=True)
    assumed = models.JSONField(_("grades assumed"), null=True)
    warnings = models.JSONField(_("warnings"), default=list)
    version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, verbose_name=_("model version")
    )
    trace_id = models.CharField(_("trace ID"), max_length=32, null=True)  # noqa: DJ001 - see 0031
    latency_ms = models.FloatField(_("latency (ms)"))
    error = models.JSONField(_("error"), null=True)

    comparables = None
    """The stones behind the price, if requested; computed, never stored."""

    receipt = None
    """The signed answer, if requested; computed, never stored."""

    class Meta:
        verbose_name, verbose_name_plural = _("prediction"), _("predictions")
        ordering = ["-id"]
        # Only view: predictions are never added, changed or deleted by hand.
        default_permissions = ("view",)
        permissions = [
            ("export_prediction", "Can export predictions"),
            ("prune_prediction", "Can prune predictions"),
        ]
        # Lists find rare rows by these (predictor/admin/predictions/keyset.py); measured by make bench.
        indexes = [
            models.Index(fields=["client"], condition=~Q(client=""), name="prediction_client"),
            models.Index(fields=["status"], condition=~Q(status=200), name="prediction_refused"),
            models.Index(fields=["source"], condition=~Q(source="api"), name="prediction_source"),
            models.Index(fields=["price"], name="prediction_price"),
            models.Index(fields=["carat"], name="prediction_carat"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status=200)
                | Q(price__gt=0, low__lte=models.F("price"), high__gte=models.F("price")),
                name="an_answer_has_a_price_in_its_range",
            )
        ]

    def __str__(self):
        return str(self.id)

    def get_absolute_url(self):
        return str(self.id).join(quote_address())

    @classmethod
    def made(cls, version, values):
        """A new Prediction, equal to cls(version=version, **values), in a fifth of the time.

        values: {field: value}, not checked. Django's constructor examines each field for every row.
        """
        new, state = cls.__new__(cls), ModelState()
        state.fields_cache["version"] = version
        new.__dict__ = {
            **_blank(),
            "_state": state,
            "id": uuid7(),
            "created": timezone.now(),
            "version_id": version.id,
            "warnings": [],
            **values,
        }
        return new

    @cached_property
    def features(self):
        """The validated inputs, in their scheme's order and types; {} for a refusal."""
        if self.status != 200:
            return {}
        found = {name: getattr(self, name) for name in SCHEMES[self.scheme]}
        if self.scheme == "coded":
            return found | {name: int(found[name]) for name in GRADES}
        return found | self.stated

    @property
    def stated(self):
        """{optional column: its value} of those that were stated."""
        found = ((name, getattr(self, name)) for name in OPTIONAL)
        return {name: value for name, value in found if value is not None}

    @property
    def kinds(self):
        """The groups that a stone belongs to: ("carat", the index of its band), and each grade."""
        grades = [(name, getattr(self, name)) for name in GRADES]
        return [("carat", carat_band(self.carat)), *grades]

    @property
    def predicted_price(self):
        """The price as a whole number, truncated, as in the contract."""
        return int(self.price)

    @property
    def is_extrapolated(self):
        """Whether the stone was outside the training data, so that its range is uncertain."""
        return "extrapolated" in [warning["code"] for warning in self.warnings]

    @property
    def may_be_recorded(self):
        """Whether the training data may have the stone itself."""
        return may_be_recorded(self.assumed)

    @property
    def recorded_stone(self):
        """The training stone that is the stone itself and gave the price: {"row", "price"}, its row and its
        recorded price; None if there is none."""
        for warning in self.warnings:
            if warning["code"] == "recorded_stone":
                return {"row": warning["row"], "price": warning["listed"]}
        return None

    @property
    def verdict(self):
        """Whether the asking price is below, within or above the range, as it is shown in whole units."""
        if self.asking < self.whole_low:
            return "below"
        return "above" if self.asking > self.whole_high else "within"

    @property
    def fairness(self):
        """The asking price in a word: below, fair (within the range), high, or far_above nearly all similar
        stones. A price above the range is high where its percentile is unknown."""
        if self.verdict == "above":
            return "far_above" if (self.percentile or 0) >= FAR_ABOVE else "high"
        return {"below": "below", "within": "fair"}[self.verdict]

    @property
    def part_of_range(self):
        """Where the asking price lies: below or above the range, or in its lower, middle or upper third."""
        if self.verdict != "within":
            return self.verdict
        share = (self.asking - self.low) / ((self.high - self.low) or 1)
        return ("lower", "middle", "upper")[min(max(int(3 * share), 0), 2)]

    @property
    def whole_low(self):
        """The range's lower end, whole, rounded down."""
        return math.floor(self.low)

    @property
    def whole_high(self):
        """The range's upper end, whole, rounded up."""
        return math.ceil(self.high)

    @property
    def price_per_carat(self):
        """The answered (whole) price per carat, to the cent."""
        return round(self.predicted_price / self.carat, 2)

    def request_object(self):
        """The request as sent, parsed for display; the plain text if it cannot be parsed."""
        if self.request[:1] in "{[":
            try:
                sent = json.loads(self.request)
                json.dumps(sent, ensure_ascii=False, indent=2).encode()
            except (ValueError, RecursionError):
                return self.request
            return sent
        sent = parse_qs(self.request, keep_blank_values=True)
        return {name: some if some[1:] else some[0] for name, some in sent.items()} or self.request


@cache
def _blank():
    """The default values of a Prediction's fields, by attribute name."""
    return {field.attname: field.get_default() for field in Prediction._meta.concrete_fields}
