"""The monitoring page: the two alarms, and the days as charts and as tables."""

from collections import Counter
from contextlib import suppress
from datetime import date, timedelta
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.forest.artifact import ForestFileError
from ml.stones import CODES, SCHEMES
from predictor.admin.jobs import requested
from predictor.admin.readonly import ReadOnlyAdmin
from predictor.jobs.kinds import job_kind
from predictor.models import Alarm, MonitoredDay
from predictor.models.reviews import LONGEST_NOTE
from predictor.monitoring.alarms import acknowledge, look
from predictor.monitoring.eprocess import LEVEL
from predictor.monitoring.errors import FEWEST
from predictor.monitoring.expected import MOST_ACTUAL, errors_of_days
from predictor.pricing.serializers import levels_of
from predictor.pricing.services import live_validators
from predictor.versions.activation import live_version
from predictor.wording.figures import figure, number, percent
from predictor.wording.labels import LABELS, level_label

DAYS = 90
"""How many days the page shows."""

REFUSALS = 15
CHANGE = "predictor.change_alarm"
BY_RANGE = ("carat", "price")
BY_GRADE = ("cut", "color", "clarity")
"""Columns that the list can be filtered by."""

CHANGES = {
    "error": gettext_lazy("Errors grew (mean relative error)"),
    "outside": gettext_lazy("More prices outside their range"),
    "place": gettext_lazy("Prices lie elsewhere in their range"),
}
WAYS = {
    "higher": gettext_lazy("higher"),
    "lower": gettext_lazy("lower"),
    "nearer": gettext_lazy("nearer to the answer"),
    "further": gettext_lazy("further from the answer"),
}
"""What the alarm about errors names: what moved, and which way."""


class ReasonForm(forms.Form):
    """The reason for acknowledging an alarm."""

    why = forms.CharField(label=gettext_lazy("Reason"), max_length=LONGEST_NOTE)


@job_kind(
    "monitor",
    gettext_lazy("check of the alarms"),
    CHANGE,
    timedelta(hours=2),
    address=lambda job: reverse("admin:predictor_alarm_changelist"),
)
def monitor(context):
    """Runs the tests on the new days."""
    look(context.progress)
    return _("The alarms are up to date.")


@admin.register(Alarm)
class MonitoringAdmin(ReadOnlyAdmin):
    def get_urls(self):
        look_now, put_out = (
            self.guarded(view, CHANGE) for view in (self.look_view, self.acknowledge_view)
        )
        return [
            path("look/", look_now, name="monitoring-look"),
            path("<int:pk>/acknowledge/", put_out, name="monitoring-acknowledge"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        days = [*MonitoredDay.objects.order_by("-day")[:DAYS]][::-1]
        alarms = Alarm.objects.select_related("version").defer("version__card")
        errors = _errors(days)
        shown = {
            "alarms": [
                (alarm, number(alarm.observed), _evidence(alarm), _segments(alarm))
                for alarm in alarms
            ],
            "limit": number(1 / LEVEL),
            "fewest": FEWEST,
            "most_actual": number(MOST_ACTUAL),
            "days": [_figures(day) for day in reversed(days)],
            "charts": charts(days, errors),
            "errors": [(version, _error_rows(rows)) for version, rows in errors],
            "refusals": _refusals(days),
            "may_act": request.user.has_perm(CHANGE),
            "reason": ReasonForm(auto_id=False),
            **(extra_context or {}),
        }
        return self.page(request, "monitoring", _("Monitoring"), **shown)

    def look_view(self, request):
        """Requests a check now."""
        if request.method == "POST":
            return requested(self, request, "monitor")
        return redirect("admin:predictor_alarm_changelist")

    def acknowledge_view(self, request, pk):
        """Acknowledges an alarm, with a reason."""
        alarm = get_object_or_404(Alarm.objects.select_related("version"), pk=pk)
        form = ReasonForm(request.POST)
        if request.method == "POST" and alarm.active:
            if not form.is_valid():
                self.message_user(
                    request, _("Enter a reason of at most 1,000 characters."), "ERROR"
                )
            else:
                why = form.cleaned_data["why"]
                if acknowledge(alarm, request.user.get_username(), why):
                    self.log_change(request, alarm, f"acknowledged: {why}")
        return redirect("admin:predictor_alarm_changelist")


def _evidence(alarm):
    """The strength of the evidence as text; above a million the exact figure makes no difference."""
    most = 1_000_000
    over = _("over {most}").format(most=number(most))
    return over if alarm.evidence > most else number(alarm.evidence, 1)


def _segments(alarm):
    """[(name of the segment, its figures, the address of its rows), …] of an active alarm."""
    return [(*_in_words(segment), _rows_of(alarm, segment)) for segment in alarm.segments]


def _in_words(segment):
    now, before = percent(segment["now"]), percent(segment["before"])
    if segment["column"] in CHANGES:
        what = str(CHANGES[segment["column"]])
        if "way" in segment:
            what = f"{what}, {WAYS[segment['way']]}"
            ends = {"low": number(segment["from"]), "high": number(segment["to"])}
            now = _("{now} from {low} to {high}%").format(now=now, **ends)
        return what, _("{now}, registered {before}").format(now=now, before=before)
    name = str(LABELS.get(segment["column"], _("price")))
    if "grade" in segment:
        what = _grade(segment)
    elif segment["from"] is None:
        what = _("under {high}").format(high=figure(segment["to"]))
    elif segment["to"] is None:
        what = _("{low} and more").format(low=figure(segment["from"]))
    else:
        what = _("{low} to under {high}").format(
            low=figure(segment["from"]), high=figure(segment["to"])
        )
    return f"{name}: {what}", _("{now}, before {before}").format(now=now, before=before)


def _grade(segment):
    """A grade; a code of the coded scheme with what it means."""
    if not segment["grade"].isdigit():
        return level_label(segment["column"], segment["grade"])
    return f"{segment['grade']} ({', '.join(CODES[segment['column']][int(segment['grade'])])})"


def _rows_of(alarm, segment):
    column = segment["column"]
    is_of_prices = alarm.kind == Alarm.Kind.ERROR  # of any time: it is about when prices arrived
    query = {"review": "priced"} if is_of_prices else {"created__range__gte_0": alarm.began}
    query["scheme__exact"] = alarm.version.scheme
    if column in (*BY_GRADE, *levels_of(live_validators().vocabulary)):
        query[column] = segment["grade"]
    elif column in BY_RANGE and "from" in segment:
        ends = {f"{column}__range__gte": segment["from"], f"{column}__range__lte": segment["to"]}
        query |= {name: end for name, end in ends.items() if end is not None}
    return f"{reverse('admin:predictor_prediction_changelist')}?{urlencode(query)}"


def _figures(day):
    """A day as a row of the table."""
    figures, requests = day.figures, _by_kind(day)
    answers = figures["answers"]
    return {
        "day": day.day,
        "requests": [number(requests[kind]) for kind in KINDS],
        "latency": [number(one, 1) for one in figures["latency"]],
        "warned": percent(figures["warned"] / answers) if answers else "–",
    }


KINDS = ("form", "api", "batch", "refused")


def _by_kind(day):
    found = Counter()
    for name, count in day.figures["requests"].items():
        source, status = name.split()
        found[source if status == "200" else "refused"] += count
    return found


def _errors(days):
    """[(version, errors_of_days), …] of the active versions that answered and whose file can be read."""
    found = []
    for version in filter(None, map(live_version, SCHEMES)):
        with suppress(ForestFileError, OSError):
            found.append((version, errors_of_days(version, days)))
    return [(version, rows) for version, rows in found if rows[-1][1] is not None]


def _error_rows(rows):
    """The days of a version as rows of the table, the newest first, after the sum of all."""
    return [
        {
            "day": day,
            "expected": number(expected.mean),
            "interval": _("{low} to {high}").format(
                low=number(expected.low), high=number(expected.high)
            ),
            "actual": "–" if actual is None else number(actual),
            "reviews": number(reviews),
        }
        for day, expected, actual, reviews in reversed(rows)
        if expected is not None
    ]


def _error_series(rows):
    """The lines of a version's chart: the expected error, its interval, the actual one."""
    ends = {"mean": _("expected"), "low": _("expected, from"), "high": _("expected, to")}
    lines = [
        {
            "name": name,
            "values": [expected and getattr(expected, end) for _day, expected, *_rest in rows],
        }
        for end, name in ends.items()
    ]
    return [*lines, {"name": _("actual"), "values": [actual for *_, actual, _n in rows]}]


def charts(days, errors=()):
    """The data of the charts, {"days": [seconds since 1970], "requests", "latency", "warned",
    "error-SCHEME": [{"name", "values"}, …]}; the tables beside them have the same."""
    kinds = [_by_kind(day) for day in days]
    names = {"form": _("form"), "api": _("API"), "batch": _("batch"), "refused": _("refused")}
    figures = [day.figures for day in days]
    return {
        "days": [(day.day - EPOCH).days * 86_400 for day in days],
        "day": _("Day"),
        **{f"error-{version.scheme}": _error_series(rows[:-1]) for version, rows in errors},
        "requests": [
            {"name": str(names[kind]), "values": [one[kind] for one in kinds]} for kind in KINDS
        ],
        "latency": [
            {"name": name, "values": [one["latency"][place] for one in figures]}
            for place, name in enumerate(("p50", "p95", "p99"))
        ],
        "warned": [
            {
                "name": str(_("with warnings (%)")),
                "values": [
                    100 * one["warned"] / one["answers"] if one["answers"] else 0 for one in figures
                ],
            }
        ],
    }


EPOCH = date(1970, 1, 1)


def _refusals(days):
    """[(field and message, count)] over the days shown, the most frequent first."""
    found = Counter()
    for day in days:
        found.update(day.figures["refusals"])
    return [(_refusal(name), number(count)) for name, count in found.most_common(REFUSALS)]


def _refusal(name):
    """A field's label and its message, of {field}: {message as JSON}."""
    field, _separator, message = name.partition(": ")
    text = message.strip('"')
    return f"{LABELS.get(field, field)}: {text}"
