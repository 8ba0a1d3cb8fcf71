"""The filters of the list of predictions. What makes no sense is told, and finds nothing.

Each has an `index`: what a database finds its rows by (keyset.py asks for it).
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
from predictor.models import Prediction, Review, SampledPrediction
from predictor.pricing.warnings import RULE_OF
from predictor.review.judging import not_judged

AROUND = 3_600_000 << 80
"""An hour, in the time that an id begins with: how far it may be from the time on record."""

WIDE, FAR = 0.6, 0.25
"""Ratios to the price: of a range that is wide, of an error that is large."""


@dataclass(frozen=True)
class Index:
    """A database index that finds a filter's rows; its name may be given by its beginning.

    values: the choices that it finds; without any, all but the filter's usual one. only_on: a database.
    """

    name: str
    values: tuple = ()
    only_on: str = ""

    def serves(self, spec):
        """Whether it finds the rows of a filter as it is set in a request."""
        chosen = {str(value) for value in spec.used_parameters.values()}
        if not chosen or self.only_on not in ("", connection.vendor):
            return False
        return (
            chosen <= {*self.values} if self.values else getattr(spec, "usual", None) not in chosen
        )


SEARCHED = None
"""The index of a filter that has none: its rows are looked for, a part of the history at a time."""

PRIMARY_KEY = "primary key"
"""The index of a filter by a range of ids, or by another table's rows (`related`), which name the ids."""


def as_text(rows, name):
    """The rows with a JSON column as text, `<name>_text`: the one way to look into it on SQLite too."""
    return rows.alias(**{f"{name}_text": Cast(name, TextField())})


def named_by(related, rows):
    """The rows that another table names: each is looked up there, which suits a part of the history."""
    return rows.filter(Exists(related.filter(prediction=OuterRef("pk"))))


class FixedChoices(admin.SimpleListFilter):
    """Filters a column by choices that are known: to ask the log for them would read all of it."""

    usual = None
    """A value that nearly all rows have, so that the column's index leaves them out."""

    def queryset(self, request, rows):
        if self.value() is None:
            return rows
        if self.value() not in {value for value, _ in self.lookup_choices}:
            return rows.none()
        return self.chosen(rows, self.value())

    def chosen(self, rows, value):
        """The rows that one of the choices means."""
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
    """A filter of a grade: names of the graded scheme, best first, then codes of the coded one."""
    names = [(name, name) for name in reversed(GRADES[field])]
    codes = [(str(code), f"{code}: {', '.join(some)}") for code, some in CODES[field].items()]

    class GradeFilter(FixedChoices):
        title = label
        parameter_name = field
        index = SEARCHED

        def lookups(self, request, model_admin):
            return names + codes

    return GradeFilter


class TextFilter(admin.SimpleListFilter):
    """Filters a column by a whole text that is typed in."""

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
        if "\x00" in typed:  # which PostgreSQL does not take
            return rows.none()
        if not typed:
            return rows
        # Hardly any row has one, so the index leaves out the others.
        return rows.exclude(**{self.parameter_name: ""}).filter(**{self.parameter_name: typed})


class ClientFilter(TextFilter):
    title = gettext_lazy("client")
    parameter_name = "client"
    index = Index("prediction_client")


class StrictRange:
    """For django-admin-rangefilter's filters: a form that is wrong finds nothing, not everything."""

    def queryset(self, request, rows):
        if self.form.is_bound and not (self.form.is_valid() and self._is_forward()):
            return rows.none()
        return super().queryset(request, rows)

    def _is_forward(self):
        """Whether from is not after to; else the form says so."""
        names = (self.lookup_kwarg_gte, self.lookup_kwarg_lte)
        low, high = (self.form.cleaned_data.get(name) for name in names)
        if low is None or high is None or low <= high:
            return True
        self.form.add_error(names[1], _("The end is before the start."))
        return False


def number_range(name_of_index):
    """A filter from a number to a number, both of which may be left out. SQLite has no index for it, which
    makes recording a quarter slower there."""

    class NumberRange(StrictRange, filters.NumericRangeFilter):
        index = Index(name_of_index, only_on="postgresql")

    return NumberRange


class SchemeFilter(admin.ChoicesFieldListFilter):
    index = SEARCHED


class VersionFilter(admin.RelatedFieldListFilter):
    index = Index("predictor_prediction_version_id")


class DayOrMoment(forms.SplitDateTimeField):
    """A date, and a time that may be left out: it is then the day's first or its last."""

    def __init__(self, usual_time, placeholder):
        widget = filters.AdminSplitDateTime(attrs={"placeholder": placeholder})
        super().__init__(label="", widget=widget, localize=True, required=False)
        self.usual_time = usual_time

    def clean(self, value):
        day, time = value or ("", "")
        return super().clean([day, time or self.usual_time] if day else [day, time])


class TimeRange(StrictRange, filters.DateTimeRangeFilter):
    """From and to, by days or by moments. An id holds its time too, so rows are looked for among the ids
    of that time alone."""

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
        return [(code, code) for code in RULE_OF]

    def chosen(self, rows, value):
        return as_text(rows, "warnings").filter(warnings_text__contains=f'"{value}"')


class RefusedFieldFilter(FixedChoices):
    title = gettext_lazy("refused field")
    parameter_name = "refused"
    index = SEARCHED

    def lookups(self, request, model_admin):
        names = dict.fromkeys(name for columns in SCHEMES.values() for name in columns)
        return [(name, name) for name in names]

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
        """The Reviews that name the rows."""
        if self.value() == "priced":
            return Review.objects.filter(actual_price__isnull=False)
        return Review.objects.filter(state=self.value())


class RiskFilter(FixedChoices):
    """What needs a reviewer's eye: answers that nobody has judged, and those that were far off."""

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
        """The rows of the reviews or samples that name the predictions."""
        if self.value() == "drawn":
            return SampledPrediction.objects.filter(prediction__review=None)
        price = F("prediction__price")
        far = Q(actual_price__lt=price / (1 + FAR)) | Q(actual_price__gt=price / (1 - FAR))
        return Review.objects.filter(far, actual_price__isnull=False)  # few have one


class SampleFilter(TextFilter):
    """Shows one sample; there is no field for it, links lead here."""

    title = gettext_lazy("sample")
    parameter_name = "sample"
    index = Index(PRIMARY_KEY)

    def queryset(self, request, rows):
        return named_by(self.related(), rows) if (self.value() or "").strip() else rows

    def related(self):
        """What was drawn in the sample."""
        number = (self.value() or "").strip()
        known = len(number) <= 18 and number.isascii() and number.isdecimal()
        drawn = SampledPrediction.objects
        return drawn.filter(sample=int(number)) if known else drawn.none()
