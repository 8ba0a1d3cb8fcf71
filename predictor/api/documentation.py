"""What the published schema (OpenAPI 3.1) says of the API, made from ml.stones."""

from django.urls import get_script_prefix
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from ml.stones import CODES, EXAMPLES, GRADES, MEASURES, SCHEMES
from predictor.pricing.serializers import DEFAULT_COMPARABLES, MAX_COMPARABLES


def _schema_of(scheme, name):
    if name in MEASURES:
        measure = MEASURES[name]
        return {"type": "number", "minimum": measure.low, "maximum": measure.high,
                "description": measure.unit}  # fmt: skip
    if scheme == "coded":
        return {"type": "integer", "enum": list(CODES[name]), "description": _meanings(name)}
    return {"type": "string", "enum": list(GRADES[name]), "description": "any letter case"}


def _meanings(name):
    return "; ".join(f"{code} = {', '.join(grades)}" for code, grades in CODES[name].items())


def stone(scheme):
    """The JSON schema of a stone in a scheme."""
    return {
        "type": "object",
        "title": f"{scheme.title()}Stone",
        "properties": {name: _schema_of(scheme, name) for name in SCHEMES[scheme]},
        "required": list(SCHEMES[scheme]),
        "additionalProperties": False,
    }


NUMBER, INTEGER, TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}


def _object(**properties):
    return {"type": "object", "properties": properties, "required": list(properties)}


WARNING = _object(code=TEXT, field=TEXT, value=NUMBER, message=TEXT)
RECORDED = _object(
    carat=NUMBER, cut=TEXT, color=TEXT, clarity=TEXT, depth=NUMBER, table=NUMBER,
    x=NUMBER, y=NUMBER, z=NUMBER,
)  # fmt: skip
COMPARABLE = _object(
    stone=RECORDED,
    price={**INTEGER, "description": "USD, as recorded"},
    year=INTEGER,
    weight={**NUMBER, "description": "ratio; all weights of a price sum to 1"},
    adjusted_price={**NUMBER, "description": "USD, carried over to the asked stone by the trend"},
)
ANSWER = _object(
    features={"anyOf": [stone("graded"), stone("coded")]},
    predicted_price={**INTEGER, "description": "USD, truncated"},
    price_range=_object(low=INTEGER, high=INTEGER, coverage=NUMBER),
    price_per_carat={**NUMBER, "description": "USD per carat"},
    warnings={"type": "array", "items": WARNING},
    model=_object(scheme={"type": "string", "enum": list(SCHEMES)}, version=INTEGER),
    id={"type": "string", "format": "uuid"},
    url=TEXT,
)
ANSWER["properties"]["comparables"] = {
    "type": "array",
    "items": COMPARABLE,
    "description": "with include=comparables: the stones that the price rests on, heaviest first",
}
MESSAGES = {
    "type": "object",
    "additionalProperties": {"type": "array", "items": TEXT},
}
ERRORS = {"anyOf": [MESSAGES, {"type": "array", "items": MESSAGES}]}
DETAIL = _object(detail=TEXT)
UNAVAILABLE = OpenApiResponse(DETAIL, "No forest is live, or the record cannot be written.")
TURNED_AWAY = {
    401: OpenApiResponse(DETAIL, "This server asks for a token, and there is none or it is wrong."),
    429: OpenApiResponse(DETAIL, "The client is over this server's throttle."),
}
"""Answers of every operation to a request that is not let in, by the server's settings."""

HEADERS = [
    OpenApiParameter(
        "Retry-After", INTEGER, OpenApiParameter.HEADER, response=[429, 503],
        description="seconds until a request may succeed",
    ),
    OpenApiParameter(
        "WWW-Authenticate", TEXT, OpenApiParameter.HEADER, response=[401],
        description="Token: send the header `Authorization: Token <key>`",
    ),
]  # fmt: skip
REFUSED = OpenApiResponse(
    ERRORS,
    "What is wrong, by field. One thing no schema can say: a stone's weight must be possible for its size.",
)


OPTIONS = {
    "include": {"type": "string", "enum": ["comparables"], "description": "the stones behind it"},
    "k": {
        "type": "integer", "minimum": 1, "maximum": MAX_COMPARABLES,
        # No `default`: the API's page would send it without include=comparables.
        "description": f"how many comparables, {DEFAULT_COMPARABLES} unless told; "
        "only with include=comparables",
    },
}  # fmt: skip
NEEDS = {"k": ["include"]}


def _asked(scheme):
    """The JSON schema of a query string that describes a stone, options and all."""
    described = stone(scheme)
    properties = {**described["properties"], **OPTIONS}
    return {**described, "properties": properties, "dependentRequired": NEEDS}


def _examples():
    return [
        OpenApiExample(f"{scheme} {place}", value=stone, request_only=True)
        for scheme, stones in EXAMPLES.items()
        for place, stone in enumerate(stones, 1)
    ]


def _query(name, schema, **more):
    """One object whose properties are the query string's parameters: so a schema can say which of
    them belong together."""
    return OpenApiParameter(name, schema, style="form", explode=True, **more)


STONE_QUERY = _query(
    "stone",
    {"type": "object", "anyOf": [_asked(scheme) for scheme in ("graded", "coded")]},
    required=True,
    description="Each property is a parameter of its own: `?carat=0.7&cut=Ideal&…`",
    examples=_examples(),
)
OPTIONS_QUERY = _query(
    "options",
    {"type": "object", "properties": OPTIONS, "dependentRequired": NEEDS,
     "additionalProperties": False},
    description="Each property is a parameter of its own: `?include=comparables&k=3`",
)  # fmt: skip


predict_get = extend_schema(
    operation_id="predict_stone",
    summary="Price one stone",
    parameters=[STONE_QUERY, *HEADERS],
    responses={200: ANSWER, 400: REFUSED, **TURNED_AWAY, 503: UNAVAILABLE},
)
predict_post = extend_schema(
    operation_id="predict_stones",
    summary="Price one stone, or a list of up to 1,000, all or none",
    parameters=[OPTIONS_QUERY, *HEADERS],
    request={"application/json": {"anyOf": [
        stone("graded"), stone("coded"),
        {"type": "array", "minItems": 1, "maxItems": 1000,
         "items": {"anyOf": [stone("graded"), stone("coded")]}},
    ]}},
    examples=_examples(),
    responses={
        200: {"anyOf": [ANSWER, {"type": "array", "items": ANSWER}]},
        400: REFUSED, **TURNED_AWAY, 413: OpenApiResponse(DETAIL, "Over 2 MB."),
        415: OpenApiResponse(DETAIL, "Not JSON."), 503: UNAVAILABLE,
    },
)  # fmt: skip
model = extend_schema(
    operation_id="live_models",
    summary="The live versions: scores, training ranges, origin",
    parameters=HEADERS,
    responses={
        200: {"type": "object", "additionalProperties": {"type": "object"}},
        **TURNED_AWAY,
        503: UNAVAILABLE,
    },
)


def servers_are_named(result, generator, request, public):
    """A hook of drf-spectacular, which does not say under which path of its host the site lies."""
    if place := get_script_prefix().rstrip("/"):
        result["servers"] = [{"url": place}]
    return result


def bodies_are_required(result, generator, request, public):
    """A hook of drf-spectacular, which takes a body whose schema is given for one to leave out."""
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result
