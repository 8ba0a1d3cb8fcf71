"""The review: predictions to find and read, versions to compare and make live. Nothing is edited."""

import json
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.db import models
from django.shortcuts import render
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rangefilter.filters import DateTimeRangeFilterBuilder, NumericRangeFilterBuilder

from ml.forest.artifact import ForestFileError
from ml.stones import CODES, GRADES

from . import registry
from .answers import as_json
from .models import Activation, ModelVersion, Prediction

admin.site.site_header = admin.site.site_title = gettext_lazy("Diamond prices")


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows are read; what happened is never edited."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class FixedChoices(admin.SimpleListFilter):
    """Filters a column by choices that are known: to ask the log for them would read all of it."""

    def queryset(self, request, rows):
        known = {value for value, _ in self.lookup_choices}
        return rows.filter(**{self.parameter_name: self.value()}) if self.value() in known else rows


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


class UncountedPaginator(Paginator):
    """Counts no more rows than a reader could page through: a full count reads the whole log."""

    most = 10_000

    @cached_property
    def count(self):
        return self.object_list.order_by()[: self.most].count()


def pretty(content):
    """Content as indented JSON in a <pre>."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    return format_html("<pre>{}</pre>", text)


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    list_display = ["when", "source", "scheme", "stone", "usd", "version", "latency", "status"]
    list_filter = [
        "source",
        "scheme",
        StatusFilter,
        ("created", DateTimeRangeFilterBuilder(gettext_lazy("when"))),
        ("price", NumericRangeFilterBuilder(gettext_lazy("price (USD)"))),
        ("carat", NumericRangeFilterBuilder(gettext_lazy("carat (ct)"))),
        grade_filter("cut", gettext_lazy("cut")),
        grade_filter("color", gettext_lazy("color")),
        grade_filter("clarity", gettext_lazy("clarity")),
        "version",
    ]
    list_select_related = ["version"]
    search_fields = ["id"]
    search_help_text = gettext_lazy("The id of a prediction, whole.")
    show_full_result_count = False
    paginator = UncountedPaginator
    list_per_page = 50

    fieldsets = [
        (None, {"fields": ["id", "when", "source", "client", "scheme", "status", "version",
                           "latency", "quote"]}),
        (gettext_lazy("Request and response"), {"fields": ["request_sent", "response_given"]}),
    ]  # fmt: skip
    readonly_fields = ["when", "latency", "quote", "request_sent", "response_given"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        in_list = request.resolver_match and request.resolver_match.url_name.endswith("changelist")
        return rows.defer("request", "error", "warnings", "version__card") if in_list else rows

    def get_search_results(self, request, queryset, search_term):
        """By the whole id alone, so that a search in a huge log is one look into its index."""
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            return queryset.none(), False

    @admin.display(description=gettext_lazy("when"), ordering="id")
    def when(self, prediction):
        return prediction.created

    @admin.display(description=gettext_lazy("stone"))
    def stone(self, prediction):
        if prediction.status != 200:
            return ""
        grades = (prediction.cut, prediction.color, prediction.clarity)
        return "\xa0".join([f"{prediction.carat:g}\xa0ct", *grades]).replace(" ", "\xa0")

    @admin.display(description=gettext_lazy("price (USD)"), ordering="price")
    def usd(self, prediction):
        return "" if prediction.price is None else f"{prediction.predicted_price:,}"

    @admin.display(description=gettext_lazy("latency (ms)"), ordering="latency_ms")
    def latency(self, prediction):
        return f"{prediction.latency_ms:.2f}"

    @admin.display(description=gettext_lazy("quote page"))
    def quote(self, prediction):
        if prediction.status != 200:
            return ""
        return format_html('<a href="{0}">{0}</a>', prediction.get_absolute_url())

    @admin.display(description=gettext_lazy("request"))
    def request_sent(self, prediction):
        return pretty(prediction.request_object())

    @admin.display(description=gettext_lazy("response"))
    def response_given(self, prediction):
        return pretty(as_json(prediction) if prediction.status == 200 else prediction.error)


class WhyForm(forms.Form):
    """Asks why a version is to go live."""

    why = forms.CharField(label=gettext_lazy("Why?"), widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ["name", "is_live", "created", "mae", "rmse", "r2", "coverage", "seed",
                    "created_by", "failure"]  # fmt: skip
    list_filter = ["scheme"]
    actions = ["make_live"]
    fieldsets = [
        (None, {"fields": ["scheme", "number", "is_live", "created", "created_by", "failure"]}),
        (gettext_lazy("Scores on held-out stones"), {"fields": ["scores_given", "ranges_given"]}),
        (gettext_lazy("Origin"), {"fields": ["file", "sha256", "data_sha256", "seed",
                                             "rows_given", "versions_given"]}),
    ]  # fmt: skip

    def get_queryset(self, request):
        live = Activation.objects.filter(version=models.OuterRef("pk"), live=True)
        return super().get_queryset(request).annotate(is_live_now=models.Exists(live))

    @admin.display(description=gettext_lazy("forest file"))
    def file(self, version):
        return version.artifact.name

    @admin.display(description=gettext_lazy("version"), ordering="number")
    def name(self, version):
        return str(version)

    @admin.display(description=gettext_lazy("live"), boolean=True)
    def is_live(self, version):
        return version.is_live_now

    @admin.display(description=gettext_lazy("MAE (USD)"))
    def mae(self, version):
        return f"{version.scores['mae']:.1f}"

    @admin.display(description=gettext_lazy("RMSE (USD)"))
    def rmse(self, version):
        return f"{version.scores['rmse']:.1f}"

    @admin.display(description="R²")
    def r2(self, version):
        return f"{version.scores['r2']:.4f}"

    @admin.display(description=gettext_lazy("coverage"))
    def coverage(self, version):
        return f"{version.scores['coverage']:.1%}"

    @admin.display(description=gettext_lazy("scores"))
    def scores_given(self, version):
        return pretty(version.scores)

    @admin.display(description=gettext_lazy("training ranges"))
    def ranges_given(self, version):
        return pretty(version.training_ranges)

    @admin.display(description=gettext_lazy("row counts"))
    def rows_given(self, version):
        return pretty(version.rows)

    @admin.display(description=gettext_lazy("library versions"))
    def versions_given(self, version):
        return pretty(version.library_versions)

    def has_activate_permission(self, request):
        return request.user.has_perm("predictor.add_activation")

    @admin.action(description=gettext_lazy("Make this version live…"), permissions=["activate"])
    def make_live(self, request, chosen):
        """Asks why, then makes the one chosen version live."""
        if len(chosen) != 1:
            self.message_user(request, _("Choose one version."), messages.ERROR)
            return None
        form = WhyForm(request.POST if "why" in request.POST else None)
        if not form.is_valid():
            return self._ask_why(request, chosen[0], form)
        self._activate(request, chosen[0], form.cleaned_data["why"])
        return None

    def _ask_why(self, request, version, form):
        context = {
            **self.admin_site.each_context(request),
            "title": _("Make {version} live").format(version=version),
            "opts": self.opts,
            "version": version,
            "form": form,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return render(request, "admin/predictor/make_live.html", context)

    def _activate(self, request, version, why):
        try:
            activation = registry.activate(version, request.user.get_username(), why)
        except (ForestFileError, OSError) as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.log_change(request, version, f"live: {why}")
        message = _("{version} is live in the place of {replaced}.")
        self.message_user(
            request, message.format(version=version, replaced=activation.replaced or "–")
        )


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin):
    list_display = ["at", "version", "live", "replaced", "by", "why", "mae"]
    list_filter = ["scheme", "live"]
    list_select_related = ["version", "replaced"]

    @admin.display(description=gettext_lazy("MAE (USD)"))
    def mae(self, activation):
        return f"{activation.version.scores['mae']:.1f}"
