"""Parse, call the service, respond: the API."""

import json
from functools import cache

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from predictor.history.commits import shared
from predictor.history.record import KEPT_OF_REQUEST
from predictor.pricing.answers import as_json
from predictor.pricing.serializers import OPTIONS
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.access import TokenAccess, count_request
from predictor.web.encodings import unpacked
from predictor.web.parsers import StrictJsonParser, as_text, parameters

from . import documentation

predictor = PricePredictor()

JSON = JSONRenderer()

encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class JsonView(APIView):
    """An API view that speaks JSON and English, and lets in whom API_ACCESS and API_THROTTLE do.

    A request that is turned away (401, 429) is not recorded: it was never read. One that is priced
    leaves no circle of references behind, so that its memory is there for the next at once.
    """

    parser_classes = [StrictJsonParser]

    def head(self, request):
        """As GET in all but the body, which the server leaves out: a price is recorded, too.

        Said here, else Django has each view refer to itself by a `head` of its own.
        """
        return self.get(request)

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
        count_request(request, _token_user(request))


@cache
def _allowed(view):
    """The methods of a view, as its answers name them where another was tried."""
    return ", ".join(view().allowed_methods)


def _token_user(request):
    """The user whose token the request bears; None where it bears none."""
    return request.user if request.authenticators else None


def json_response(content):
    """A 200 without DRF's rendering, which takes longer than writing the JSON."""
    return HttpResponse(encode(content).encode(), content_type=JSON.media_type)


class PredictView(JsonView):
    """Prices one stone (GET, POST) or up to 1,000 (POST); every answer is on record first."""

    http_method_names = ["get", "head", "post", "options"]

    @documentation.predict_get
    def get(self, request):
        query = request.META["QUERY_STRING"].encode("latin-1")
        caller = request._request.caller = Caller("api", _client_name(request), as_text(query))
        payload = _read_parameters(query, caller)
        options = {name: payload.pop(name) for name in OPTIONS if name in payload}
        return _quote_one(request, payload, caller, options)

    @documentation.predict_post
    def post(self, request):
        text = as_text(_body_of(request))
        caller = request._request.caller = Caller("api", _client_name(request), text)
        options = _read_parameters(request.META["QUERY_STRING"].encode("latin-1"), caller)
        try:
            payload = request.data
        except ParseError as error:
            predictor.refuse({"non_field_errors": [error.detail]}, caller)
        if not isinstance(payload, list):
            return _quote_one(request, payload, caller, options)
        shared.leave()  # a list takes too long for single stones to wait for it
        caller = request._request.caller = Caller("batch", caller.client, text)
        predictions = predictor.quote_all(payload, map(json.dumps, payload), caller, options)
        request._request.priced = predictions
        return json_response([as_json(prediction) for prediction in predictions])


def _client_name(request):
    """The name of the user whose token the request bears; "" where it bears none."""
    user = _token_user(request)
    return user.get_username() if user else ""


def _body_of(request):
    """The request's body, unpacked; a broken packing is refused and recorded."""
    sent = request._request.body
    try:
        return unpacked(sent, request.META)
    except ParseError as error:
        caller = Caller("api", _client_name(request), as_text(sent[:KEPT_OF_REQUEST]))
        return predictor.refuse({"non_field_errors": [error.detail]}, caller)


def _quote_one(request, payload, caller, options):
    """The response to one stone."""
    prediction = predictor.quote(payload, caller, options)
    request._request.priced = [prediction]
    return json_response(as_json(prediction))


def _read_parameters(query, caller):
    """The query string's parameters, less DRF's `format`; over 1,000 are refused and recorded."""
    try:
        found = parameters(query)
    except ValueError:
        return predictor.refuse({"non_field_errors": ["Too many parameters."]}, caller)
    if found.pop("format", "json") != "json":
        predictor.refuse({"format": ["Give format=json, or leave it out."]}, caller)
    return found


class ModelView(JsonView):
    """The live versions: scores, training ranges, where each came from."""

    http_method_names = ["get", "head", "options"]

    @documentation.model
    def get(self, request):
        return Response({scheme: _description(model) for scheme, model in _live_models().items()})


def _live_models():
    """The models this process answers from; loads them where a request is the first to ask."""
    registry.ensure_loaded()
    return registry.loaded()


def _description(model):
    version = model.version
    return {
        "version": version.number,
        "scores": version.scores,
        "training_ranges": version.training_ranges,
        "rows": version.rows,
        "seed": version.seed,
        "data_sha256": version.data_sha256,
        "sha256": version.sha256,
        "created": version.created,
    }


class SchemaView(SpectacularJSONAPIView):
    """The OpenAPI document as drf-spectacular makes it; like all of the API, JSON whatever is accepted."""

    def perform_content_negotiation(self, request, force=False):
        try:
            return super().perform_content_negotiation(request, force)
        except NotAcceptable:
            return super().perform_content_negotiation(request, force=True)

    def finalize_response(self, request, response, *args, **kwargs):
        if response.exception:
            request.accepted_renderer, request.accepted_media_type = JSON, JSON.media_type
        return super().finalize_response(request, response, *args, **kwargs)
