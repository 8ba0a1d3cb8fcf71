"""Export from the admin: all rows that match a filter. A few are sent at once, more by a job."""

from datetime import timedelta

from django.http import Http404, StreamingHttpResponse
from django.test import RequestFactory
from django.urls import path
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy

from predictor.admin.jobs import requested
from predictor.admin.predictions.keyset import GOING_ON
from predictor.jobs.errors import JobFailed
from predictor.jobs.kinds import job_kind
from predictor.models import Prediction
from predictor.review.export import KINDS

MAY = "predictor.export_prediction"
AT_ONCE = 1000
"""The most rows that are sent at once, if a second's search finds that there are no more."""


class ExportMixin:
    """Mixed into the admin of predictions."""

    def get_urls(self):
        view = self.guarded(self.export_view, MAY)
        return [path("export/<slug:ending>/", view, name="prediction-export"), *super().get_urls()]

    def export_view(self, request, ending):
        """Sends the rows that match the filter as one file, or requests a job that writes it."""
        if ending not in KINDS:
            raise Http404
        view = self.get_changelist_instance(request)
        query = view.get_query_string(remove=[*GOING_ON])
        found = view.find(view.queryset, AT_ONCE + 1, newer=True)
        if found.searched_to or len(found.rows) > AT_ONCE:
            return requested(self, request, "export", ending=ending, query=query.lstrip("?"))
        self.log_act(request, f"{ending}: {query or '?'}", "export")
        make, content_type = KINDS[ending]
        parts = make(view.queryset, view.next_rows)
        response = StreamingHttpResponse(parts, content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="{file_name(ending)}"'
        return response


def file_name(ending):
    """The name of an export's file."""
    return f"predictions-{localtime():%Y%m%d-%H%M}.{ending}"


def described_filter(arguments):
    """The filter of a job, as in the list's address."""
    return arguments["query"] or gettext("all predictions")


def described(arguments):
    """The format and the filter of an export."""
    return f"{arguments['ending']}, {described_filter(arguments)}"


@job_kind("export", gettext_lazy("export"), MAY, timedelta(hours=6), describe=described)
def export(context, ending, query):
    """Writes all rows that match a filter to the job's file."""
    view = view_of(context.job, query)
    context.rows = 0

    def find(rows, wanted, after):
        found = view.next_rows(rows, wanted, after)
        context.rows += len(found)
        context.progress(context.rows)
        return found

    make, _content_type = KINDS[ending]
    with context.write_file(file_name(ending)) as file:
        file.writelines(make(view.queryset, find))


def requester_of(job):
    """The user who requested a job; JobFailed if the user was deleted."""
    if job.by is None:
        raise JobFailed(gettext("The user who requested it was deleted."))
    return job.by


def view_of(job, query):
    """The list of predictions with a filter, as the user who requested a job sees it; JobFailed."""
    user = requester_of(job)
    from django.contrib import admin

    request = RequestFactory().get("/", QUERY_STRING=query)
    request.user, request.resolver_match = user, None
    return admin.site.get_model_admin(Prediction).get_changelist_instance(request)
