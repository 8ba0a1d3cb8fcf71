"""The filters of the desk's lists. What makes no sense is told, and finds nothing."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy
from rangefilter import filters

from ml.stones import CODES, GRADES


class FixedChoices(admin.SimpleListFilter):
    """Filters a column by choices that are known: to ask the log for them would read all of it."""

    def queryset(self, request, rows):
        if self.value() is None:
            return rows
        known = {value for value, _ in self.lookup_choices}
        return (
            rows.filter(**{self.parameter_name: self.value()})
            if self.value() in known
            else rows.none()
        )


class StatusFilter(FixedChoices):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request, model_admin):
        return [(status, status) for status in ("200", "400", "503")]


def grade_filter(field, label):
    """A filter of a grade: names of the graded scheme, best first, then codes of the coded one."""
    names = [(name, name) for name in reversed(GRADES[field])]
    codes = [(str(code), f"{code}: {', '.join(some)}") for code, some in CODES[field].items()]

    class GradeFilter(FixedChoices):
        title = label
        parameter_name = field

        def lookups(self, request, model_admin):
            return names + codes

    return GradeFilter


class TextFilter(admin.SimpleListFilter):
    """Filters a column by a whole text that is typed in."""

    template = "admin/predictor/text_filter.html"

    def __init__(self, request, *args):
        super().__init__(request, *args)
        not_kept = (self.parameter_name, "p")
        self.kept = [(name, value) for name, values in request.GET.lists()
                     for value in values if name not in not_kept]  # fmt: skip

    def lookups(self, request, model_admin):
        return [("", "")]  # without one Django leaves the filter out

    def choices(self, changelist):
        return []

    def queryset(self, request, rows):
        typed = (self.value() or "").strip()
        if "\x00" in typed:  # which PostgreSQL does not take
            return rows.none()
        return rows.filter(**{self.parameter_name: typed}) if typed else rows


class ClientFilter(TextFilter):
    title = gettext_lazy("client")
    parameter_name = "client"


class Told:
    """For django-admin-rangefilter's filters: a form that is wrong finds nothing, not everything."""

    def queryset(self, request, rows):
        if self.form.is_bound and not self.form.is_valid():
            return rows.none()
        return super().queryset(request, rows)


class NumberRange(Told, filters.NumericRangeFilter):
    """From and to, both may be left out."""


class DayOrMoment(forms.SplitDateTimeField):
    """A date, and a time that may be left out: it is then the day's first or its last."""

    def __init__(self, usual_time, placeholder):
        widget = filters.AdminSplitDateTime(attrs={"placeholder": placeholder})
        super().__init__(label="", widget=widget, localize=True, required=False)
        self.usual_time = usual_time

    def clean(self, value):
        day, time = value or ("", "")
        return super().clean([day, time or self.usual_time] if day else [day, time])


class TimeRange(Told, filters.DateTimeRangeFilter):
    """From and to, by days or by moments."""

    def _get_form_fields(self):
        return {
            self.lookup_kwarg_gte: DayOrMoment("00:00:00", gettext_lazy("From")),
            self.lookup_kwarg_lte: DayOrMoment("23:59:59.999999", gettext_lazy("To")),
        }
