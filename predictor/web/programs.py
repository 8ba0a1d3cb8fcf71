"""What the doors for programs share: a view that speaks JSON, and lets in whom the settings do."""

import json
from functools import cache

from django.conf import settings
from django.http import HttpResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from .access import TokenAccess, count_request
from .parsers import StrictJsonParser

JSON = JSONRenderer()

encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class JsonView(APIView):
    """An API view that speaks JSON and English, and lets in whom API_ACCESS and API_THROTTLE do.

    A request that is turned away (401, 429) is not recorded: it was never read. One that is priced
    leaves no circle of references behind, so that its memory is there for the next at once.
    """

    parser_classes = [StrictJsonParser]

    def head(self, request, **named):
        """As GET in all but the body, which the server leaves out: a price is recorded, too.

        Said here, else Django has each view refer to itself by a `head` of its own.
        """
        return self.get(request, **named)

    def dispatch(self, request, *args, **kwargs):
        response = super().dispatch(request, *args, **kwargs)
        self.request.parser_context.clear()  # it refers to the request that refers to it
        return response

    def initial(self, request, *args, **kwargs):
        """DRF's checks without its negotiations: there is one renderer and one version."""
        request.accepted_renderer, request.accepted_media_type = JSON, JSON.media_type
        request.version = request.versioning_scheme = None
        if settings.API_ACCESS == "token":
            self.check_permissions(request)
        self.check_throttles(request)

    @property
    def default_response_headers(self):
        return {"Allow": _allowed(type(self))}

    def finalize_response(self, request, response, *args, **kwargs):
        """What `json_response` made is complete."""
        if not isinstance(response, Response):
            return response
        return super().finalize_response(request, response, *args, **kwargs)

    def get_authenticators(self):
        """A token that is sent is looked at in an open API, too: it names the client."""
        sent = self.request and "HTTP_AUTHORIZATION" in self.request.META  # none: for the schema
        return [TokenAccess()] if sent or settings.API_ACCESS == "token" else []

    def get_permissions(self):
        return [IsAuthenticated()] if settings.API_ACCESS == "token" else []

    def check_throttles(self, request):
        count_request(request, token_user(request))


@cache
def _allowed(view):
    """The methods of a view, as its answers name them where another was tried."""
    return ", ".join(view().allowed_methods)


def token_user(request):
    """The user whose token the request bears; None where it bears none."""
    return request.user if request.authenticators else None


def json_response(content):
    """A 200 without DRF's rendering, which takes longer than writing the JSON."""
    return HttpResponse(encode(content).encode(), content_type=JSON.media_type)


def client_name(request):
    """The name of the user whose token the request bears; "" where it bears none."""
    user = token_user(request)
    return user.get_username() if user else ""
