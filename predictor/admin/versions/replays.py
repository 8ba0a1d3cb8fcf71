"""What another version would have answered: before an activation."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import StreamingHttpResponse
from django.urls import path
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.forest.artifact import ForestFileError
from predictor.admin.versions.replay_blocks import told
from predictor.models import ModelVersion
from predictor.replay.services import answered, compare, last, repeated
from predictor.replay.table import as_csv
from predictor.versions.live import forest_of
from predictor.wording.figures import number

SEES_VERSIONS = "predictor.view_modelversion"
EXPORTS = "predictor.export_prediction"
MOST = 5_000
"""The most answers that a page replays; the command takes any number."""


class ReplayForm(forms.Form):
    """Which version to use, and for how many answers."""

    against = forms.ModelChoiceField(
        label=gettext_lazy("Version"), queryset=ModelVersion.objects.defer("card")
    )
    last = forms.IntegerField(
        label=gettext_lazy("Number of newest predictions"),
        min_value=1,
        max_value=MOST,
        initial=1000,
        required=False,
    )


class ReplayMixin:
    """Mixed into the admin of predictions."""

    def get_urls(self):
        view = self.guarded(self.replay_view, SEES_VERSIONS)
        return [path("replay/", view, name="prediction-replay"), *super().get_urls()]

    def replay_view(self, request):
        """Replays the answers that match the filter with another version."""
        form = ReplayForm(request.GET if "against" in request.GET else None)
        title = _("Compare with another version")
        own = {*form.fields, "csv"}
        kept = [(name, sent) for name, sent in request.GET.items() if name not in own]
        shown = {}
        if form.is_valid():
            rows, _query = self.rows_of_view(request)
            version, count = form.cleaned_data["against"], form.cleaned_data["last"] or 1000
            rows = last(answered(rows, version.scheme), count)
            try:
                if "csv" in request.GET:
                    return self._replay_as_csv(request, rows, version)
                found = compare(rows, version)
            except (ForestFileError, OSError) as error:
                form.add_error("against", str(error))
            else:
                shown = {"version": version, "rows": number(found.all.rows)}
                shown |= told(found, version) if found.all.rows else {}
        return self.page(request, "replay", title, form=form, kept=kept, **shown)

    def _replay_as_csv(self, request, rows, version):
        """Streams the rows of a replay as one file."""
        if not request.user.has_perm(EXPORTS):
            raise PermissionDenied
        forest_of(version)  # its errors, before the response begins
        self.log_act(request, f"replay: {request.GET.urlencode()}", "export")
        response = StreamingHttpResponse(
            as_csv(repeated(rows, version)), content_type="text/csv; charset=utf-8"
        )
        name = f"replay-{version.scheme}-{version.number}-{localtime():%Y%m%d-%H%M}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
