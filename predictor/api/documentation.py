"""The published schema (OpenAPI 3.1) of the API.

Its components have names (`schemas_of`), so that generated clients have a type for each. What a graded
stone may have is that of the version that the process answers from when the document is asked for.
"""

from django.urls import get_script_prefix
from django.utils import translation
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from ml.stones import CODES, EXAMPLES, GRADES, KINDS, MEASURES, PRICE, SCHEMES
from ml.vocabulary import DEFAULT, OPTIONAL
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
from predictor.pricing.serializers import (
    DEFAULT_COMPARABLES,
    INCLUDED,
    MAX_COMPARABLES,
    MAX_STONES,
    levels_of,
)
from predictor.pricing.services import live_validators
from predictor.pricing.warnings import RULES
from predictor.web.exceptions import PROBLEM
from predictor.web.idempotency import LONGEST, REPLAYED
from predictor.wording.labels import LABELS

ANYTHING = {"type": "object", "additionalProperties": True}


with translation.override("en"):
    REPORTED = {name: str(label) for name, label in LABELS.items() if name not in OPTIONAL}
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


def _measure(name, measures=MEASURES):
    measure = measures[name]
    return {
        "type": "number",
        "minimum": measure.low,
        "maximum": measure.high,
        "description": f"{REPORTED[name]}, {measure.unit}",
    }


def _grade(name, vocabulary):
    return {**STRING, "enum": list(vocabulary.grades[name]), "description": "in any letter case"}


def _level(name, levels):
    return {
        **STRING,
        "enum": list(levels),
        "description": f"{name}, in any letter case; without it, it is not stated",
    }


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


def _schema_of(scheme, name, measures=MEASURES):
    if name in MEASURES:
        return _measure(name, measures if scheme == "graded" else MEASURES)
    return ref(name.title() if scheme == "graded" else f"{name.title()}Code")


def _stone(scheme, vocabulary=DEFAULT):
    properties = {name: _schema_of(scheme, name, vocabulary.measures) for name in SCHEMES[scheme]}
    return {**_object(**properties), "additionalProperties": False}


def _own_stone(vocabulary):
    """A graded stone with the optional properties that a version knows."""
    stone, optional = _stone("graded", vocabulary), levels_of(vocabulary)
    stone["properties"] |= {name: _level(name, levels) for name, levels in optional.items()}
    if vocabulary.without_cut:
        stone["required"].remove("cut")
    return stone


def _recorded_stone(vocabulary):
    """A comparable: of an own list with what it states and makes public."""
    kinds = {name: STRING if name in GRADES else REAL for name in SCHEMES["graded"]}
    if vocabulary is DEFAULT:
        return _object(**kinds)
    kinds |= dict.fromkeys(vocabulary.names, STRING)
    return _object(
        {k: v for k, v in kinds.items() if vocabulary.public is None or k in vocabulary.public}
    )


def schemas_of(vocabulary):
    """{name: schema} of the components, for the stones of a graded version with the vocabulary."""
    if vocabulary is DEFAULT:
        return SCHEMAS
    return SCHEMAS | {
        **{name.title(): _grade(name, vocabulary) for name in GRADES},
        "GradedStone": _own_stone(vocabulary),
        "RecordedStone": _recorded_stone(vocabulary),
    }


def _outcome(**more):
    """The schema of an outcome as sent."""
    return {
        **_object(
            **more,
            amount={"type": "number", "minimum": PRICE.low, "maximum": PRICE.high},
            kind={**STRING, "enum": list(KINDS)},
            optional={
                "currency": {**STRING, "description": "must be that of the answer"},
                "when": {
                    "type": ["string", "null"],
                    "format": "date",
                    "description": "the day of the sale; not in the future",
                },
            },
        ),
        "additionalProperties": False,
    }


MESSAGES = {"type": "array", "items": STRING}

SCHEMAS = {
    **{name.title(): _grade(name, DEFAULT) for name in GRADES},
    **{f"{name.title()}Code": _code(name) for name in CODES},
    "GradedStone": _stone("graded"),
    "CodedStone": _stone("coded"),
    "PriceRange": _object_of(GROUPS["price_range"].fields),
    "StoneWarning": _object(
        code={**STRING, "description": "; ".join(f"{rule.code}: {rule.when}" for rule in RULES)},
        field=STRING,
        value={
            "type": ["number", "string"],
            "description": "the stone's; a text for the grade of few_of_grade",
        },
        message=STRING,
        optional={
            name: REAL_OR_NULL if name in ("low", "high") else REAL
            for rule in RULES
            for name in rule.figures
        },
    ),
    "AnsweringModel": _object_of(GROUPS["model"].fields),
    "RecordedStone": _recorded_stone(DEFAULT),
    "Comparable": _object(
        stone=ref("RecordedStone"),
        price={**INTEGER, "description": "as recorded, in the answer's currency"},
        year=INTEGER,
        weight={**REAL, "description": "ratio; all weights of a price sum to 1"},
        adjusted_price={**REAL, "description": "adjusted to the requested stone by the trend"},
    ),
    "RecordedListing": _object(
        row={**INTEGER, "description": "of the training stones of the model version, from 0"},
        price={**INTEGER, "description": "as recorded, in the answer's currency"},
    ),
    "AssumedGrade": _object(
        field={**STRING, "enum": ["cut", "clarity"]},
        sent=STRING,
        used={**STRING, "description": "the grade that it is priced as"},
        price_as={
            "type": "object",
            "additionalProperties": INTEGER,
            "description": "the price, truncated, as each other grade that it can mean",
        },
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
        optional={
            "accepts": {
                **ANYTHING,
                "description": "of a version of an own list: the grades, optional properties (`optional`), "
                "facts and bounds (`measures`) of its stones",
            },
            "basis": {
                **ANYTHING,
                "description": "of the same: the currency, year, kind and source of its prices",
            },
        },
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
    "Outcome": _outcome(),
    "OutcomeOfAnswer": _outcome(id={**STRING, "format": "uuid", "description": "of the answer"}),
    "ReportedOutcome": _object(
        id={**STRING, "format": "uuid", "description": "of the answer"},
        amount=REAL,
        currency=STRING,
        kind={**STRING, "enum": list(KINDS)},
        when={"type": ["string", "null"], "format": "date"},
        state={**STRING, "enum": ["waiting", "released", "refused"]},
        by={**STRING, "description": "the user of the token"},
        reported={**STRING, "format": "date-time"},
    ),
    "Problem": _object(
        type={**STRING, "const": "about:blank"},
        title={**STRING, "description": "of the status"},
        status=INTEGER,
        detail=STRING,
        optional={"errors": {"anyOf": [ref("Errors"), list_of("RowErrors")]}},
    ),
    "Included": {**STRING, "enum": [*INCLUDED, ",".join(INCLUDED)]},
}

DETAIL = ref("Detail")
OF_KEYS = {
    409: OpenApiResponse(DETAIL, "A request with this Idempotency-Key is in progress."),
    422: OpenApiResponse(DETAIL, "This Idempotency-Key was used for another request."),
}
"""The responses to an Idempotency-Key that has no answer for this request."""

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
        response=[409, 429, 503],
        description="seconds until a request may succeed",
    ),
    OpenApiParameter(
        "RateLimit",
        STRING,
        OpenApiParameter.HEADER,
        response=[200, 429],
        description="if this server has a throttle: `r` requests are left for the next `t` seconds",
    ),
    OpenApiParameter(
        "RateLimit-Policy",
        STRING,
        OpenApiParameter.HEADER,
        response=[200, 429],
        description="if this server has a throttle: at most `q` requests in `w` seconds",
    ),
    OpenApiParameter(
        "WWW-Authenticate",
        STRING,
        OpenApiParameter.HEADER,
        response=[401],
        description="send the header `Authorization: Bearer <key>`, or `Token` in the place of `Bearer`",
    ),
]


A_KEY = rf'^([!#-~]{{1,{LONGEST}}}|"([ !#-\[\]-~]|\\["\\]){{1,{LONGEST}}}")$'
"""An Idempotency-Key, bare or in quotes."""

IDEMPOTENCY = [
    OpenApiParameter(
        "Idempotency-Key",
        {**STRING, "pattern": A_KEY},
        OpenApiParameter.HEADER,
        description="chosen by the client: for 24 hours the same request with the same key gets the same "
        "answer again, without a second record. In double quotes or without.",
    ),
    OpenApiParameter(
        REPLAYED,
        {**STRING, "enum": ["true"]},
        OpenApiParameter.HEADER,
        response=[200],
        description="the answer was given before",
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
    OpenApiParameter(
        "include",
        ref("Included"),
        description="the stones behind the price; the signed answer; or both",
    ),
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
    OpenApiParameter(
        "assume",
        {"type": "boolean"},
        description="true: a grade that the data does not have (cut Excellent or AGS 0, clarity FL) is "
        "priced as the nearest one; the answer says so in `assumed`",
    ),
    OpenApiParameter(
        "version",
        {**INTEGER, "minimum": 1, "maximum": 999_999_999},
        description="the number of the version of the model that answers; by default the active one",
    ),
]
RETIREMENT = [
    OpenApiParameter(
        "Deprecation",
        STRING,
        OpenApiParameter.HEADER,
        response=[200],
        description="with version: since when it is retired (RFC 9745), such as @1767225600",
    ),
    OpenApiParameter(
        "Sunset",
        STRING,
        OpenApiParameter.HEADER,
        response=[200],
        description="with version: until when it answers at least (RFC 8594)",
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

OF_ANSWER = OpenApiParameter(
    "id", {**STRING, "format": "uuid"}, OpenApiParameter.PATH, description="of the answer"
)
NO_ANSWER = OpenApiResponse(DETAIL, "There is no answer with this id.")
OUTCOMES = (
    "Needs a token whose user has the permission “Can add reported price”. The same report may be sent "
    "again; another one replaces it as long as it waits for a reviewer."
)
MAY_NOT_REPORT = {
    **TURNED_AWAY,
    403: OpenApiResponse(DETAIL, "The user of the token may not report outcomes."),
    413: OpenApiResponse(DETAIL, "Over 2 MB, compressed or not."),
    415: OpenApiResponse(DETAIL, "Neither JSON nor gzipped JSON."),
    503: UNAVAILABLE,
}
"""The responses to a report that is turned away."""

predict_get = extend_schema(
    operation_id="predict_get",
    summary="Price one stone",
    description=f"{TWO_WAYS} HEAD does the same; each price is recorded.",
    parameters=[*STONE_QUERY, *OPTIONS_QUERY, *IDEMPOTENCY, *RETIREMENT, *HEADERS],
    responses={
        200: ref("Quote"),
        400: OpenApiResponse(ref("Errors"), "What is wrong, by parameter."),
        **TURNED_AWAY,
        **OF_KEYS,
        503: UNAVAILABLE,
    },
)
predict_post = extend_schema(
    operation_id="predict_post",
    summary=f"Price one stone, or a list of up to {MAX_STONES:,}, all or none",
    description=f"{TWO_WAYS} The body may be compressed: Content-Encoding: gzip.",
    parameters=[*OPTIONS_QUERY, *IDEMPOTENCY, *RETIREMENT, *HEADERS],
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
        **OF_KEYS,
        413: OpenApiResponse(DETAIL, "Over 2 MB, compressed or not."),
        415: OpenApiResponse(DETAIL, "Neither JSON nor gzipped JSON."),
        503: UNAVAILABLE,
    },
)
recorded = extend_schema(
    operation_id="recorded_answer",
    summary="A recorded answer",
    parameters=[OF_ANSWER, *HEADERS],
    responses={200: ref("Quote"), **TURNED_AWAY, 404: NO_ANSWER, 503: UNAVAILABLE},
)
actual = extend_schema(
    operation_id="report_outcome",
    summary="Report what the stone of an answer cost in the end",
    description=OUTCOMES,
    parameters=[OF_ANSWER, *HEADERS],
    request={"application/json": ref("Outcome")},
    responses={
        200: ref("ReportedOutcome"),
        400: OpenApiResponse(ref("Errors"), "What is wrong, by field."),
        404: NO_ANSWER,
        409: OpenApiResponse(DETAIL, "A reviewer has released or refused another price."),
        **MAY_NOT_REPORT,
    },
)
actuals = extend_schema(
    operation_id="report_outcomes",
    summary="Report up to 1,000 outcomes, all or none",
    description=OUTCOMES,
    parameters=HEADERS,
    request={
        "application/json": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": ref("OutcomeOfAnswer"),
        }
    },
    responses={
        200: list_of("ReportedOutcome"),
        400: OpenApiResponse(
            {"anyOf": [ref("Errors"), list_of("RowErrors")]},
            "What is wrong; only the invalid rows.",
        ),
        **MAY_NOT_REPORT,
    },
)
model = extend_schema(
    operation_id="live_models",
    summary="The active versions: scores, training ranges, origin",
    parameters=HEADERS,
    responses={200: ref("LiveModels"), **TURNED_AWAY, 503: UNAVAILABLE},
)


def _add_own(parameters, vocabulary):
    """Changes the parameters of a stone in the query string to those of a version's vocabulary."""
    named = {one["name"]: one for one in parameters if one["in"] == "query"}
    if "carat" not in named:
        return
    for name, measure in vocabulary.measures.items():
        own = MEASURES[name]
        named[name]["schema"] |= {
            "minimum": min(measure.low, own.low),
            "maximum": max(measure.high, own.high),
        }
    named["cut"]["required"] = not vocabulary.without_cut
    parameters += [
        {"in": "query", "name": name, "schema": _level(name, levels)}
        for name, levels in levels_of(vocabulary).items()
    ]


def servers_are_named(result, generator, request, public):
    """A hook of drf-spectacular, which does not add the path below which the site is mounted."""
    if place := get_script_prefix().rstrip("/"):
        result["servers"] = [{"url": place}]
    return result


def completed(result, generator, request, public):
    """A hook of drf-spectacular: adds the named components, the parameters of the active version, that a
    body is required, and that errors may be problems."""
    vocabulary = live_validators().vocabulary
    result.setdefault("components", {}).setdefault("schemas", {}).update(schemas_of(vocabulary))
    if vocabulary is not DEFAULT:
        for path in result["paths"].values():
            _add_own(path.get("get", {}).get("parameters", []), vocabulary)
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            for status, response in operation["responses"].items():
                if int(status) >= 400 and "content" in response:
                    response["content"][PROBLEM] = {"schema": ref("Problem")}
    return result
