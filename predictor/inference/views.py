"""The views of the Open Inference Protocol, version 2, over REST: each parses, calls the service
and responds.

A model is a scheme; its only version is the active one. Refused requests are recorded as everywhere
else.
"""

import json
from types import SimpleNamespace

from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.response import Response

from ml.stones import LONGEST, SCHEMES
from predictor.history.commits import shared
from predictor.history.record import cut
from predictor.pricing.serializers import DEFAULT_COMPARABLES
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.encodings import unpacked
from predictor.web.parsers import as_text, read_json
from predictor.web.programs import JSON, JsonView, client_name, encode

from . import tensors
from .models import COMPARABLES, DEFAULT, OUTPUTS, metadata, outputs_of
from .tensors import TensorError

predictor = PricePredictor()

NAME, RELEASE = "diamonds", settings.SPECTACULAR_SETTINGS["VERSION"]
EXTENSIONS = ["binary_tensor_data"]
HEADER_BYTES = "HTTP_INFERENCE_HEADER_CONTENT_LENGTH"
MOST_DIGITS = 20
"""The most digits in a length of bytes."""

MOST_MESSAGES = 20
"""The most invalid stones of a request that are listed one by one."""


class ProtocolView(JsonView):
    """A view whose errors have the protocol's form: {"error": text}."""

    http_method_names = ["get", "head", "options"]
    schema = None  # the protocol has its own document

    def handle_exception(self, exc):
        response = super().handle_exception(exc)
        response.data = {"error": "; ".join(_messages(response.data))}
        return response


def _messages(detail):
    """The messages of one of DRF's errors, each with its place in the request."""
    if isinstance(detail, dict) and "row" in detail:
        place, own = detail["row"], {k: v for k, v in detail.items() if k != "row"}
        return [f"stone {place}: {'; '.join(_messages(own))}"]
    if isinstance(detail, dict):
        return [
            text if name in ("detail", "non_field_errors") else f"{name}: {text}"
            for name, some in detail.items()
            for text in _messages(some)
        ]
    if isinstance(detail, list):
        more = [f"and {len(detail) - MOST_MESSAGES} more"] if len(detail) > MOST_MESSAGES else []
        return [text for one in detail[:MOST_MESSAGES] for text in _messages(one)] + more
    return [str(detail)]


def _refuse_unknown(scheme):
    if scheme not in SCHEMES:
        raise NotFound(
            f"there is no model {tensors.quoted(scheme)}; there are {', '.join(SCHEMES)}"
        )


def _live(scheme, number=None):
    """The active model that an address names; NotFound, NoLiveForest."""
    _refuse_unknown(scheme)
    registry.ensure_loaded()
    model = registry.live(scheme)
    if number not in (None, str(model.version.number)):
        raise NotFound(
            f"version {tensors.quoted(number)} of {scheme} does not answer; "
            f"version {model.version.number} does"
        )
    return model


class ServerView(ProtocolView):
    """The server's metadata."""

    def get(self, request):
        return Response({"name": NAME, "version": RELEASE, "extensions": EXTENSIONS})


class ModelView(ProtocolView):
    """A model's metadata: its inputs and outputs."""

    def get(self, request, scheme, number=None):
        return Response(metadata(scheme, _live(scheme, number).version.number))


class ModelReadyView(ProtocolView):
    """Whether a model is ready; 503 if it is not ready yet."""

    def get(self, request, scheme, number=None):
        _live(scheme, number)
        return Response({"name": scheme, "ready": True})


class InferView(ProtocolView):
    """Prices up to 1,000 stones; every answer is recorded before it is sent."""

    http_method_names = ["post", "options"]

    def post(self, request, scheme, number=None):
        sent = request._request.body
        caller = Caller("api", client_name(request), as_text(sent))
        request._request.caller = caller
        service = _service(scheme, number)
        try:
            document, stones, names = _read(unpacked(sent, request.META), request.META, scheme)
        except (ParseError, TensorError) as error:
            service.refuse({"non_field_errors": [str(getattr(error, "detail", error))]}, caller)
        predictions = _priced(request, service, stones, caller, _options(document, names))
        return _response(document, predictions, names)


def _service(scheme, number):
    """The pricing service, limited to the requested version if there is one. NotFound."""
    _refuse_unknown(scheme)
    if number is None:
        return predictor
    model = _live(scheme, number)
    return PricePredictor(SimpleNamespace(live=lambda _: model))


def _read(body, meta, scheme):
    """(the request's JSON, a stone a row, the names of the outputs); ParseError, TensorError."""
    head, buffers = _split(body, meta.get(HEADER_BYTES))
    document = read_json(head)
    if not isinstance(document, dict):
        raise TensorError("give an object")
    _refuse_id(document.get("id"))
    if not isinstance(_parameters(document), dict):
        raise TensorError("parameters: must be an object")
    names = _outputs(document.get("outputs"))
    return document, _stones(tensors.read(document, buffers, SCHEMES[scheme]), scheme), names


def _refuse_id(sent):
    """Raises TensorError for an id that is not a text, or that an answer could not repeat."""
    if sent is None:
        return
    if not isinstance(sent, str):
        raise TensorError("id: must be a string")
    if len(sent) > LONGEST:
        raise TensorError(f"id: over {LONGEST} characters")
    try:
        sent.encode()
    except UnicodeEncodeError:
        raise TensorError(f"id: {tensors.quoted(sent)} is not valid Unicode") from None


def _parameters(of):
    """The parameters of a request, an input or an output; null counts as none."""
    return {} if of.get("parameters") is None else of["parameters"]


def _split(body, length):
    """The JSON, and a memoryview of the bytes after it."""
    if length is None:
        return body, memoryview(b"")
    known = length.isascii() and length.isdigit() and len(length) <= MOST_DIGITS
    if not known or int(length) > len(body):
        raise TensorError(
            f"Inference-Header-Content-Length is {tensors.quoted(length)}, the body has {len(body)} bytes"
        )
    return body[: int(length)], memoryview(body)[int(length) :]


def _stones(columns, scheme):
    """[{parameter: value}, …]."""
    names = [column.name for column in columns]
    if missing := [name for name in SCHEMES[scheme] if name not in names]:
        raise TensorError(f"inputs are missing: {', '.join(missing)}")
    counts = {column.name: len(column.values) for column in columns}
    if len(set(counts.values())) != 1:
        lengths = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise TensorError(f"the inputs are of different lengths: {lengths}")
    return [
        dict(zip(names, values, strict=True))
        for values in zip(*(column.values for column in columns), strict=True)
    ]


def _outputs(outputs):
    """The names of the requested outputs; without any, all but the comparables."""
    if outputs is None or outputs == []:
        return DEFAULT
    if not isinstance(outputs, list) or not all(isinstance(one, dict) for one in outputs):
        raise TensorError("outputs: give a list of objects with a name each")
    if len(outputs) > len(OUTPUTS):
        raise TensorError(f"outputs: there are {len(OUTPUTS)}, give each once")
    for one in outputs:
        name = one.get("name")
        if not isinstance(name, str) or name not in OUTPUTS:
            known = ", ".join(OUTPUTS)
            raise TensorError(f"there is no output {tensors.quoted(name)}; there are {known}")
        if not isinstance(_parameters(one), dict):
            raise TensorError(f"output {name}: its parameters must be an object")
    return list(dict.fromkeys(one["name"] for one in outputs))


def _options(document, names):
    """The service's options for what is requested beside prices."""
    if COMPARABLES not in names:
        return {}
    k = _parameters(document).get("k", DEFAULT_COMPARABLES)
    return {"include": COMPARABLES, "k": str(k) if isinstance(k, int) else k}


def _priced(request, service, stones, caller, options):
    """The recorded Predictions of the stones."""
    texts = map(json.dumps, stones)
    if len(stones) == 1:
        caller = request._request.caller = caller._replace(request=next(texts))
        predictions = [service.quote(stones[0], caller, options)]
    else:
        shared.leave()  # single stones must not wait for a list
        caller = request._request.caller = caller._replace(source="batch")
        predictions = service.quote_all(stones, map(cut, texts), caller, options)
    request._request.priced = predictions
    return predictions


def _binary_names(document, names):
    """The names of the outputs to send as bytes after the JSON."""
    whole = _parameters(document).get("binary_data_output") is True
    own = {
        one["name"]: _parameters(one).get("binary_data", whole)
        for one in document.get("outputs") or ()
    }
    return {name for name in names if own.get(name, whole) is True}


def _response(document, predictions, names):
    binary, described, buffers = _binary_names(document, names), [], []
    for tensor in outputs_of(predictions, names):
        one, content = (tensors.as_bytes if tensor.name in binary else tensors.as_json)(tensor)
        described.append(one)
        buffers.append(content)
    version = predictions[0].version
    answer = {"model_name": version.scheme, "model_version": str(version.number)}
    answer |= {"id": document["id"]} if document.get("id") is not None else {}
    head = encode(answer | {"outputs": described}).encode()
    if not binary:
        return HttpResponse(head, content_type=JSON.media_type)
    response = HttpResponse(b"".join([head, *buffers]), content_type="application/octet-stream")
    response["Inference-Header-Content-Length"] = str(len(head))
    return response
