"""The predictions to find and read. Nothing is edited."""

from uuid import UUID

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy
from rangefilter.filters import DateTimeRangeFilterBuilder, NumericRangeFilterBuilder

from ml.stones import CODES, GRADES
from predictor.models import Prediction
from predictor.pricing.answers import as_json

from .readonly import FixedChoices, ReadOnlyAdmin, UncountedPaginator, pretty


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
