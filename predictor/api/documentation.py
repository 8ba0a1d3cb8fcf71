"""What the published schema (OpenAPI 3.1) says of the API, made from ml.stones.

Its parts have names (SCHEMAS), so that generated clients have a type for each.
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
from predictor.pricing.serializers import DEFAULT_COMPARABLES, MAX_COMPARABLES, MAX_STONES
from predictor.pricing.warnings import RULES
from predictor.wording.labels import LABELS

NUMBER, INTEGER, TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
NUMBER_OR_NULL = {"type": ["number", "null"]}
ANYTHING = {"type": "object", "additionalProperties": True}


with translation.override("en"):
    REPORTED = {name: str(label) for name, label in LABELS.items()}
    """What the parts of a stone are called on the pages, here in the API's English."""


def _ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name):
    return {"type": "array", "items": _ref(name)}


def _object(optional=None, **properties):
    """An object whose properties are all required, but for the optional ones."""
    return {
        "type": "object",
        "properties": properties | (optional or {}),
        "required": list(properties),
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
    return _ref(name.title() if scheme == "graded" else f"{name.title()}Code")


def _stone(scheme):
    properties = {name: _schema_of(scheme, name) for name in SCHEMES[scheme]}
    return {**_object(**properties), "additionalProperties": False}


ANY_STONE = {"anyOf": [_ref("GradedStone"), _ref("CodedStone")]}
MESSAGES = {"type": "array", "items": TEXT}

SCHEMAS = {
    **{name.title(): _grade(name) for name in GRADES},
    **{f"{name.title()}Code": _code(name) for name in CODES},
    "GradedStone": _stone("graded"),
    "CodedStone": _stone("coded"),
    "PriceRange": _object(
        low=INTEGER,
        high=INTEGER,
        coverage={
            **NUMBER_OR_NULL,
            "description": "ratio of such stones' prices inside; null of an extrapolation",
        },
    ),
    "StoneWarning": _object(
        code={**TEXT, "description": "; ".join(f"{rule.code}: {rule.when}" for rule in RULES)},
        field=TEXT,
        value=NUMBER,
        message=TEXT,
        optional={
            name: NUMBER_OR_NULL if name in ("low", "high") else NUMBER
            for rule in RULES
            for name in rule.figures
        },
    ),
    "AnsweringModel": _object(scheme={**TEXT, "enum": list(SCHEMES)}, version=INTEGER),
    "RecordedStone": _object(
        carat=NUMBER,
        cut=TEXT,
        color=TEXT,
        clarity=TEXT,
        depth=NUMBER,
        table=NUMBER,
        x=NUMBER,
        y=NUMBER,
        z=NUMBER,
    ),
    "Comparable": _object(
        stone=_ref("RecordedStone"),
        price={**INTEGER, "description": "as recorded, in the answer's currency"},
        year=INTEGER,
        weight={**NUMBER, "description": "ratio; all weights of a price sum to 1"},
        adjusted_price={**NUMBER, "description": "carried over to the asked stone by the trend"},
    ),
    "Asking": _object(
        price=NUMBER,
        percentile={
            **NUMBER_OR_NULL,
            "minimum": 0,
            "maximum": 100,
            "description": "percent of such stones' prices that are lower; null of an "
            "extrapolation, and of a model from before this was told",
        },
        verdict={**TEXT, "enum": ["below", "within", "above"], "description": "of the price range"},
    ),
    "Quote": _object(
        features=ANY_STONE,
        predicted_price={**INTEGER, "description": "truncated"},
        price_range=_ref("PriceRange"),
        price_per_carat={**NUMBER, "description": "per carat"},
        currency={**TEXT, "description": "of all amounts of the answer, ISO 4217"},
        price_year={**INTEGER, "description": "of about which year the prices are"},
        warnings=_list("StoneWarning"),
        model=_ref("AnsweringModel"),
        id={**TEXT, "format": "uuid"},
        url={
            **TEXT,
            "description": "the quote's page; asked for application/json, this object again",
        },
        optional={
            "asking": {**_ref("Asking"), "description": "with asking: where that price lies"},
            "comparables": {
                **_list("Comparable"),
                "description": "with include=comparables: the stones behind the price, heaviest first",
            },
        },
    ),
    "LiveModel": _object(
        version=INTEGER,
        scores=ANYTHING,
        training_ranges=ANYTHING,
        rows=ANYTHING,
        seed=INTEGER,
        data_sha256=TEXT,
        sha256=TEXT,
        created={**TEXT, "format": "date-time"},
    ),
    "LiveModels": {
        "type": "object",
        "properties": {scheme: _ref("LiveModel") for scheme in SCHEMES},
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
    "Detail": _object(detail=TEXT),
    "Included": {**TEXT, "enum": ["comparables"]},
}

DETAIL = _ref("Detail")
UNAVAILABLE = OpenApiResponse(DETAIL, "No forest is live, or the record cannot be written.")
TURNED_AWAY = {
    401: OpenApiResponse(
        DETAIL, "The token is wrong; or this server asks for one, and there is none."
    ),
    429: OpenApiResponse(DETAIL, "The client is over this server's throttle."),
}
"""Answers of every operation to a request that is not let in, by the server's settings."""

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
        TEXT,
        OpenApiParameter.HEADER,
        response=[401],
        description="send the header `Authorization: Bearer <key>`, or `Token` in the place of `Bearer`",
    ),
]


def _parameter(name):
    """A stone's parameter of the query string, as either scheme takes it."""
    of = [scheme for scheme in ("graded", "coded") if name in SCHEMES[scheme]]
    schema = (
        _measure(name)
        if name in MEASURES
        else {"anyOf": [_schema_of(scheme, name) for scheme in of]}
    )
    told = REPORTED[name] if of == ["graded", "coded"] else f"{REPORTED[name]}: {of[0]} alone"
    values = [
        OpenApiExample(f"{scheme} {place}", stone[name])
        for scheme in of
        for place, stone in enumerate(EXAMPLES[scheme], 1)
    ]
    return OpenApiParameter(name, schema, required=len(of) == 2, description=told, examples=values)


STONE_QUERY = [_parameter(name) for name in REPORTED]
OPTIONS_QUERY = [
    OpenApiParameter("include", _ref("Included"), description="the stones behind the price"),
    OpenApiParameter(
        "k",
        {**INTEGER, "minimum": 1, "maximum": MAX_COMPARABLES},
        # No `default`: the API's page would send it without include=comparables.
        description=f"how many comparables, {DEFAULT_COMPARABLES} unless told; "
        "only with include=comparables",
    ),
    OpenApiParameter(
        "asking",
        {**NUMBER, "minimum": PRICE.low, "maximum": PRICE.high},
        description="an asking price, in the answer's currency: where it lies among the prices of such "
        "stones; of one stone only",
    ),
]


def _examples():
    return [
        OpenApiExample(f"{scheme} {place}", value=stone, request_only=True)
        for scheme in ("graded", "coded")
        for place, stone in enumerate(EXAMPLES[scheme], 1)
    ]


TWO_WAYS = (
    "A stone is described in one of two ways. **graded**, the more exact one: all of carat, cut, color, "
    "clarity, depth, table, x, y and z, with the grades' names. **coded**: all of carat, cut, color, "
    "clarity, depth, table and volume, with the grades as integer codes. One that mixes them is refused, "
    "and so is one whose weight is impossible for its size."
)

predict_get = extend_schema(
    operation_id="predict_get",
    summary="Price one stone",
    description=f"{TWO_WAYS} HEAD does the same; each price is recorded.",
    parameters=[*STONE_QUERY, *OPTIONS_QUERY, *HEADERS],
    responses={
        200: _ref("Quote"),
        400: OpenApiResponse(_ref("Errors"), "What is wrong, by parameter."),
        **TURNED_AWAY,
        503: UNAVAILABLE,
    },
)
predict_post = extend_schema(
    operation_id="predict_post",
    summary=f"Price one stone, or a list of up to {MAX_STONES:,}, all or none",
    description=f"{TWO_WAYS} The body may be packed: Content-Encoding: gzip.",
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
        200: {"anyOf": [_ref("Quote"), _list("Quote")]},
        400: OpenApiResponse(
            {"anyOf": [_ref("Errors"), _list("RowErrors")]},
            "What is wrong, by parameter; of a list the wrong rows alone.",
        ),
        **TURNED_AWAY,
        413: OpenApiResponse(DETAIL, "Over 2 MB, packed or unpacked."),
        415: OpenApiResponse(DETAIL, "Neither JSON nor gzip of it."),
        503: UNAVAILABLE,
    },
)
model = extend_schema(
    operation_id="live_models",
    summary="The live versions: scores, training ranges, origin",
    parameters=HEADERS,
    responses={200: _ref("LiveModels"), **TURNED_AWAY, 503: UNAVAILABLE},
)


def servers_are_named(result, generator, request, public):
    """A hook of drf-spectacular, which does not say under which path of its host the site lies."""
    if place := get_script_prefix().rstrip("/"):
        result["servers"] = [{"url": place}]
    return result


def completed(result, generator, request, public):
    """A hook of drf-spectacular: adds the named parts, and that a body has to be sent."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result
