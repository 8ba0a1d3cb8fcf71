"""What another version would have answered: before an activation."""

from datetime import timedelta
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.safestring import mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.forest.artifact import ForestFileError
from predictor.admin.jobs import requested
from predictor.admin.predictions.export import view_of
from predictor.admin.versions.replay_blocks import context_of
from predictor.jobs.errors import JobFailed
from predictor.jobs.kinds import job_kind
from predictor.models import Job, ModelVersion
from predictor.replay.services import answered, compare, last, repeated
from predictor.replay.table import as_csv
from predictor.versions.live import forest_of
from predictor.wording.figures import number

SEES_VERSIONS = "predictor.view_modelversion"
EXPORTS = "predictor.export_prediction"
AT_ONCE, MOST = 1_000, 1_000_000
"""The most answers that are replayed at once, and by a job; the command takes any number."""


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
        if "job" in request.GET:
            shown = self._done_by_job(request)
        elif form.is_valid():
            rows, _query = self.rows_of_view(request)
            version, count = form.cleaned_data["against"], form.cleaned_data["last"] or AT_ONCE
            if count > AT_ONCE:
                return self._requested(request, version, count, urlencode(kept))
            rows = last(answered(rows, version.scheme), count)
            try:
                if "csv" in request.GET:
                    return self._replay_as_csv(request, rows, version)
                found = compare(rows, version)
            except (ForestFileError, OSError) as error:
                form.add_error("against", str(error))
            else:
                shown = shown_of(found, version)
        return self.page(request, "replay", title, form=form, kept=kept, **shown)

    def _requested(self, request, version, count, query):
        """Requests a job for a long replay."""
        csv = "csv" in request.GET
        if csv and not request.user.has_perm(EXPORTS):
            raise PermissionDenied
        asked = {"version": version.pk, "count": count, "query": query, "csv": csv}
        return requested(self, request, "replay", **asked)

    def _done_by_job(self, request):
        """The template's variables for the result of a job; Http404 if there is none."""
        jobs = self.admin_site.get_model_admin(Job)
        job = jobs.job_of(request, request.GET["job"]) if request.GET["job"].isdigit() else None
        if job is None or "html" not in job.result:
            raise Http404
        return {"job_html": mark_safe(job.result["html"])}  # noqa: S308  # nosec  # our own template

    def _replay_as_csv(self, request, rows, version):
        """Streams the rows of a replay as one file."""
        if not request.user.has_perm(EXPORTS):
            raise PermissionDenied
        forest_of(version)  # its errors, before the response begins
        self.log_act(request, f"replay: {request.GET.urlencode()}", "export")
        response = StreamingHttpResponse(
            as_csv(repeated(rows, version)), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = f'attachment; filename="{file_name(version)}"'
        return response


def file_name(version):
    """The name of a replay's file."""
    return f"replay-{version.scheme}-{version.number}-{localtime():%Y%m%d-%H%M}.csv"


def shown_of(found, version):
    """The template's variables for a Comparison."""
    shown = {"version": version, "rows": number(found.all.rows)}
    return shown | context_of(found, version)


@job_kind(
    "replay",
    gettext_lazy("comparison with another version"),
    SEES_VERSIONS,
    timedelta(hours=6),
    describe=lambda asked: ", ".join(filter(None, [number(asked["count"]), asked["query"]])),
    address=lambda job: (
        f"{reverse('admin:prediction-replay')}?job={job.pk}" if "html" in job.result else ""
    ),
)
def replay(context, version, count, query, csv):
    """Replays the newest answers of a filter with another version: as a page, or as a file."""
    version = ModelVersion.objects.get(pk=version)
    rows = last(answered(view_of(context.job, query).queryset, version.scheme), count)
    try:
        if csv:
            write(context, repeated(rows, version), version, count)
        else:
            found = compare(rows, version, lambda done: context.progress(done, max(count, done)))
            html = render_to_string("admin/predictor/replay_found.html", shown_of(found, version))
            context.result = {"html": html}
    except ForestFileError as error:
        raise JobFailed(str(error)) from None


def write(context, batches, version, count):
    """Writes the rows of a replay to the file of a job."""
    context.rows = 0

    def counted():
        for batch in batches:
            context.rows += len(batch)
            context.progress(context.rows, max(count, context.rows))
            yield batch

    with context.write_file(file_name(version)) as file:
        file.writelines(part.encode() for part in as_csv(counted()))
