"""The predictions to find and read. Nothing is edited."""

from uuid import UUID

from django.contrib import admin
from django.db.models import TextField
from django.db.models.functions import Cast, Substr
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy

from predictor.models import Prediction
from predictor.pricing.answers import as_json
from predictor.wording.figures import figure, number

from .filters import ClientFilter, NumberRange, StatusFilter, TimeRange, grade_filter
from .readonly import ReadOnlyAdmin, UncountedPaginator, pretty
from .refusals import as_table, reason

BEGINNING = Substr(Cast("error", TextField()), 1, 1000)
"""Enough of an error for its first reason; that of a list may be long."""


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    list_display = ["when", "source", "client", "scheme", "stone", "answered_price", "version", "latency",
                    "status"]  # fmt: skip
    list_filter = [
        "source",
        ClientFilter,
        "scheme",
        StatusFilter,
        ("created", TimeRange),
        ("price", NumberRange),
        ("carat", NumberRange),
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
        if not in_list:
            return rows
        bulky = ("request", "error", "warnings", "version__card")
        return rows.defer(*bulky).annotate(beginning_of_error=BEGINNING)

    def view_on_site(self, prediction):
        """The quote's address; a refusal has no page."""
        return prediction.get_absolute_url() if prediction.status == 200 else None

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
        created = f"{localtime(prediction.created):%Y-%m-%d %H:%M:%S}".split()
        return format_html('<span class="whole">{}</span> {}', *created)

    @admin.display(description=gettext_lazy("stone, or why not"))
    def stone(self, prediction):
        """The stone in a few words; of a refusal, why there is no price."""
        if prediction.status != 200:
            return reason(prediction.beginning_of_error or "")
        grades = " ".join([prediction.cut, prediction.color, prediction.clarity])
        parts = (f"{figure(prediction.carat)} ct", grades)  # two lines, where there is no room
        return " ".join(part.replace(" ", "\xa0") for part in parts)

    @admin.display(description=gettext_lazy("price"), ordering="price")
    def answered_price(self, prediction):
        if prediction.price is None:
            return ""
        amount, currency = number(prediction.predicted_price), prediction.version.currency
        return f"{amount} {currency}"  # two lines, where there is no room

    @admin.display(description=gettext_lazy("latency (ms)"), ordering="latency_ms")
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
        return pretty(as_json(prediction)) if answered else as_table(prediction.error)
