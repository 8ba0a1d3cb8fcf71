"""The files that were priced by the command `score`, as a list that is read."""

from django.contrib import admin

from predictor.models import ScoringRun

from .readonly import ReadOnlyAdmin


@admin.register(ScoringRun)
class ScoringRunAdmin(ReadOnlyAdmin):
    list_display = [
        "begun", "state", "input", "scheme", "rows", "errors", "warned", "seconds", "by", "output",
    ]  # fmt: skip
    list_filter = ["state", "scheme"]
    list_select_related = ["version"]
    search_fields = ["input", "output", "by"]
    fields = ["by", "input", "output", "scheme", "version", "workers", "state", "rows", "errors", "warned",
              "seconds", "outcome", "begun", "heard", "ended"]  # fmt: skip

    def get_queryset(self, request):
        ScoringRun.mark_lost()
        return super().get_queryset(request).defer("version__card")
