"""The list of predictions and the page of each. They are read-only."""

from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.db.models import Case, Q, TextField, Value, When
from django.db.models.functions import Cast, Substr
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.vocabulary import OPTIONAL
from predictor.admin.predictions.answer import answer_of
from predictor.admin.predictions.export import ExportMixin
from predictor.admin.predictions.filters import (
    ClientFilter,
    RefusedFieldFilter,
    ReviewFilter,
    RiskFilter,
    SampleFilter,
    SchemeFilter,
    SourceFilter,
    StatusFilter,
    TimeRange,
    VersionFilter,
    WarningFilter,
    grade_filter,
    number_range,
    property_filter,
)
from predictor.admin.predictions.finding import search_of
from predictor.admin.predictions.keyset import FilterAlone, KeysetChangeList
from predictor.admin.predictions.pruning import PruneMixin
from predictor.admin.predictions.refusals import reason_of
from predictor.admin.readonly import ReadOnlyAdmin, pretty
from predictor.admin.reviews.judging import ReviewMixin
from predictor.admin.versions.replays import ReplayMixin
from predictor.admin.versions.why import why_shown
from predictor.models import Prediction, SavedView
from predictor.pricing.answers import as_json
from predictor.quotes.presentation import trade_name
from predictor.wording.figures import number
from predictor.wording.labels import LABELS

BEGINNINGS = {
    "beginning_of_error": Substr(Cast("error", TextField()), 1, 1000),
    "beginning_of_request": Case(
        When(~Q(status=200), then=Substr("request", 1, 1000)), default=Value("")
    ),
}
"""Long enough for the first reason of an error; the error of a list of stones may be long."""


@admin.register(Prediction)
class PredictionAdmin(ExportMixin, PruneMixin, ReplayMixin, ReviewMixin, ReadOnlyAdmin):
    list_display = [
        "when",
        "source_link",
        "client_link",
        "scheme_link",
        "stone",
        "answered_price",
        "version_link",
        "status_link",
        "reviewed",
    ]
    list_filter = [
        ReviewFilter,
        RiskFilter,
        WarningFilter,
        RefusedFieldFilter,
        SampleFilter,
        SourceFilter,
        ClientFilter,
        ("scheme", SchemeFilter),
        StatusFilter,
        ("created", TimeRange),
        ("price", number_range("prediction_price")),
        ("carat", number_range("prediction_carat")),
        grade_filter("cut", gettext_lazy("cut")),
        grade_filter("color", gettext_lazy("color")),
        grade_filter("clarity", gettext_lazy("clarity")),
        *(property_filter(name, LABELS[name]) for name in OPTIONAL),
        ("version", VersionFilter),
    ]
    list_select_related = ["version", "review"]
    search_fields = ["id"]
    search_help_text = gettext_lazy(
        "The beginning of an ID (8 characters), a client, a whole price, or words of the request."
    )
    sortable_by = ()
    list_per_page = 50
    actions = None

    fieldsets = [
        (
            gettext_lazy("Record"),
            {
                "classes": ["collapse"],
                "fields": [
                    "id",
                    "when",
                    "source",
                    "client",
                    "scheme",
                    "status",
                    "version",
                    "latency",
                    "trace_id",
                    "quote",
                ],
            },
        ),
        (
            gettext_lazy("Request and response"),
            {"classes": ["collapse"], "fields": ["request_sent", "response_given"]},
        ),
    ]
    readonly_fields = ["when", "latency", "quote", "request_sent", "response_given"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        if not _is_list(request):
            return rows.select_related("version").defer("version__card")
        bulky = ("request", "error", "warnings", "version__card")
        return rows.defer(*bulky).annotate(**BEGINNINGS)

    def get_changelist(self, request, **kwargs):
        return KeysetChangeList if _is_list(request) else FilterAlone

    def changelist_view(self, request, extra_context=None):
        if ERROR_FLAG in request.GET:
            message = _("The address was invalid. All predictions are shown.")
            self.message_user(request, message, messages.ERROR)
        views = SavedView.objects.all() if request.user.has_perm("predictor.view_savedview") else ()
        return super().changelist_view(request, {"saved_views": views, **(extra_context or {})})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        context = extra_context or {}
        prediction = self.get_object(request, object_id)
        if prediction and self.has_view_permission(request):
            bound = context.pop("judge_form_bound", None)
            context |= answer_of(prediction) | why_shown(request, prediction)
            context |= self.judging_of(request, prediction, bound)
            request.method = "GET" if bound else request.method  # the page again, with its errors
        return super().change_view(request, object_id, form_url, context)

    def view_on_site(self, prediction):
        """The quote's address; refused requests have no page."""
        return prediction.get_absolute_url() if prediction.status == 200 else None

    def get_search_results(self, request, queryset, search_term):
        search = search_of(search_term, Prediction.objects)
        return search.rows(queryset) if search else queryset, False

    @admin.display(description=gettext_lazy("when"))
    def when(self, prediction):
        created = f"{localtime(prediction.created):%Y-%m-%d %H:%M:%S}".split()
        return format_html('<span class="whole">{}</span> {}', *created)

    def linked(self, parameter, value, shown):
        """The value of a column, as a link to all rows with the same value."""
        if value in ("", None):
            return ""
        return format_html('<a href="?{}={}">{}</a>', parameter, value, shown)

    @admin.display(description=gettext_lazy("source"))
    def source_link(self, prediction):
        return self.linked("source__exact", prediction.source, prediction.get_source_display())

    @admin.display(description=gettext_lazy("client"))
    def client_link(self, prediction):
        client = prediction.client
        return (
            format_html('<a href="?{}">{}</a>', urlencode({"client": client}), client)
            if client
            else ""
        )

    @admin.display(description=gettext_lazy("scheme"))
    def scheme_link(self, prediction):
        return self.linked("scheme__exact", prediction.scheme, prediction.get_scheme_display())

    @admin.display(description=gettext_lazy("model version"))
    def version_link(self, prediction):
        version = prediction.version  # its scheme is in the column before
        return self.linked("version__id__exact", prediction.version_id, version and version.number)

    @admin.display(description=gettext_lazy("status"))
    def status_link(self, prediction):
        return self.linked("status", prediction.status, prediction.status)

    @admin.display(description=gettext_lazy("review"))
    def reviewed(self, prediction):
        review = getattr(prediction, "review", None)
        if review is None:
            return ""
        return self.linked("review", review.state, review.get_state_display())

    @admin.display(description=gettext_lazy("stone, or reason for refusal"))
    def stone(self, prediction):
        """A short description of the stone; for a refused request, why there is no price."""
        if prediction.status != 200:
            return reason_of(prediction.beginning_of_error or "", prediction.beginning_of_request)
        weight, grades = trade_name(prediction.features, prediction.scheme).split(", ", 1)
        return f"{weight} {grades.replace(' ', chr(160))}"  # two lines on a narrow screen

    @admin.display(description=gettext_lazy("price"))
    def answered_price(self, prediction):
        if prediction.price is None:
            return ""
        amount, currency = number(prediction.predicted_price), prediction.version.currency
        return f"{amount} {currency}"  # two lines on a narrow screen

    @admin.display(description=gettext_lazy("latency (ms)"))
    def latency(self, prediction):
        return number(prediction.latency_ms, 2)

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
        answered = prediction.status == 200
        return pretty(as_json(prediction) if answered else prediction.error)


def _is_list(request):
    """Whether the list itself is requested, not a record or an action on all rows."""
    match = request.resolver_match
    return bool(match) and match.url_name.endswith("changelist")
