"""Answers usual requests without Django's request and response, which take a sixth of an answer's time.

diamondsite/wsgi.py asks it first. It answers the GET of a well-formed stone, without a token, a key or
a trace, if the API is open. Django answers all others, and words every error.
"""

import time

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.urls import set_script_prefix
from django.utils import translation

from predictor.history.commits import shared
from predictor.telemetry.logs import request_id
from predictor.web.encodings import WORTH_IT
from predictor.web.headers import api_headers
from predictor.web.middleware import BEGUN, count_and_log, id_of
from predictor.web.programs import JSON
from predictor.web.shortcut import matches

from .views import TRIED, answered

UNUSUAL = {"HTTP_AUTHORIZATION", "HTTP_IDEMPOTENCY_KEY", "HTTP_TRACEPARENT"}
"""Headers of requests that Django answers."""

MOST_HOSTS = 100
"""The most hosts that are remembered as allowed."""


class Request:
    """What the view and the log read of a request, and what has become of it."""

    method, caller, priced, response, error = "GET", None, (), None, None

    def __init__(self, environ, path):
        self.META, self.path = environ, path


class Quick:
    """The answers of one application."""

    def __init__(self):
        [self.path] = matches("predict")
        self.mount = settings.FORCE_SCRIPT_NAME or ""
        self.headers = [("Content-Type", JSON.media_type), *api_headers().items()]
        self.is_open = not (
            settings.API_ACCESS == "token"
            or settings.API_THROTTLE
            or settings.CORS_ALLOWED_ORIGINS
            or settings.OTEL_TRACES_EXPORTER
            or settings.USE_X_FORWARDED_HOST  # for the hosts remembered are those of HTTP_HOST
        )
        self.known_hosts = set()
        # As SecurityMiddleware reads it; Django answers if the header has to be read more closely.
        by_scheme = "wsgi.url_scheme", "https"
        self.secure = settings.SECURE_SSL_REDIRECT and (
            settings.SECURE_PROXY_SSL_HEADER or by_scheme
        )

    def __call__(self, environ, start_response):
        """The body of a 200; None if Django has to answer. What is recorded already is in `TRIED` then."""
        if not self._is_usual(environ):
            return None
        begun = time.perf_counter()
        if not shared.in_main_thread():
            close_old_connections()
        set_script_prefix(f"{self.mount}/")
        translation.activate("en")
        id_ = id_of(environ)
        token = request_id.set(id_)
        try:
            request = Request(environ, self.mount + self.path)
            content = self._answered(request)
            if content is None:
                environ |= {TRIED: request, BEGUN: begun, "HTTP_X_REQUEST_ID": id_}
                return None
            length = ("Content-Length", str(len(content)))
            start_response("200 OK", [*self.headers, length, ("X-Request-ID", id_)])
            count_and_log(request, request.response, id_, time.perf_counter() - begun)
        finally:
            request_id.reset(token)
        return [content]

    def _is_usual(self, environ):
        return (
            self.is_open
            and environ["PATH_INFO"] == self.path
            and environ["REQUEST_METHOD"] == "GET"
            and not environ.get("SCRIPT_NAME")
            and environ.keys().isdisjoint(UNUSUAL)
            and (not self.secure or environ.get(self.secure[0]) == self.secure[1])
            and self._is_allowed(environ)
        )

    def _is_allowed(self, environ):
        """Whether the site has this host, as CommonMiddleware checks it; without one, the server's name."""
        host = environ.get("HTTP_HOST")
        if host not in self.known_hosts:
            try:
                WSGIRequest(environ).get_host()
            except DisallowedHost:
                return False
            if host and len(self.known_hosts) < MOST_HOSTS:
                self.known_hosts.add(host)
        return True

    def _answered(self, request):
        """The content of the response; None for an error, and for one that needs other headers."""
        try:
            request.response = answered(request)
        except Exception as error:
            request.error = error
            return None
        content = request.response.content
        has_more = len(request.response.headers) > 1 or len(content) > WORTH_IT
        return None if has_more else content
