"""The errors a client can meet beside a refused input, and the one place where they become HTTP."""

from django.core.exceptions import RequestDataTooBig
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.views import exception_handler


class Unavailable(APIException):
    """No price now; `wait` is the number of seconds for Retry-After."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The database does not answer. Try again later.")
    default_code = "unavailable"
    wait = 2


class NoLiveForest(Unavailable):
    """No version of the asked scheme is live and loaded."""

    default_detail = _("No model of this scheme is live. Try again later.")
    default_code = "no_live_forest"


class HistoryUnavailable(Unavailable):
    """The record could not be written, so no price may leave."""

    default_detail = _("The price could not be recorded, so it is not given. Try again later.")
    default_code = "history_unavailable"


class TooLarge(APIException):
    """A body over the limit; nothing of it was read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request body is too large: 2 MB at most.")
    default_code = "too_large"


def as_response(error, context):
    """DRF's exception handler, which also knows an oversized body. Unknown errors stay 500."""
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    return exception_handler(error, context)


class UnavailablePageMiddleware:
    """Shows `Unavailable` as a page where a page was asked for."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        """A 503 page with Retry-After for `Unavailable`; None leaves the error as it is."""
        if not isinstance(error, Unavailable):
            return None
        context = {"detail": error.detail}
        response = render(request, "503.html", context, status=error.status_code)
        response["Retry-After"] = str(error.wait)
        return response
