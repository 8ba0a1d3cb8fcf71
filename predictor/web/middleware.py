"""The outermost middleware, which gives every request its id, trace, log line and metrics; and those that
limit cookies to the site's path and bodies to a size.

The views pass on what they priced in two attributes of the request: `caller`, and `priced` with the
recorded Predictions.
"""

import logging
import os
import re
import time
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.urls import get_script_prefix

from predictor.history.record import cut
from predictor.telemetry import metrics, tracing
from predictor.telemetry.logs import RequestLine, log_request, request_id
from predictor.telemetry.redaction import without_list_ids

from .clients import client_address

log = logging.getLogger("request")
BEGUN = "predictor.begun"
"""In the environment of a request: when api/quick.py has begun to answer it."""

KEPT_OF_PATH = 200
REQUEST_ID = re.compile(r"[A-Za-z0-9._:=+/-]{1,128}")


def observed(get_response):
    """Middleware; the first in the list, so that every response passes through it."""

    def middleware(request):
        begun = request.META.pop(BEGUN, None) or time.perf_counter()
        id_ = id_of(request.META)
        token = request_id.set(id_)
        try:
            with tracing.traced(request) as trace:
                response = get_response(request)
                response.headers["X-Request-ID"] = id_
                if trace:
                    response.headers["traceresponse"] = trace.response
                    tracing.answered(response, _path_of(request))
                count_and_log(request, response, id_, time.perf_counter() - begun)
        finally:
            request_id.reset(token)
        return response

    return middleware


def id_of(meta):
    """The id of a request: as sent, if it can be one, or a new one."""
    sent = meta.get("HTTP_X_REQUEST_ID", "")
    return sent if REQUEST_ID.fullmatch(sent) else os.urandom(16).hex()


def own_cookies(get_response):
    """Middleware that limits cookies to the site's path, because the host may have other sites."""

    def middleware(request):
        response = get_response(request)
        for cookie in response.cookies.values():
            cookie["path"] = get_script_prefix().rstrip("/") or "/"
        return response

    return middleware


def limited(get_response):
    """Middleware that refuses a page's oversized body before any of it is read; Django reads and
    keeps files of any size. The API refuses its own.

    Also refuses bodies in an encoding other than UTF-8, which browsers never send: some of Python's
    are slow, some make texts that no database accepts. And a NUL in a cookie, for PostgreSQL fails
    where it looks for a session by such a key.
    """

    def middleware(request):
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("over 2 MB")
        if request.content_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            raise BadRequest("not in UTF-8")
        if any("\0" in text for text in request.COOKIES.values()):
            raise BadRequest("a cookie has a NUL")
        return get_response(request)

    return middleware


def count_and_log(request, response, id_, seconds):
    """Counts an answered request and writes its log line. Its row is committed, so no error here
    may replace the response."""
    for report in (_count, _log):
        try:
            report(request, response, id_, seconds)
        except Exception:
            with suppress(Exception):
                log.exception("a request was answered, but not logged")


def _count(request, response, id_, seconds):
    status = response.status_code
    caller, priced = getattr(request, "caller", None), getattr(request, "priced", ())
    scheme, _ = _model_of(priced)
    metrics.REQUESTS.labels(status, scheme or "none").inc()
    metrics.LATENCY.labels(caller.source if caller else "none").observe(seconds)
    numbers = {}
    for prediction in priced:
        for warning in prediction.warnings:
            numbers[warning["code"]] = numbers.get(warning["code"], 0) + 1
    for code, number in numbers.items():
        metrics.WARNINGS.labels(code).inc(number)


def _log(request, response, id_, seconds):
    status = response.status_code
    caller, priced = getattr(request, "caller", None), getattr(request, "priced", ())
    scheme, version = _model_of(priced)
    line = RequestLine(
        request_id=id_,
        client=client_address(request),
        method=request.method,
        path=_path_of(request),
        scheme=scheme,
        version=version,
        status=status,
        latency_ms=round(seconds * 1000, 3),
    )
    if trace := tracing.current.get():
        line |= {"trace_id": trace.id, "span_id": trace.span_id}
    if caller and caller.source == "batch":
        line["count"] = len(priced)
    if caller and settings.LOG_INPUTS:
        line["inputs"] = cut(caller.request)
    log_request(logging.ERROR if status >= 500 else logging.INFO, line)


def _path_of(request):
    return without_list_ids(request.path[:KEPT_OF_PATH])


def _model_of(priced):
    """(scheme, version number) of what was priced; ("mixed", None) with both schemes."""
    if len(priced) == 1:
        return priced[0].scheme, priced[0].version.number
    models = {(one.scheme, one.version.number) for one in priced}
    return models.pop() if len(models) == 1 else ("mixed" if models else None, None)
