"""Filters that reviewers save under a name and share."""

from urllib.parse import urlencode

from django.contrib import admin
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from predictor.admin.predictions.keyset import GOING_ON
from predictor.models import SavedView
from predictor.models.reviews import LONGEST_QUERY


@admin.register(SavedView)
class SavedViewAdmin(admin.ModelAdmin):
    list_display = ["name", "opened", "by", "created"]
    fields = ["name", "query"]

    @admin.display(description=gettext_lazy("list"))
    def opened(self, view):
        address = reverse("admin:predictor_prediction_changelist")
        return format_html('<a href="{}?{}">{}</a>', address, view.query, view.query or "–")

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "query":
            kwargs["max_length"] = LONGEST_QUERY
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request):
        """The filter that the list passes on, without the page position."""
        query = QueryDict(request.GET.get("query", "").removeprefix("?"), mutable=True)
        for name in GOING_ON:
            query.pop(name, None)
        return {"query": urlencode([*((k, v) for k, vs in query.lists() for v in vs)])}

    def save_model(self, request, obj, form, change):
        obj.by = obj.by or request.user
        super().save_model(request, obj, form, change)
