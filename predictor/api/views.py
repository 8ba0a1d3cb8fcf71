"""The API's views: each parses, calls the service and responds."""

from dataclasses import asdict
from functools import partial

from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.response import Response

from ml.vocabulary import DEFAULT
from predictor import json_text
from predictor.history.commits import shared
from predictor.history.record import cut
from predictor.pricing.answers import all_as_json, as_json
from predictor.pricing.serializers import OPTIONS
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.encodings import unpacked
from predictor.web.headers import add_retirement
from predictor.web.idempotency import once
from predictor.web.parsers import as_text, parameters, read_json
from predictor.web.programs import JSON, JsonView, json_response, needs_no_check, token_user

from . import documentation

predictor = PricePredictor()

TRIED = "predictor.tried"
"""In the environment of a request: what quick.py has done of it."""


class PredictView(JsonView):
    """Prices one stone (GET, POST) or up to 1,000 (POST); every answer is recorded before it is
    sent."""

    http_method_names = ["get", "head", "post", "options"]
    failed = None
    """The error of a request that `dispatch` has tried to answer."""

    def dispatch(self, request, *args, **kwargs):
        """Answers usual requests itself, since DRF's steps take longer than a price; DRF words their
        errors, and answers all others."""
        if tried := request.META.pop(TRIED, None):
            request.caller, request.priced = tried.caller, tried.priced
            response, self.failed = tried.response, tried.error
        else:
            try:
                response = answered(request)
            except Exception as error:
                self.failed, response = error, None
        return response or super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if self.failed:
            raise self.failed

    @documentation.predict_get
    def get(self, request):
        return _answer_query(request._request, token_user(request))

    @documentation.predict_post
    def post(self, request):
        return _answer_body(request._request, token_user(request), lambda content: request.data)


def answered(request):
    """The response to an anonymous client of an open API; None for all that needs more of DRF."""
    if not needs_no_check(request):
        shared.require_thread()
        return None
    if request.method in ("GET", "HEAD"):
        return _answer_query(request, None)
    if request.method == "POST" and request.content_type == JSON.media_type and request.body:
        return _answer_body(request, None, read_json)
    return None


def _answer_query(request, user):
    """The response to the stone of a query string; user: of the token, or None."""
    return once(request, user, predictor, _price_query)


def _answer_body(request, user, read):
    """The response to the stone, or the list of stones, of a body; read: its bytes -> what they hold."""
    return once(request, user, predictor, partial(_price_body, read))


def _price_query(request, client, key):
    query = request.META["QUERY_STRING"].encode("latin-1")
    caller = request.caller = Caller("api", client, as_text(query))
    payload = _read_parameters(query, caller)
    options = {name: payload.pop(name) for name in OPTIONS if name in payload}
    return _quote_one(request, payload, caller, options, key)


def _price_body(read, request, client, key):
    content = _body_of(request, client)
    text = as_text(content)
    caller = request.caller = Caller("api", client, text)
    options = _read_parameters(request.META["QUERY_STRING"].encode("latin-1"), caller)
    try:
        payload = read(content)
    except ParseError as error:
        predictor.refuse({"non_field_errors": [error.detail]}, caller)
    if not isinstance(payload, list):
        return _quote_one(request, payload, caller, options, key)
    shared.require_thread()  # a list takes long
    caller = request.caller = Caller("batch", client, text)
    kept = (cut(json_text.dumps(stone)) for stone in payload)

    def write(predictions):
        return _response([*all_as_json(predictions)], options, predictions)

    key = key and key.keeping(write)
    request.priced = predictor.quote_all(payload, kept, caller, options, key=key)
    return key.response if key else write(request.priced)


def _response(content, options, predictions):
    """A 200; with a version that the request named, whether it is retired."""
    response = json_response(content, options)
    if "version" in options:
        add_retirement(response, {prediction.version for prediction in predictions})
    return response


def _body_of(request, client):
    """The request's body, decompressed; a body that cannot be decompressed is refused and recorded."""
    sent = request.body
    try:
        return unpacked(sent, request.META)
    except ParseError as error:
        caller = Caller("api", client, as_text(sent))
        return predictor.refuse({"non_field_errors": [error.detail]}, caller)


def _quote_one(request, payload, caller, options, key):
    """The response to one stone; by another thread, if it may need a file or a query."""
    if "include" in options or "version" in options:
        shared.require_thread()

    def write(predictions):
        return _response(as_json(predictions[0]), options, predictions)

    request.priced = [predictor.quote(payload, caller, options, key and key.keeping(write))]
    return key.response if key else write(request.priced)


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
        **_of_own_list(model),
    }


def _of_own_list(model):
    """What a version of an own list accepts, and what its prices are; {} for the shipped table's."""
    vocabulary, version = model.forest.vocabulary, model.version
    if vocabulary is DEFAULT:
        return {}
    return {
        "accepts": {
            "grades": vocabulary.grades,
            "optional": {
                one.name: {
                    "levels": one.stated,
                    "ordered": one.ordered,
                    "not_stated": one.assumed or None,
                }
                for one in vocabulary.optional
            },
            "facts": vocabulary.facts,
            "few": vocabulary.few,
            "measures": {name: [one.low, one.high] for name, one in vocabulary.measures.items()},
            "without_cut": vocabulary.without_cut,
        },
        "basis": asdict(version.basis),
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
