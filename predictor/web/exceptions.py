"""The one place where errors become HTTP responses, for the API and the pages.

Below /api/ every error is JSON in English, `{"detail": …}`, or a problem (RFC 9457) for a client that
accepts one; below /v2 `{"error": …}`, as in the Open Inference Protocol; all other addresses have pages.
"""

import json
import sys
from http import HTTPStatus

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import DataError, IntegrityError, NotSupportedError, ProgrammingError
from django.db import Error as DatabaseUnusable
from django.http import JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import status
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.views import exception_handler

from predictor.errors import Unavailable
from predictor.history.connections import let_go

from .accepting import names

MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""Database errors caused by a bug, not by an unavailable database: they stay a 500."""


PROBLEM = "application/problem+json"
INVALID = "The request is invalid; `errors` says why."


class RetryLater(APIException):
    """The request can be repeated later; `wait` is the number of seconds for Retry-After."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE

    def __init__(self, wait, detail=None):
        super().__init__(detail)
        self.wait = wait


class TooManyRequests(RetryLater):
    """A client is over API_THROTTLE; `wait` is when its next request will be let in."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = _("Too many requests. Try again later.")


class TooLarge(APIException):
    """A body over the limit; none of it was read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request body is too large: the limit is 2 MB.")


class NotJson(UnsupportedMediaType):
    """A body of another media type; the message says which one is accepted."""

    default_detail = 'Unsupported media type "{media_type}" in request. Send application/json.'


def retry_later(error):
    """The `RetryLater` for an error; None for an error of another kind."""
    cause = error.__cause__ or error
    if isinstance(cause, DatabaseUnusable):
        let_go(cause)
    if isinstance(error, RetryLater):
        return error
    if isinstance(error, DatabaseUnusable) and not isinstance(error, MISTAKES):
        error = Unavailable()
    return RetryLater(error.wait, error.message) if isinstance(error, Unavailable) else None


def as_response(error, context):
    """DRF's exception handler, which also handles oversized bodies and an unavailable database.

    Unknown errors stay 500.
    """
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif type(error) is UnsupportedMediaType:
        error = NotJson(context["request"].content_type[:100])
    response = exception_handler(retry_later(error) or error, context)
    for name, value in getattr(error, "headers", {}).items():
        response[name] = value
    return response


class UnavailablePageMiddleware:
    """Answers 503 if a page raises `Unavailable` or the database is unavailable."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        """The 503 for an error of a view or its template; None leaves the error unchanged."""
        return _retry_later_page(request, error)


def is_api(request):
    """Whether an address is for programs: below /api/ or /v2, wherever the site is mounted."""
    return request.path_info.startswith("/api/") or is_protocol(request)


def is_protocol(request):
    """Whether an address belongs to the Open Inference Protocol."""
    return request.path_info == "/v2" or request.path_info.startswith("/v2/")


def bad_request(request, exception):
    """The site's handler400."""
    if not is_api(request):
        if isinstance(exception, RequestDataTooBig):
            return render(request, "413.html", status=413)
        return defaults.bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        return _in_json(request, 400, "This server does not serve the requested host.")
    return _in_json(request, 400, "The request could not be read.")


def not_found(request, exception):
    """The site's handler404."""
    if not is_api(request):
        return defaults.page_not_found(request, exception)
    return _in_json(request, 404, "Nothing at this address; see /api/docs for the addresses.")


def wrong_method(request, allowed):
    """A 405 in JSON with the allowed methods."""
    answer = _in_json(request, 405, f"Method not allowed; use {' or '.join(allowed)}.")
    answer["Allow"] = ", ".join(allowed)
    return answer


def server_error(request):
    """The site's handler500: also for errors in other middleware, such as a session that cannot be
    stored."""
    found = _retry_later_page(request, sys.exception())
    if found is None and is_api(request):
        return _in_json(request, 500, "The fault is ours and has been logged.")
    return found or defaults.server_error(request)


def _in_json(request, status, detail, **headers):
    headers |= {"Content-Language": "en"}
    name = "error" if is_protocol(request) else "detail"
    response = JsonResponse({name: str(detail)}, status=status, headers=headers)
    return as_problem(request, response)


def as_problem(request, response):
    """An error's response as a problem (RFC 9457), if Accept names it; otherwise the same response.

    Its `detail` is the API's own; messages by field, or by row, are in `errors`. The Open Inference
    Protocol has errors of its own.
    """
    asked = names(request.META.get("HTTP_ACCEPT", ""), PROBLEM) and not is_protocol(request)
    if not asked or response.headers.get("Content-Type") != "application/json":
        return response
    status, found = response.status_code, json.loads(response.content)
    if not (isinstance(found, dict) and found.keys() == {"detail"}):
        found = {"detail": INVALID, "errors": found}
    title = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    response.content = json.dumps(title | found, ensure_ascii=False).encode()
    response.headers["Content-Type"] = PROBLEM
    patch_vary_headers(response, ["Accept"])
    return response


def _retry_later_page(request, error):
    """A page, or JSON below /api/, with Retry-After; None if the error is of another kind."""
    with translation.override("en" if is_api(request) else translation.get_language()):
        found = retry_later(error)
        if found is None:
            return None
        wait = {"Retry-After": str(found.wait)}
        if is_api(request):
            return _in_json(request, found.status_code, found.detail, **wait)
        context = {"detail": found.detail, "status": found.status_code}
        response = render(request, "503.html", context, status=found.status_code)
        response["Retry-After"] = wait["Retry-After"]
        return response
