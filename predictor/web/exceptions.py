"""The one place where errors become HTTP, for the API and the pages alike."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, IntegrityError, NotSupportedError, ProgrammingError
from django.db import Error as DatabaseUnusable
from django.http import JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.views import exception_handler

from predictor.errors import Unavailable
from predictor.history.connections import let_go

MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""Database errors that a bug makes, not a database that is away: they stay a 500."""


class ComeAgain(APIException):
    """Not now; `wait` is the number of seconds for Retry-After."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE

    def __init__(self, wait, detail=None):
        super().__init__(detail)
        self.wait = wait


class TooManyRequests(ComeAgain):
    """A client is over API_THROTTLE; `wait` is when its next request will be let in."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = _("Too many requests. Try again later.")


class TooLarge(APIException):
    """A body over the limit; nothing of it was read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request body is too large: 2 MB at most.")


def come_again(error):
    """The `ComeAgain` that an error amounts to; None for an error of another kind."""
    cause = error.__cause__ or error
    if isinstance(cause, DatabaseUnusable):
        let_go(cause)
    if isinstance(error, ComeAgain):
        return error
    if isinstance(error, DatabaseUnusable) and not isinstance(error, MISTAKES):
        error = Unavailable()
    return ComeAgain(error.wait, error.message) if isinstance(error, Unavailable) else None


def as_response(error, context):
    """DRF's exception handler, which also knows an oversized body and a database that is away.

    Unknown errors stay 500.
    """
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    return exception_handler(come_again(error) or error, context)


class UnavailablePageMiddleware:
    """Answers 503 where a page meets `Unavailable` or a database that is away."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        """The 503 for an error of a view or its template; None leaves the error as it is."""
        return _come_again_page(request, error)


def server_error(request):
    """The site's handler500: what other middleware meets, as a session that cannot be stored."""
    return _come_again_page(request, sys.exception()) or defaults.server_error(request)


def _come_again_page(request, error):
    """A page, or JSON below /api/, with Retry-After; None where the error is of another kind."""
    is_api = request.path_info.startswith("/api/")
    with translation.override("en" if is_api else translation.get_language()):
        found = come_again(error)
        if found is None:
            return None
        context, headers = {"detail": found.detail}, {"Retry-After": str(found.wait)}
        if is_api:
            return JsonResponse(context, status=found.status_code, headers=headers)
        page = {**context, "status": found.status_code}
        response = render(request, "503.html", page, status=found.status_code)
        response["Retry-After"] = headers["Retry-After"]
        return response
