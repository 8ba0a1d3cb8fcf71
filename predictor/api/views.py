"""The API's views: each parses, calls the service and responds."""

from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.response import Response

from predictor import json_text
from predictor.history.commits import shared
from predictor.history.record import cut
from predictor.pricing.answers import as_json
from predictor.pricing.serializers import OPTIONS
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.encodings import unpacked
from predictor.web.parsers import as_text, parameters
from predictor.web.programs import JSON, JsonView, client_name, json_response

from . import documentation

predictor = PricePredictor()


class PredictView(JsonView):
    """Prices one stone (GET, POST) or up to 1,000 (POST); every answer is recorded before it is
    sent."""

    http_method_names = ["get", "head", "post", "options"]

    @documentation.predict_get
    def get(self, request):
        query = request.META["QUERY_STRING"].encode("latin-1")
        caller = request._request.caller = Caller("api", client_name(request), as_text(query))
        payload = _read_parameters(query, caller)
        options = {name: payload.pop(name) for name in OPTIONS if name in payload}
        return _quote_one(request, payload, caller, options)

    @documentation.predict_post
    def post(self, request):
        text = as_text(_body_of(request))
        caller = request._request.caller = Caller("api", client_name(request), text)
        options = _read_parameters(request.META["QUERY_STRING"].encode("latin-1"), caller)
        try:
            payload = request.data
        except ParseError as error:
            predictor.refuse({"non_field_errors": [error.detail]}, caller)
        if not isinstance(payload, list):
            return _quote_one(request, payload, caller, options)
        shared.leave()  # single stones must not wait for a list
        caller = request._request.caller = Caller("batch", caller.client, text)
        kept = (cut(json_text.dumps(stone)) for stone in payload)
        predictions = predictor.quote_all(payload, kept, caller, options)
        request._request.priced = predictions
        return json_response([as_json(prediction) for prediction in predictions], options)


def _body_of(request):
    """The request's body, decompressed; a body that cannot be decompressed is refused and recorded."""
    sent = request._request.body
    try:
        return unpacked(sent, request.META)
    except ParseError as error:
        caller = Caller("api", client_name(request), as_text(sent))
        return predictor.refuse({"non_field_errors": [error.detail]}, caller)


def _quote_one(request, payload, caller, options):
    """The response to one stone."""
    prediction = predictor.quote(payload, caller, options)
    request._request.priced = [prediction]
    return json_response(as_json(prediction), options)


def _read_parameters(query, caller):
    """The query string's parameters, without DRF's `format`; more than 1,000 are refused and
    recorded."""
    try:
        found = parameters(query)
    except ValueError:
        return predictor.refuse({"non_field_errors": ["Too many parameters."]}, caller)
    if found.pop("format", "json") != "json":
        predictor.refuse({"format": ["Give format=json, or leave it out."]}, caller)
    return found


class ModelView(JsonView):
    """The active versions: scores, training ranges, source of the data."""

    http_method_names = ["get", "head", "options"]

    @documentation.model
    def get(self, request):
        return Response({scheme: _description(model) for scheme, model in _live_models().items()})


def _live_models():
    """The models that this process uses; loads them if this request is the first to need them."""
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
    """The OpenAPI document as drf-spectacular makes it; always JSON, whatever the request accepts."""

    def perform_content_negotiation(self, request, force=False):
        try:
            return super().perform_content_negotiation(request, force)
        except NotAcceptable:
            return super().perform_content_negotiation(request, force=True)

    def finalize_response(self, request, response, *args, **kwargs):
        if response.exception:
            request.accepted_renderer, request.accepted_media_type = JSON, JSON.media_type
        return super().finalize_response(request, response, *args, **kwargs)
