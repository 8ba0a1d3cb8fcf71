"""A shorter path for requests of programs, to the API and the probes: without the middleware that
only pages need.

Sessions, languages, messages and CSRF tokens do not apply to them, and take longer than a price.
"""

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.urls import get_script_prefix, resolve, reverse
from django.utils import translation

from .encodings import WORTH_IT, Compression
from .exceptions import as_problem, is_api
from .headers import api_headers


class Shortcut:
    """Middleware that calls a program's view directly; only the middleware before it sees the request.

    It handles every address below /api/ and /v2, unknown ones included, but not the API's one page,
    the docs. Probes (load balancers, Kubernetes) call a machine by its bare address, over plain
    HTTP, so they are answered under any host name; so are metrics, if they need a token. Their responses
    contain no host name.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.api = matches("predict", "model")
        counts = ["metrics"] if settings.METRICS_TOKEN else []
        self.probes = matches("live", "ready", "v2-live", "v2-ready", *counts)
        [self.docs] = matches("docs")
        self.headers = api_headers()
        self.only_secure = settings.SECURE_SSL_REDIRECT
        self.asked = convert_exception_to_response(self.call_known)
        self.probed = convert_exception_to_response(call_view)
        self.compression = Compression(get_response)

    def __call__(self, request):
        match = self.api.get(request.path_info)
        if not match and (probe := self.probes.get(request.path_info)):
            return self.complete(request, probe, self.probed)
        must_be_secure = self.only_secure and not request.is_secure()
        if must_be_secure or not (match or self.is_for_programs(request)):
            return self.get_response(request)
        return self.complete(request, match, self.asked)

    def complete(self, request, match, answer):
        """The response of a view, with the headers that all of them have."""
        request.resolver_match = match
        translation.activate("en")  # not reset: each page sets its reader's language first
        response = answer(request)
        if response.status_code >= 400:
            response = as_problem(request, response)
        for name, value in self.headers.items():
            response.headers[name] = value
        if len(response.content) > WORTH_IT:
            response = self.compression.process_response(request, response)
        response.headers["Content-Length"] = str(len(response.content))
        return response

    def is_for_programs(self, request):
        return is_api(request) and request.path_info != self.docs

    def call_known(self, request):
        request.get_host()  # refuses unknown hosts, as CommonMiddleware does
        return call_view(request)


def matches(*names):
    """{path: its ResolverMatch} of views by their names, wherever the site is mounted."""
    paths = (reverse(name).removeprefix(get_script_prefix().rstrip("/")) for name in names)
    return {path: resolve(path) for path in paths}


def call_view(request):
    """The view's response, complete."""
    match = request.resolver_match or resolve(request.path_info)
    response = match.func(request, *match.args, **match.kwargs)
    return response if getattr(response, "is_rendered", True) else response.render()
