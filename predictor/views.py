"""Parse, call the service, respond: the API and the health answers."""

import json

from django.core.exceptions import TooManyFieldsSent
from django.db import Error as DatabaseUnusable
from django.http import JsonResponse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.views import APIView

from ml.stones import SCHEMES

from . import documentation
from .answers import as_json
from .parsers import StrictJsonParser, as_text, gathered
from .registry import registry
from .serializers import OPTIONS
from .services import Caller, PricePredictor

predictor = PricePredictor()


class AlwaysJson(DefaultContentNegotiation):
    """Answers JSON whatever Accept says: people have the docs page."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class JsonView(APIView):
    """An API view that speaks JSON and English, whatever the browser asks for."""

    content_negotiation_class = AlwaysJson
    parser_classes = [StrictJsonParser]

    def dispatch(self, request, *args, **kwargs):
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)


class PredictView(JsonView):
    """Prices one stone (GET, POST) or up to 1,000 (POST); every answer is on record first."""

    http_method_names = ["get", "post", "options"]

    @documentation.predict_get
    def get(self, request):
        text = as_text(request.META["QUERY_STRING"].encode("latin-1"))
        caller = Caller("api", request=text)
        payload = _parameters(request, caller)
        options = {name: payload.pop(name) for name in OPTIONS if name in payload}
        return Response(as_json(predictor.quote(payload, caller, options)))

    @documentation.predict_post
    def post(self, request):
        text = as_text(request._request.body)
        caller = Caller("api", request=text)
        options = _parameters(request, caller)
        try:
            payload = request.data
        except ParseError as error:
            predictor.refuse({"non_field_errors": [error.detail]}, caller)
        if not isinstance(payload, list):
            return Response(as_json(predictor.quote(payload, caller, options)))
        texts = map(json.dumps, payload)
        predictions = predictor.quote_all(payload, texts, Caller("batch", request=text), options)
        return Response([as_json(prediction) for prediction in predictions])


def _parameters(request, caller):
    """The query string's parameters; over 1,000 are refused and recorded."""
    try:
        return gathered(request.GET.lists())
    except TooManyFieldsSent:
        return predictor.refuse({"non_field_errors": ["Too many parameters."]}, caller)


class ModelView(JsonView):
    """The live versions: scores, training ranges, where each came from."""

    http_method_names = ["get", "options"]

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


@never_cache
@require_safe
def live(request):
    """200 for as long as the process answers at all."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(request):
    """200 once both forests are loaded and the database answers; 503 tells what is missing."""
    try:
        registry.refresh()
        database = "ok"
    except DatabaseUnusable:
        database = "does not answer"
    missing = [scheme for scheme in SCHEMES if scheme not in registry.loaded()]
    checks = {"database": database, "missing_forests": missing}
    if database == "ok" and not missing:
        return JsonResponse({"status": "ready", **checks})
    return JsonResponse({"status": "not ready", **checks}, status=503, headers={"Retry-After": "2"})
