"""What the published schema (OpenAPI 3.1) says of the API, made from ml.stones."""

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from ml.stones import CODES, EXAMPLES, GRADES, MEASURES, SCHEMES

from .serializers import DEFAULT_COMPARABLES, MAX_COMPARABLES


def _property(scheme, name):
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
        "properties": {name: _property(scheme, name) for name in SCHEMES[scheme]},
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
REFUSED = OpenApiResponse(ERRORS, "What is wrong, by field.")


def _parameters():
    for name in dict.fromkeys(name for names in SCHEMES.values() for name in names):
        kinds = [_property(scheme, name) for scheme in SCHEMES if name in SCHEMES[scheme]]
        kinds = kinds[:1] if name in MEASURES else kinds
        schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        users = [scheme for scheme in SCHEMES if name in SCHEMES[scheme]]
        yield OpenApiParameter(
            name, schema, required=len(users) == len(SCHEMES),
            description="" if len(users) == len(SCHEMES) else f"{users[0]} scheme only",
        )  # fmt: skip


OPTIONS = [
    OpenApiParameter("include", {"type": "string", "enum": ["comparables"]}),
    OpenApiParameter(
        "k",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_COMPARABLES,
            "default": DEFAULT_COMPARABLES,
        },
        description="how many comparables; only with include=comparables",
    ),
]


def _examples():
    return [
        OpenApiExample(f"{scheme} {place}", value=stone, request_only=True)
        for scheme, stones in EXAMPLES.items()
        for place, stone in enumerate(stones, 1)
    ]


predict_get = extend_schema(
    operation_id="predict_stone",
    summary="Price one stone",
    parameters=[*_parameters(), *OPTIONS],
    responses={200: ANSWER, 400: REFUSED, 503: UNAVAILABLE},
)
predict_post = extend_schema(
    operation_id="predict_stones",
    summary="Price one stone, or a list of up to 1,000, all or none",
    parameters=OPTIONS,
    request={"application/json": {"anyOf": [
        stone("graded"), stone("coded"),
        {"type": "array", "minItems": 1, "maxItems": 1000,
         "items": {"anyOf": [stone("graded"), stone("coded")]}},
    ]}},
    examples=_examples(),
    responses={
        200: {"anyOf": [ANSWER, {"type": "array", "items": ANSWER}]},
        400: REFUSED, 413: OpenApiResponse(DETAIL, "Over 2 MB."),
        415: OpenApiResponse(DETAIL, "Not JSON."), 503: UNAVAILABLE,
    },
)  # fmt: skip
model = extend_schema(
    operation_id="live_models",
    summary="The live versions: scores, training ranges, origin",
    responses={200: {"type": "object", "additionalProperties": {"type": "object"}}},
)
