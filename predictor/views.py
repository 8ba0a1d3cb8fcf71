"""Parse, call the service, respond: the API, the health answers, the metrics."""

import json
import secrets
from contextlib import suppress
from functools import cache
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.exceptions import ParseError
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from ml.stones import SCHEMES

from . import documentation
from . import metrics as counts
from .access import TokenAccess, count_request
from .answers import as_json
from .commits import shared
from .exceptions import Unavailable
from .parsers import StrictJsonParser, as_text, parameters
from .registry import registry
from .serializers import OPTIONS
from .services import Caller, PricePredictor, state_of_history

predictor = PricePredictor()
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto")
"""Headers that a reverse proxy adds."""

JSON = JSONRenderer()
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class JsonView(APIView):
    """An API view that speaks JSON and English, and lets in whom API_ACCESS and API_THROTTLE do.

    A request that is turned away (401, 429) is not recorded: it was never read. One that is priced
    leaves no circle of references behind, so that its memory is there for the next at once.
    """

    head = None  # else Django has each view refer to itself by one
    parser_classes = [StrictJsonParser]

    def dispatch(self, request, *args, **kwargs):
        translation.activate("en")  # for good: each page begins with its reader's language
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
        """What `answered` made is complete."""
        if not isinstance(response, Response):
            return response
        return super().finalize_response(request, response, *args, **kwargs)

    def get_authenticators(self):
        return [TokenAccess()] if settings.API_ACCESS == "token" else []

    def get_permissions(self):
        return [IsAuthenticated()] if settings.API_ACCESS == "token" else []

    def check_throttles(self, request):
        count_request(request, _user(request))


@cache
def _allowed(view):
    """The methods of a view, as its answers name them where another was tried."""
    return ", ".join(view().allowed_methods)


def _user(request):
    """The user whose token the request bears; None where the API is open."""
    return request.user if settings.API_ACCESS == "token" else None


def answered(content):
    """A 200 without DRF's rendering, which takes longer than writing the JSON."""
    return HttpResponse(encode(content).encode(), content_type=JSON.media_type)


class PredictView(JsonView):
    """Prices one stone (GET, POST) or up to 1,000 (POST); every answer is on record first."""

    http_method_names = ["get", "post", "options"]

    @documentation.predict_get
    def get(self, request):
        query = request.META["QUERY_STRING"].encode("latin-1")
        caller = request._request.caller = Caller("api", _client(request), as_text(query))
        payload = _parameters(query, caller)
        options = {name: payload.pop(name) for name in OPTIONS if name in payload}
        return _quoted(request, payload, caller, options)

    @documentation.predict_post
    def post(self, request):
        text = as_text(request._request.body)
        caller = request._request.caller = Caller("api", _client(request), text)
        options = _parameters(request.META["QUERY_STRING"].encode("latin-1"), caller)
        try:
            payload = request.data
        except ParseError as error:
            predictor.refuse({"non_field_errors": [error.detail]}, caller)
        if not isinstance(payload, list):
            return _quoted(request, payload, caller, options)
        shared.leave()  # a list takes too long for single stones to wait for it
        caller = request._request.caller = Caller("batch", caller.client, text)
        predictions = predictor.quote_all(payload, map(json.dumps, payload), caller, options)
        request._request.priced = predictions
        return answered([as_json(prediction) for prediction in predictions])


def _client(request):
    """The name of the user whose token the request bears; "" where the API is open."""
    user = _user(request)
    return user.get_username() if user else ""


def _quoted(request, payload, caller, options):
    """The response to one stone."""
    prediction = predictor.quote(payload, caller, options)
    request._request.priced = [prediction]
    return answered(as_json(prediction))


def _parameters(query, caller):
    """The query string's parameters; over 1,000 are refused and recorded."""
    try:
        return parameters(query)
    except ValueError:
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
    """200 where both schemes can be priced and recorded; 503 tells what is missing.

    A live version that was refused is told too; where an earlier one serves that is no 503.
    """
    database = state_of_history()
    with suppress(Unavailable):
        registry.ensure_loaded()
    missing = [scheme for scheme in SCHEMES if scheme not in registry.loaded()]
    checks = {"database": database, "missing_forests": missing, "failed_forests": _failed()}
    if database == "ok" and not missing:
        return JsonResponse({"status": "ready", **checks})
    return JsonResponse({"status": "not ready", **checks}, status=503, headers={"Retry-After": "2"})


def _failed():
    """{scheme: the live version that was refused, why, and which one serves in its place}."""
    live = registry.loaded()
    return {
        scheme: {
            "version": version.number,
            "why": why,
            "serving": live[scheme].version.number if scheme in live else None,
        }
        for scheme, (version, why) in registry.failed().items()
    }


@never_cache
@require_safe
def metrics(request):
    """What Prometheus reads; 403 for whoever may not."""
    if not _may_read_metrics(request):
        return HttpResponse("Not for this client.\n", content_type="text/plain", status=403)
    return HttpResponse(counts.exposition(), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request):
    """Whether the client has the token; where none is set, whether it is near and came directly."""
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "")
        return secrets.compare_digest(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.META["REMOTE_ADDR"]).is_private
    except ValueError:  # a Unix socket has no address
        return False
