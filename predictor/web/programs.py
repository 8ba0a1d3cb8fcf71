"""The base view of the API and the inference protocol: it speaks JSON and applies the access
settings."""

import json

from django.conf import settings
from django.http import HttpResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from predictor import json_text

from .access import TokenAccess, count_request
from .parsers import StrictJsonParser

JSON = JSONRenderer()

encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class JsonView(APIView):
    """An API view that speaks JSON and English, and applies API_ACCESS and API_THROTTLE.

    A refused request (401, 429) is not recorded, because it was never read. A priced one leaves no
    reference cycle, so that its memory is free for the next at once.
    """

    parser_classes = [StrictJsonParser]

    def head(self, request, **named):
        """The same as GET, whose body the server leaves out: a price is recorded, too.

        Defined here because Django would otherwise give each view a `head` that refers to the view
        itself.
        """
        return self.get(request, **named)

    def dispatch(self, request, *args, **kwargs):
        response = super().dispatch(request, *args, **kwargs)
        self.request.parser_context.clear()  # breaks the reference cycle with the request
        return response

    def initial(self, request, *args, **kwargs):
        """DRF's checks without content negotiation and versioning: there is one renderer and one
        version."""
        request.accepted_renderer, request.accepted_media_type = JSON, JSON.media_type
        request.version = request.versioning_scheme = None
        if settings.API_ACCESS == "token":
            self.check_permissions(request)
        self.check_throttles(request)

    def finalize_response(self, request, response, *args, **kwargs):
        """Leaves a response of `json_response` as it is, but for the headers of the throttle."""
        if isinstance(response, Response):
            response = super().finalize_response(request, response, *args, **kwargs)
        if usage := getattr(request, "usage", None):
            for name, value in usage.headers.items():
                response.headers[name] = value
        return response

    def get_authenticators(self):
        """In an open API, too, a token that is sent is checked: it names the client."""
        sent = self.request and "HTTP_AUTHORIZATION" in self.request.META  # None for the schema
        return [TokenAccess()] if sent or settings.API_ACCESS == "token" else []

    def get_permissions(self):
        return [IsAuthenticated()] if settings.API_ACCESS == "token" else []

    def check_throttles(self, request):
        count_request(request, token_user(request))


def token_user(request):
    """The user of the request's token; None without one."""
    user = request.user if request.authenticators else None
    return user if user and user.is_authenticated else None


def needs_no_check(request):
    """Whether a request has no token, needs none, and is not counted by the throttle."""
    token = "HTTP_AUTHORIZATION" in request.META or settings.API_ACCESS == "token"
    return not (token or settings.API_THROTTLE)


def json_response(content, options):
    """A 200 without DRF's rendering, which takes longer than writing the JSON."""
    # The weights of comparables may be too small for json_text.
    written = encode(content).encode() if "include" in options else json_text.encode(content)
    return HttpResponse(written, content_type=JSON.media_type)


def client_name(user):
    """The name of a token's user; "" for None."""
    return user.get_username() if user else ""
