"""Export from the admin: all rows that match a filter, streamed."""

from django.http import Http404, StreamingHttpResponse
from django.urls import path
from django.utils.timezone import localtime

from predictor.admin.predictions.keyset import GOING_ON
from predictor.review.export import KINDS


class ExportMixin:
    """Mixed into the admin of predictions."""

    def get_urls(self):
        view = self.guarded(self.export_view, "predictor.export_prediction")
        return [path("export/<slug:ending>/", view, name="prediction-export"), *super().get_urls()]

    def export_view(self, request, ending):
        """Streams all rows that match the filter as one file."""
        if ending not in KINDS:
            raise Http404
        make, content_type = KINDS[ending]
        view = self.get_changelist_instance(request)
        query = view.get_query_string(remove=[*GOING_ON])
        self.log_act(request, f"{ending}: {query or '?'}", "export")
        response = StreamingHttpResponse(
            make(view.queryset, view.next_rows), content_type=content_type
        )
        name = f"predictions-{localtime():%Y%m%d-%H%M}.{ending}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
