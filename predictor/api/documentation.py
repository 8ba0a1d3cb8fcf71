"""The published schema (OpenAPI 3.1) of the API, made from ml.stones.

Its components have names (SCHEMAS), so that generated clients have a type for each.
"""

from django.urls import get_script_prefix
from django.utils import translation
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from ml.stones import CODES, EXAMPLES, GRADES, MEASURES, PRICE, SCHEMES
from predictor.pricing.answers import (
    ANY_STONE,
    FIELDS,
    GROUPS,
    INTEGER,
    REAL,
    REAL_OR_NULL,
    STRING,
    list_of,
    ref,
)
from predictor.pricing.serializers import DEFAULT_COMPARABLES, MAX_COMPARABLES, MAX_STONES
from predictor.pricing.warnings import RULES
from predictor.wording.labels import LABELS

ANYTHING = {"type": "object", "additionalProperties": True}


with translation.override("en"):
    REPORTED = {name: str(label) for name, label in LABELS.items()}
    """The labels of a stone's parameters on the pages, here in the API's English."""


def _object(optional=None, **properties):
    """A schema of an object whose properties are all required, except for the optional ones."""
    return {
        "type": "object",
        "properties": properties | (optional or {}),
        "required": list(properties),
    }


def _object_of(fields):
    """A schema of an object with the fields of an answer."""
    properties = {field.name: field.schema for field in fields}
    return {
        "type": "object",
        "properties": properties,
        "required": [field.name for field in fields if not field.needs],
    }


def _measure(name):
    measure = MEASURES[name]
    return {
        "type": "number",
        "minimum": measure.low,
        "maximum": measure.high,
        "description": f"{REPORTED[name]}, {measure.unit}",
    }


def _grade(name):
    return {"type": "string", "enum": list(GRADES[name]), "description": "in any letter case"}


def _code(name):
    codes = CODES[name]
    return {
        "type": "integer",
        "enum": list(codes),
        "x-enum-varnames": [
            "_".join(grades).replace(" ", "_").upper() for grades in codes.values()
        ],
        "description": "; ".join(f"{code} = {', '.join(some)}" for code, some in codes.items()),
    }


def _schema_of(scheme, name):
    if name in MEASURES:
        return _measure(name)
    return ref(name.title() if scheme == "graded" else f"{name.title()}Code")


def _stone(scheme):
    properties = {name: _schema_of(scheme, name) for name in SCHEMES[scheme]}
    return {**_object(**properties), "additionalProperties": False}


MESSAGES = {"type": "array", "items": STRING}

SCHEMAS = {
    **{name.title(): _grade(name) for name in GRADES},
    **{f"{name.title()}Code": _code(name) for name in CODES},
    "GradedStone": _stone("graded"),
    "CodedStone": _stone("coded"),
    "PriceRange": _object_of(GROUPS["price_range"].fields),
    "StoneWarning": _object(
        code={**STRING, "description": "; ".join(f"{rule.code}: {rule.when}" for rule in RULES)},
        field=STRING,
        value=REAL,
        message=STRING,
        optional={
            name: REAL_OR_NULL if name in ("low", "high") else REAL
            for rule in RULES
            for name in rule.figures
        },
    ),
    "AnsweringModel": _object_of(GROUPS["model"].fields),
    "RecordedStone": _object(
        carat=REAL,
        cut=STRING,
        color=STRING,
        clarity=STRING,
        depth=REAL,
        table=REAL,
        x=REAL,
        y=REAL,
        z=REAL,
    ),
    "Comparable": _object(
        stone=ref("RecordedStone"),
        price={**INTEGER, "description": "as recorded, in the answer's currency"},
        year=INTEGER,
        weight={**REAL, "description": "ratio; all weights of a price sum to 1"},
        adjusted_price={**REAL, "description": "adjusted to the requested stone by the trend"},
    ),
    "Asking": _object_of(GROUPS["asking"].fields),
    "Quote": _object_of(FIELDS),
    "LiveModel": _object(
        version=INTEGER,
        scores=ANYTHING,
        training_ranges=ANYTHING,
        rows=ANYTHING,
        seed=INTEGER,
        data_sha256=STRING,
        sha256=STRING,
        created={**STRING, "format": "date-time"},
    ),
    "LiveModels": {
        "type": "object",
        "properties": {scheme: ref("LiveModel") for scheme in SCHEMES},
    },
    "Errors": {"type": "object", "additionalProperties": MESSAGES},
    "RowErrors": {
        **_object(
            row={
                **INTEGER,
                "minimum": 0,
                "description": "which stone of the list is wrong, counted from 0",
            }
        ),
        "additionalProperties": MESSAGES,
    },
    "Detail": _object(detail=STRING),
    "Included": {**STRING, "enum": ["comparables"]},
}

DETAIL = ref("Detail")
UNAVAILABLE = OpenApiResponse(DETAIL, "No model is active, or the record cannot be written.")
TURNED_AWAY = {
    401: OpenApiResponse(
        DETAIL, "The token is wrong; or this server asks for one, and there is none."
    ),
    429: OpenApiResponse(DETAIL, "The client is over this server's throttle."),
}
"""The responses of every operation to a request that the server's settings do not let in."""

HEADERS = [
    OpenApiParameter(
        "Retry-After",
        INTEGER,
        OpenApiParameter.HEADER,
        response=[429, 503],
        description="seconds until a request may succeed",
    ),
    OpenApiParameter(
        "WWW-Authenticate",
        STRING,
        OpenApiParameter.HEADER,
        response=[401],
        description="send the header `Authorization: Bearer <key>`, or `Token` in the place of `Bearer`",
    ),
]


def _parameter(name):
    """A stone's parameter in the query string, for both schemes."""
    of = [scheme for scheme in ("graded", "coded") if name in SCHEMES[scheme]]
    schema = (
        _measure(name)
        if name in MEASURES
        else {"anyOf": [_schema_of(scheme, name) for scheme in of]}
    )
    description = REPORTED[name] if of == ["graded", "coded"] else f"{REPORTED[name]}: {of[0]} only"
    values = [
        OpenApiExample(f"{scheme} {place}", stone[name])
        for scheme in of
        for place, stone in enumerate(EXAMPLES[scheme], 1)
    ]
    return OpenApiParameter(
        name, schema, required=len(of) == 2, description=description, examples=values
    )


STONE_QUERY = [_parameter(name) for name in REPORTED]
OPTIONS_QUERY = [
    OpenApiParameter("include", ref("Included"), description="the stones behind the price"),
    OpenApiParameter(
        "k",
        {**INTEGER, "minimum": 1, "maximum": MAX_COMPARABLES},
        # No `default`: the API's page would send it without include=comparables.
        description=f"how many comparables, {DEFAULT_COMPARABLES} by default; "
        "only with include=comparables",
    ),
    OpenApiParameter(
        "asking",
        {**REAL, "minimum": PRICE.low, "maximum": PRICE.high},
        description="an asking price, in the answer's currency, to compare with the prices of similar "
        "stones; for one stone only",
    ),
]


def _examples():
    return [
        OpenApiExample(f"{scheme} {place}", value=stone, request_only=True)
        for scheme in ("graded", "coded")
        for place, stone in enumerate(EXAMPLES[scheme], 1)
    ]


TWO_WAYS = (
    "A stone is described in one of two ways. **graded**, the more accurate one: all of carat, cut, color, "
    "clarity, depth, table, x, y and z, with the grades' names. **coded**: all of carat, cut, color, "
    "clarity, depth, table and volume, with the grades as integer codes. A stone that mixes them "
    "is refused, and so is one whose weight is impossible for its size."
)

predict_get = extend_schema(
    operation_id="predict_get",
    summary="Price one stone",
    description=f"{TWO_WAYS} HEAD does the same; each price is recorded.",
    parameters=[*STONE_QUERY, *OPTIONS_QUERY, *HEADERS],
    responses={
        200: ref("Quote"),
        400: OpenApiResponse(ref("Errors"), "What is wrong, by parameter."),
        **TURNED_AWAY,
        503: UNAVAILABLE,
    },
)
predict_post = extend_schema(
    operation_id="predict_post",
    summary=f"Price one stone, or a list of up to {MAX_STONES:,}, all or none",
    description=f"{TWO_WAYS} The body may be compressed: Content-Encoding: gzip.",
    parameters=[*OPTIONS_QUERY, *HEADERS],
    request={
        "application/json": {
            "anyOf": [
                *ANY_STONE["anyOf"],
                {"type": "array", "minItems": 1, "maxItems": MAX_STONES, "items": ANY_STONE},
            ]
        }
    },
    examples=_examples(),
    responses={
        200: {"anyOf": [ref("Quote"), list_of("Quote")]},
        400: OpenApiResponse(
            {"anyOf": [ref("Errors"), list_of("RowErrors")]},
            "What is wrong, by parameter; for a list only the invalid rows.",
        ),
        **TURNED_AWAY,
        413: OpenApiResponse(DETAIL, "Over 2 MB, compressed or not."),
        415: OpenApiResponse(DETAIL, "Neither JSON nor gzipped JSON."),
        503: UNAVAILABLE,
    },
)
model = extend_schema(
    operation_id="live_models",
    summary="The active versions: scores, training ranges, origin",
    parameters=HEADERS,
    responses={200: ref("LiveModels"), **TURNED_AWAY, 503: UNAVAILABLE},
)


def servers_are_named(result, generator, request, public):
    """A hook of drf-spectacular, which does not add the path below which the site is mounted."""
    if place := get_script_prefix().rstrip("/"):
        result["servers"] = [{"url": place}]
    return result


def completed(result, generator, request, public):
    """A hook of drf-spectacular: adds the named components, and that a body is required."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result
