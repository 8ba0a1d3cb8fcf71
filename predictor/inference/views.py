"""The views of the Open Inference Protocol, version 2, over REST: each parses, calls the service
and responds.

A model is a scheme; without a version in the address the active one answers. Refused requests are
recorded as everywhere else.
"""

import json
from functools import partial
from types import SimpleNamespace

from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.response import Response

from ml.stones import LONGEST, SCHEMES
from ml.vocabulary import OPTIONAL
from predictor.history.record import cut
from predictor.pricing.serializers import (
    COMPARABLES,
    DEFAULT_COMPARABLES,
    INCLUDED,
    OptionalGrade,
    validate_options,
)
from predictor.pricing.services import Caller, PricePredictor
from predictor.web.encodings import unpacked
from predictor.web.headers import add_retirement
from predictor.web.idempotency import once
from predictor.web.parsers import as_text, read_json
from predictor.web.programs import JSON, JsonView, encode, token_user

from . import tensors
from .models import DEFAULT, OUTPUTS, metadata, outputs_of
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


def _model(scheme, number=None):
    """The model that an address names, the active one without a number; NotFound, Unavailable."""
    _refuse_unknown(scheme)
    named = {} if number is None else {"version": number}
    try:
        return predictor.model(scheme, validate_options(named).version)
    except ValidationError as error:
        raise NotFound(error.detail["version"][0]) from None


class ServerView(ProtocolView):
    """The server's metadata."""

    def get(self, request):
        return Response({"name": NAME, "version": RELEASE, "extensions": EXTENSIONS})


class ModelView(ProtocolView):
    """A model's metadata: its inputs and outputs."""

    def get(self, request, scheme, number=None):
        model = _model(scheme, number)
        response = Response(metadata(model))
        return add_retirement(response, [model.version])


class ModelReadyView(ProtocolView):
    """Whether a model is ready; 503 if it is not ready yet."""

    def get(self, request, scheme, number=None):
        _model(scheme, number)
        return Response({"name": scheme, "ready": True})


class InferView(ProtocolView):
    """Prices up to 1,000 stones; every answer is recorded before it is sent."""

    http_method_names = ["post", "options"]

    def post(self, request, scheme, number=None):
        service = _service(scheme, number)
        answer = partial(_infer, service, scheme)
        return once(request._request, token_user(request), service, answer)


def _infer(service, scheme, request, client, key):
    """The response to a request; the arguments after `scheme` as of `once`."""
    sent = request.body
    caller = request.caller = Caller("api", client, as_text(sent))
    try:
        fields = service.validators()[scheme].fields
        document, stones, names = _read(unpacked(sent, request.META), request.META, scheme, fields)
    except (ParseError, TensorError) as error:
        service.refuse({"non_field_errors": [str(getattr(error, "detail", error))]}, caller)
    write = partial(_response, document, names)
    key = key and key.keeping(write)
    predictions = _priced(request, service, stones, caller, _options(document, names), key)
    return key.response if key else write(predictions)


def _service(scheme, number):
    """The pricing service, limited to the requested version if there is one. NotFound."""
    _refuse_unknown(scheme)
    if number is None:
        return predictor
    model = _model(scheme, number)
    return PricePredictor(SimpleNamespace(live=lambda _: model))


def _read(body, meta, scheme, fields):
    """(the request's JSON, a stone a row, the names of the outputs); ParseError, TensorError.

    fields: those of the version's validator. An optional property that it does not know is refused later,
    by its validator.
    """
    head, buffers = _split(body, meta.get(HEADER_BYTES))
    document = read_json(head)
    if not isinstance(document, dict):
        raise TensorError("give an object")
    _refuse_id(document.get("id"))
    if not isinstance(_parameters(document), dict):
        raise TensorError("parameters: must be an object")
    names = _outputs(document.get("outputs"))
    others = OPTIONAL if scheme == "graded" else ()
    return document, _stones(tensors.read(document, buffers, fields, others), fields), names


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


def _stones(columns, fields):
    """[{parameter: value}, …]."""
    names = [column.name for column in columns]
    needed = [name for name, field in fields.items() if not isinstance(field, OptionalGrade)]
    if missing := [name for name in needed if name not in names]:
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
    """The names of the requested outputs; without any, those that every answer has."""
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
    sent = _parameters(document)
    assume = {"assume": json.dumps(sent["assume"])} if "assume" in sent else {}
    included = ",".join(name for name in INCLUDED if name in names)
    include = {"include": included} if included else {}
    if COMPARABLES not in names:
        return assume | include
    k = sent.get("k", DEFAULT_COMPARABLES)
    return {**assume, **include, "k": str(k) if isinstance(k, int) else k}


def _priced(request, service, stones, caller, options, key):
    """The recorded Predictions of the stones."""
    texts = map(json.dumps, stones)
    if len(stones) == 1:
        caller = request.caller = caller._replace(request=next(texts))
        predictions = [service.quote(stones[0], caller, options, key)]
    else:
        caller = request.caller = caller._replace(source="batch")
        predictions = service.quote_all(stones, map(cut, texts), caller, options, key=key)
    request.priced = predictions
    return predictions


def _binary_names(document, names):
    """The names of the outputs to send as bytes after the JSON."""
    whole = _parameters(document).get("binary_data_output") is True
    own = {
        one["name"]: _parameters(one).get("binary_data", whole)
        for one in document.get("outputs") or ()
    }
    return {name for name in names if own.get(name, whole) is True}


def _response(document, names, predictions):
    binary, described, buffers = _binary_names(document, names), [], []
    for tensor in outputs_of(predictions, names):
        one, content = (tensors.as_bytes if tensor.name in binary else tensors.as_json)(tensor)
        described.append(one)
        buffers.append(content)
    version = predictions[0].version
    answer = {"model_name": version.scheme, "model_version": str(version.number)}
    answer |= {"id": document["id"]} if document.get("id") is not None else {}
    head = encode(answer | {"outputs": described}).encode()
    response = HttpResponse(head, content_type=JSON.media_type)
    if binary:
        content = b"".join([head, *buffers])
        response = HttpResponse(content, content_type="application/octet-stream")
        response["Inference-Header-Content-Length"] = str(len(head))
    return add_retirement(response, [version])
