"""Export from the admin: all rows of a filter, streamed."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, StreamingHttpResponse
from django.urls import path
from django.utils.timezone import localtime

from predictor.review.export import KINDS


class TakingAway:
    """Mixed into the admin of predictions."""

    def get_urls(self):
        view = self.guarded(self.export_view, "predictor.export_prediction")
        return [path("export/<slug:ending>/", view, name="prediction-export"), *super().get_urls()]

    def export_view(self, request, ending):
        """All rows of the filter as one file."""
        if ending not in KINDS:
            raise Http404
        make, content_type = KINDS[ending]
        rows, query = self.rows_of_view(request)
        self.log_export(request, ending, query)
        response = StreamingHttpResponse(make(rows), content_type=content_type)
        name = f"predictions-{localtime():%Y%m%d-%H%M}.{ending}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def log_export(self, request, ending, query):
        """An export is an act: it is in the admin's log, with its filter."""
        LogEntry.objects.create(
            user=request.user, content_type=ContentType.objects.get_for_model(self.model),
            object_id=None, object_repr=f"{ending}: {query or '?'}"[:200], action_flag=CHANGE,
            change_message="export",
        )  # fmt: skip
