"""The files that the command `score` has priced, as a read-only list."""

from django.contrib import admin

from predictor.admin.readonly import ReadOnlyAdmin
from predictor.models import ScoringRun
from predictor.wording.figures import number


def counted(name, places=0):
    """A column for a run's field, with the number in the reader's language."""
    field = ScoringRun._meta.get_field(name)

    @admin.display(description=field.verbose_name, ordering=name)
    def column(run):
        return number(getattr(run, name), places)

    return column


ROWS, ERRORS, WARNED = (counted(name) for name in ("rows", "errors", "warned"))
SECONDS = counted("seconds", 1)


@admin.register(ScoringRun)
class ScoringRunAdmin(ReadOnlyAdmin):
    list_display = [
        "begun",
        "state",
        "input",
        "scheme",
        ROWS,
        ERRORS,
        WARNED,
        SECONDS,
        "by",
        "output",
    ]
    list_filter = ["state", "scheme"]
    list_select_related = ["version"]
    search_fields = ["input", "output", "by"]
    fields = readonly_fields = [
        "by",
        "input",
        "output",
        "scheme",
        "version",
        "workers",
        "state",
        ROWS,
        ERRORS,
        WARNED,
        SECONDS,
        "outcome",
        "begun",
        "heard",
        "ended",
    ]

    def get_queryset(self, request):
        ScoringRun.mark_lost()
        return super().get_queryset(request).defer("version__card")
