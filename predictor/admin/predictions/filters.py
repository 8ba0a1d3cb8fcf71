"""The filters of the list of predictions. A value that is not valid is reported, and matches nothing.

Each has an `index`: the database index that finds its rows (used by keyset.py).
"""

from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rangefilter import filters

from ml.stones import CODES, GRADES, SCHEMES
from ml.vocabulary import OPTIONAL, TRADE_GRADES
from predictor.models import Prediction, Review, SampledPrediction
from predictor.pricing.serializers import levels_of
from predictor.pricing.services import live_validators
from predictor.pricing.warnings import RULE_OF
from predictor.review.judging import not_judged
from predictor.wording.labels import LABELS, level_label

AROUND = 3_600_000 << 80
"""An hour, in the units of the time that an id begins with: how far that time may differ from the
recorded one."""

WIDE, FAR = 0.6, 0.25
"""Ratios to the price: of a wide range, of a large error."""


@dataclass(frozen=True)
class Index:
    """A database index that finds a filter's rows. Its name may be given by a prefix.

    values: the choices that it finds; without any, all but the filter's usual one. only_on: the
    database that has it.
    """

    name: str
    values: tuple = ()
    only_on: str = ""

    def serves(self, spec):
        """Whether it finds the rows of a filter as set in a request."""
        chosen = {str(value) for value in spec.used_parameters.values()}
        if not chosen or self.only_on not in ("", connection.vendor):
            return False
        return (
            chosen <= {*self.values} if self.values else getattr(spec, "usual", None) not in chosen
        )


SEARCHED = None
"""For a filter without an index: its rows are searched for, a part of the history at a time."""

PRIMARY_KEY = "primary key"
"""For a filter by a range of ids, or by the rows of another table (`related`) that refer to the ids."""


def as_text(rows, name):
    """Annotates the rows with a JSON column as text, `<name>_text`: the one way to search in it on
    SQLite too."""
    return rows.alias(**{f"{name}_text": Cast(name, TextField())})


def named_by(related, rows):
    """The rows that another table refers to. Each is looked up there, which suits a part of the
    history."""
    return rows.filter(Exists(related.filter(prediction=OuterRef("pk"))))


class FixedChoices(admin.SimpleListFilter):
    """Filters a column by a fixed list of choices; reading the choices from the history would read
    all of it."""

    usual = None
    """The value that nearly all rows have, so the column's index leaves them out."""

    def queryset(self, request, rows):
        if self.value() is None:
            return rows
        if self.value() not in {value for value, _ in self.lookup_choices}:
            return rows.none()
        return self.chosen(rows, self.value())

    def chosen(self, rows, value):
        """The rows that match one of the choices."""
        if self.usual not in (None, value):
            rows = rows.exclude(**{self.parameter_name: self.usual})
        return rows.filter(**{self.parameter_name: value})


class StatusFilter(FixedChoices):
    title = gettext_lazy("status")
    parameter_name, usual = "status", "200"
    index = Index("prediction_refused")

    def lookups(self, request, model_admin):
        return [(status, status) for status in ("200", "400", "503")]


class SourceFilter(FixedChoices):
    title = gettext_lazy("source")
    parameter_name, usual = "source__exact", "api"
    index = Index("prediction_source")

    def lookups(self, request, model_admin):
        return Prediction.Source.choices


def grade_filter(field, label):
    """A filter by a grade: names of the shipped table and of the active version, best first, then codes of
    the coded scheme."""
    codes = [(str(code), f"{code}: {', '.join(some)}") for code, some in CODES[field].items()]

    class GradeFilter(FixedChoices):
        title = label
        parameter_name = field
        index = SEARCHED

        def lookups(self, request, model_admin):
            known = {*GRADES[field], *live_validators().vocabulary.grades[field]}
            return [(one, one) for one in reversed(TRADE_GRADES[field]) if one in known] + codes

    return GradeFilter


def property_filter(field, label):
    """A filter by an optional property of the active version; without one, Django leaves it out."""

    class PropertyFilter(FixedChoices):
        title = label
        parameter_name = field
        index = SEARCHED

        def lookups(self, request, model_admin):
            levels = levels_of(live_validators().vocabulary).get(field, ())
            return [(one, level_label(field, one)) for one in levels]

    return PropertyFilter


class TextFilter(admin.SimpleListFilter):
    """Filters a column by a whole text that the user types."""

    template = "admin/predictor/text_filter.html"

    def __init__(self, request, *args):
        super().__init__(request, *args)
        not_kept = (self.parameter_name, "p")
        self.kept = [
            (name, value)
            for name, values in request.GET.lists()
            for value in values
            if name not in not_kept
        ]

    def lookups(self, request, model_admin):
        return [("", "")]  # without one Django leaves the filter out

    def choices(self, changelist):
        return []

    def queryset(self, request, rows):
        typed = (self.value() or "").strip()
        if "\x00" in typed:  # which PostgreSQL does not accept
            return rows.none()
        if not typed:
            return rows
        # Few rows have one, so the index leaves out the others.
        return rows.exclude(**{self.parameter_name: ""}).filter(**{self.parameter_name: typed})


class ClientFilter(TextFilter):
    title = gettext_lazy("client")
    parameter_name = "client"
    index = Index("prediction_client")


class StrictRange:
    """For django-admin-rangefilter's filters: an invalid form matches nothing, not everything."""

    def queryset(self, request, rows):
        if self.form.is_bound and not (self.form.is_valid() and self._is_forward()):
            return rows.none()
        return super().queryset(request, rows)

    def _is_forward(self):
        """Whether the start is not after the end; otherwise adds an error to the form."""
        names = (self.lookup_kwarg_gte, self.lookup_kwarg_lte)
        low, high = (self.form.cleaned_data.get(name) for name in names)
        if low is None or high is None or low <= high:
            return True
        self.form.add_error(names[1], _("The end is before the start."))
        return False


def number_range(name_of_index):
    """A filter by a range of numbers, either end of which may be left out. SQLite has no index for
    it, because the index makes recording a quarter slower there."""

    class NumberRange(StrictRange, filters.NumericRangeFilter):
        index = Index(name_of_index, only_on="postgresql")

    return NumberRange


class SchemeFilter(admin.ChoicesFieldListFilter):
    index = SEARCHED


class VersionFilter(admin.RelatedFieldListFilter):
    index = Index("predictor_prediction_version_id")


class DayOrMoment(forms.SplitDateTimeField):
    """A date, and an optional time: without it, the first or the last moment of the day."""

    def __init__(self, usual_time, placeholder):
        widget = filters.AdminSplitDateTime(attrs={"placeholder": placeholder})
        super().__init__(label="", widget=widget, localize=True, required=False)
        self.usual_time = usual_time

    def clean(self, value):
        day, time = value or ("", "")
        return super().clean([day, time or self.usual_time] if day else [day, time])


class TimeRange(StrictRange, filters.DateTimeRangeFilter):
    """A range of days or of moments. An id contains its time too, so only the ids of that time are
    searched."""

    index = Index(PRIMARY_KEY)
    newest = oldest = None

    def queryset(self, request, rows):
        rows = super().queryset(request, rows)
        if not (self.form.is_valid() and any(self.form.cleaned_data.values())):
            return rows
        times = Prediction.objects.filter(**self._conditions())
        first, last = times.order_by("created").first(), times.order_by("-created").first()
        if first is None:
            return rows.none()
        self.oldest = UUID(int=first.pk.int - AROUND)
        self.newest = UUID(int=last.pk.int + AROUND)
        return rows.filter(pk__gte=self.oldest, pk__lte=self.newest)

    def _conditions(self):
        ends = {self.lookup_kwarg_gte: "created__gte", self.lookup_kwarg_lte: "created__lte"}
        return {
            lookup: self.form.cleaned_data[name]
            for name, lookup in ends.items()
            if self.form.cleaned_data.get(name)
        }

    def _get_form_fields(self):
        return {
            self.lookup_kwarg_gte: DayOrMoment("00:00:00", gettext_lazy("From")),
            self.lookup_kwarg_lte: DayOrMoment("23:59:59.999999", gettext_lazy("To")),
        }


class WarningFilter(FixedChoices):
    title = gettext_lazy("warning")
    parameter_name = "warning"
    index = SEARCHED

    def lookups(self, request, model_admin):
        return [(code, rule.title) for code, rule in RULE_OF.items()]

    def chosen(self, rows, value):
        return as_text(rows, "warnings").filter(warnings_text__contains=f'"{value}"')


class RefusedFieldFilter(FixedChoices):
    title = gettext_lazy("refused field")
    parameter_name = "refused"
    index = SEARCHED

    def lookups(self, request, model_admin):
        names = dict.fromkeys(name for columns in SCHEMES.values() for name in columns)
        names |= dict.fromkeys(OPTIONAL)
        return [(name, LABELS[name]) for name in names]

    def chosen(self, rows, value):
        refused = as_text(rows.exclude(status=200), "error")
        return refused.filter(error_text__contains=f'"{value}": [')


class ReviewFilter(FixedChoices):
    title = gettext_lazy("review")
    parameter_name = "review"
    index = Index(PRIMARY_KEY, values=(*Review.State.values, "priced"))

    def lookups(self, request, model_admin):
        return [
            ("none", gettext_lazy("not yet")),
            *Review.State.choices,
            ("priced", gettext_lazy("with an actual price")),
        ]

    def chosen(self, rows, value):
        return not_judged(rows) if value == "none" else named_by(self.related(), rows)

    def related(self):
        """The Reviews of the rows."""
        if self.value() == "priced":
            return Review.objects.filter(actual_price__isnull=False)
        return Review.objects.filter(state=self.value())


class RiskFilter(FixedChoices):
    """Answers that need a review: those not yet reviewed, and those with a large error."""

    title = gettext_lazy("needs review")
    parameter_name = "risk"
    index = Index(PRIMARY_KEY, values=("far", "drawn"))

    def lookups(self, request, model_admin):
        return [
            ("beyond", gettext_lazy("outside the training data")),
            ("wide", gettext_lazy("a wide range")),
            ("far", gettext_lazy("a large error")),
            ("drawn", gettext_lazy("drawn in a sample")),
        ]

    def chosen(self, rows, value):
        rows = rows.filter(status=200)
        if value == "wide":
            return not_judged(rows).filter(high__gt=F("low") + WIDE * F("price"))
        return self._beyond(rows) if value == "beyond" else named_by(self.related(), rows)

    def _beyond(self, rows):
        text = "warnings_text__contains"
        beyond = Q(**{text: '"extrapolated"'}) | Q(**{text: '"outside_training_range"'})
        return as_text(not_judged(rows), "warnings").filter(beyond)

    def related(self):
        """The rows of the reviews or samples that refer to the predictions."""
        if self.value() == "drawn":
            return SampledPrediction.objects.filter(prediction__review=None)
        price = F("prediction__price")
        far = Q(actual_price__lt=price / (1 + FAR)) | Q(actual_price__gt=price / (1 - FAR))
        return Review.objects.filter(far, actual_price__isnull=False)  # few reviews have one


class SampleFilter(TextFilter):
    """Filters by one sample; it has no form field, links lead here."""

    title = gettext_lazy("sample")
    parameter_name = "sample"
    index = Index(PRIMARY_KEY)

    def queryset(self, request, rows):
        return named_by(self.related(), rows) if (self.value() or "").strip() else rows

    def related(self):
        """The rows drawn for the sample."""
        number, drawn = sample_number(self.value()), SampledPrediction.objects
        return drawn.filter(sample=number) if number else drawn.none()


def sample_number(text):
    """The number of a sample in an address; None if it is not one."""
    number = (text or "").strip()
    known = len(number) <= 18 and number.isascii() and number.isdecimal()
    return int(number) if known else None
