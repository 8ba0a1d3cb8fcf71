"""The files that the command `score` has priced, as a read-only list, and the page that uploads one for a
job that does the same."""

from django import forms
from django.contrib import admin
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.jobs import requested
from predictor.admin.readonly import ReadOnlyAdmin
from predictor.jobs import uploads
from predictor.models import ScoringRun
from predictor.models.versions import SCHEME_CHOICES
from predictor.scoring.jobs import FORMATS, MAY, format_of
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


class ScoreForm(forms.Form):
    """A file of stones, and its scheme."""

    file = forms.FileField(label=gettext_lazy("CSV, Excel or Parquet file"))
    scheme = forms.ChoiceField(
        label=gettext_lazy("scheme"),
        choices=[("", gettext_lazy("the one that fits the columns")), *SCHEME_CHOICES],
        required=False,
    )

    def clean_file(self):
        sent = self.cleaned_data["file"]
        if not format_of(sent.name):
            known = ", ".join(FORMATS)
            raise forms.ValidationError(_("Send one of these: {endings}.").format(endings=known))
        return sent


@admin.register(ScoringRun)
class ScoringRunAdmin(ReadOnlyAdmin):
    change_list_template = "admin/predictor/scoring_runs.html"
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

    def get_urls(self):
        own = path("score/", self.guarded(self.score_view, MAY), name="scoringrun-score")
        return [own, *super().get_urls()]

    def score_view(self, request):
        """Requests a job that prices the rows of an uploaded file."""
        form = ScoreForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            sent, scheme = form.cleaned_data["file"], form.cleaned_data["scheme"]
            stored = uploads.store_of_user(sent.read(), request.user)
            return requested(self, request, "score", upload=stored, name=sent.name, scheme=scheme)
        return self.page(request, "score", _("Price a file"), form=form)
