"""The fields of the answer to a stone, each declared once in FIELDS.

The API's JSON and schema, /v2, the priced files of pages and `score`, and exports are made from them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from ml.forest import PriceForest
from ml.forest.arrays import Array
from ml.forest.price_forest import Answers, Comparable
from ml.stones import COVERAGE, SCHEMES
from ml.vocabulary import NOT_STATED
from predictor.models import ModelVersion, Prediction
from predictor.models.predictions import quote_address

from .serializers import Features
from .warnings import codes_of_many, message

Schema = dict[str, Any]
"""An OpenAPI schema."""

Values = list[tuple[str, Callable[[Prediction, ModelVersion], Any]]]
"""[(name, function), …] of fields: looked up once, for lists have thousands."""

WHOLE, NUMBER, TEXT = "int64", "double", "string"
"""Column types, with pyarrow's names."""

INFERENCE, EXPORT, FILE = "inference", "export", "file"
"""Other outputs that may have a field: /v2, the admin's exports, a page's priced file."""

INTEGER, REAL, STRING = {"type": "integer"}, {"type": "number"}, {"type": "string"}
REAL_OR_NULL = {"type": ["number", "null"]}


def ref(name: str) -> Schema:
    """A reference to a named schema (api.documentation.SCHEMAS)."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(name: str) -> Schema:
    """A list of a named schema."""
    return {"type": "array", "items": ref(name)}


ANY_STONE = {"anyOf": [ref("GradedStone"), ref("CodedStone")]}


@dataclass(frozen=True)
class Field:
    """One value. schema: its OpenAPI schema; value: a function of a Prediction and its
    version, as in the JSON.

    needs: the attribute of Prediction that must be set for the answer to have the field, if any.
    of_version: whether it is the same in all answers of a version. type: of its column; used_by: which of
    INFERENCE, EXPORT and FILE have it. cell: a function of a Prediction, for files, if the JSON value does
    not fit a cell. of_many: (stones, forest, Answers) -> its column in a
    result of `score`; without it `score` leaves the field out.
    """

    name: str
    schema: Schema
    value: Callable[[Prediction, ModelVersion], Any]
    type: str = TEXT
    used_by: tuple[str, ...] = ()
    needs: str = ""
    of_version: bool = False
    cell: Callable[[Prediction], Any] | None = None
    of_many: Callable[[Features, PriceForest, Answers], Array] | None = None

    def in_cell(self, prediction: Prediction) -> Any:
        """The value in a file."""
        if self.cell:
            return self.cell(prediction)
        return self.value(prediction, prediction.version)


@dataclass(frozen=True)
class Group:
    """Fields that form an object in the JSON, with a named schema; in files each one is a column."""

    name: str
    schema: Schema
    fields: tuple[Field, ...]
    needs: str = ""
    of_version: bool = False

    def value(self, prediction: Prediction, version: ModelVersion) -> dict[str, Any]:
        """The object, as in the JSON."""
        return {name: value(prediction, version) for name, value in self.values}

    @cached_property
    def values(self) -> Values:
        """The fields' names and functions."""
        return _values(self.fields)


def _values(fields: Iterable[Field | Group]) -> Values:
    return [(field.name, field.value) for field in fields]


def _warnings(prediction: Prediction, version: ModelVersion) -> list[dict[str, Any]]:
    """The warnings with their sentences in English, amounts in the answer's currency."""
    return [{**one, "message": message(one, version.currency)} for one in prediction.warnings]


def assumed_text(one: Mapping[str, Any]) -> str:
    """An assumed grade in a cell: "cut: Excellent → Ideal (Premium: 7445)"."""
    others = [f" ({grade}: {price})" for grade, price in one["price_as"].items()]
    return f"{one['field']}: {one['sent']} → {one['used']}{''.join(others)}"


def listing_text(listing: Mapping[str, Any] | None) -> str:
    """A recorded stone in a cell: "row 1234: 2757"; "" for none."""
    return f"row {listing['row']}: {listing['price']}" if listing else ""


FIELDS = (
    Field(
        "features",
        ANY_STONE,
        lambda prediction, version: prediction.features,
    ),
    Field(
        "predicted_price",
        {**INTEGER, "description": "truncated"},
        lambda prediction, version: prediction.predicted_price,
        WHOLE,
        (INFERENCE, EXPORT, FILE),
        of_many=lambda stones, forest, answers: answers.price.astype(np.int64),
    ),
    Group(
        "price_range",
        ref("PriceRange"),
        (
            Field(
                "low",
                INTEGER,
                lambda prediction, version: prediction.whole_low,
                WHOLE,
                (INFERENCE, EXPORT, FILE),
                of_many=lambda stones, forest, answers: np.floor(answers.low).astype(np.int64),
            ),
            Field(
                "high",
                INTEGER,
                lambda prediction, version: prediction.whole_high,
                WHOLE,
                (INFERENCE, EXPORT, FILE),
                of_many=lambda stones, forest, answers: np.ceil(answers.high).astype(np.int64),
            ),
            Field(
                "coverage",
                {
                    **REAL_OR_NULL,
                    "description": "ratio of similar stones' prices inside; null for an extrapolation",
                },
                lambda prediction, version: None if prediction.is_extrapolated else COVERAGE,
            ),
        ),
    ),
    Field(
        "price_per_carat",
        {**REAL, "description": "per carat"},
        lambda prediction, version: prediction.price_per_carat,
        NUMBER,
        (INFERENCE,),
    ),
    Field(
        "currency",
        {**STRING, "description": "of all amounts of the answer, ISO 4217"},
        lambda prediction, version: version.currency,
        TEXT,
        (INFERENCE, EXPORT, FILE),
        of_version=True,
    ),
    Field(
        "price_year",
        {**INTEGER, "description": "of about which year the prices are"},
        lambda prediction, version: version.price_year,
        WHOLE,
        (INFERENCE, EXPORT, FILE),
        of_version=True,
    ),
    Field(
        "warnings",
        list_of("StoneWarning"),
        _warnings,
        TEXT,
        (INFERENCE, EXPORT, FILE),
        cell=lambda prediction: " ".join(warning["code"] for warning in prediction.warnings),
        of_many=codes_of_many,
    ),
    Group(
        "model",
        ref("AnsweringModel"),
        (
            Field(
                "scheme",
                {**STRING, "enum": list(SCHEMES)},
                lambda prediction, version: prediction.scheme,
                TEXT,
                (EXPORT,),
            ),
            Field(
                "version",
                INTEGER,
                lambda prediction, version: version.number,
                WHOLE,
                (EXPORT,),
            ),
        ),
        of_version=True,
    ),
    Field(
        "id",
        {**STRING, "format": "uuid"},
        lambda prediction, version: str(prediction.id),
        TEXT,
        (INFERENCE, EXPORT),
    ),
    Field(
        "url",
        {
            **STRING,
            "description": "the quote's page; asked for application/json, this object again",
        },
        lambda prediction, version: prediction.get_absolute_url(),
        TEXT,
        (INFERENCE,),
    ),
    Group(
        "asking",
        {**ref("Asking"), "description": "with asking: where that price lies"},
        (
            Field("price", REAL, lambda prediction, version: prediction.asking),
            Field(
                "percentile",
                {
                    **REAL_OR_NULL,
                    "minimum": 0,
                    "maximum": 100,
                    "description": "percent of similar stones' prices that are lower; null for an "
                    "extrapolation, and of a model from before this was reported",
                },
                lambda prediction, version: prediction.percentile,
            ),
            Field(
                "verdict",
                {
                    **STRING,
                    "enum": ["below", "within", "above"],
                    "description": "of the price range",
                },
                lambda prediction, version: prediction.verdict,
            ),
        ),
        needs="asking",
    ),
    Field(
        "assumed",
        {
            **list_of("AssumedGrade"),
            "description": "with assume=true: the grades that the data does not have, and what they are "
            "priced as",
        },
        lambda prediction, version: prediction.assumed or [],
        TEXT,
        (INFERENCE, EXPORT, FILE),
        needs="assumed",
        cell=lambda prediction: "; ".join(map(assumed_text, prediction.assumed or ())),
    ),
    Field(
        "recorded_stone",
        {
            **ref("RecordedListing"),
            "description": "if the training data has the stone itself: its listing, which gives the price",
        },
        lambda prediction, version: prediction.recorded_stone or {},
        TEXT,
        (INFERENCE, EXPORT, FILE),
        needs="recorded_stone",
        cell=lambda prediction: listing_text(prediction.recorded_stone),
    ),
    Field(
        "comparables",
        {
            **list_of("Comparable"),
            "description": "with include=comparables: the stones behind the price, heaviest first",
        },
        lambda prediction, version: prediction.comparables,
        TEXT,
        (INFERENCE,),
        needs="comparables",
    ),
    Field(
        "receipt",
        {
            **STRING,
            "description": "with include=receipt: the answer, signed (JWS), for anybody to check",
        },
        lambda prediction, version: prediction.receipt,
        TEXT,
        (INFERENCE,),
        needs="receipt",
    ),
)
"""In the order of the JSON object."""

ALWAYS = _values(field for field in FIELDS if not (field.needs or field.name == "url"))
"""All but the address, the last of them, which is made from the ID."""
OWN = _values(
    field for field in FIELDS if not (field.needs or field.of_version or field.name == "url")
)
IF_ASKED = [field for field in FIELDS if field.needs]
GROUPS = {field.name: field for field in FIELDS if isinstance(field, Group)}
COLUMNS: list[Field] = [
    one for field in FIELDS for one in (field.fields if isinstance(field, Group) else (field,))
]
"""All fields, with those of groups in their place, as columns of tables."""


def as_json(prediction: Prediction) -> dict[str, Any]:
    """The API's answer for one stone."""
    version = prediction.version
    answer = {name: value(prediction, version) for name, value in ALWAYS}
    answer["url"] = answer["id"].join(quote_address())
    return _with_asked(answer, prediction, version)


def all_as_json(predictions: Iterable[Prediction]) -> Iterator[dict[str, Any]]:
    """The same for a list, in two thirds of the time: what answers of one version share is made once."""
    begun: dict[Any, tuple[dict[str, Any], ModelVersion]] = {}
    address = quote_address()
    for prediction in predictions:
        if prediction.version_id not in begun:
            begun[prediction.version_id] = as_json(prediction), prediction.version
        shared, version = begun[prediction.version_id]
        answer = {name: shared[name] for name, _ in ALWAYS}
        for name, value in OWN:
            answer[name] = value(prediction, version)
        answer["url"] = answer["id"].join(address)
        yield _with_asked(answer, prediction, version)


def _with_asked(
    answer: dict[str, Any], prediction: Prediction, version: ModelVersion
) -> dict[str, Any]:
    """An answer with the fields that only some have."""
    for field in IF_ASKED:
        if getattr(prediction, field.needs) is not None:
            answer[field.name] = field.value(prediction, version)
    return answer


def shown_stone(forest: PriceForest, row: int) -> Features:
    """A training stone as recorded, without its price: the columns that the list makes public, of these the
    ones that are stated."""
    stone, public = forest.recorded(row), forest.vocabulary.public
    del stone["price"]
    return {
        name: value
        for name, value in stone.items()
        if value != NOT_STATED and (public is None or name in public)
    }


def described(forest: PriceForest, comparables: Iterable[Comparable]) -> list[dict[str, Any]]:
    """Comparables with the stones as recorded: [{stone, price, year, …}], prices in the forest's
    currency."""
    found = []
    for comparable in comparables:
        found.append(
            {
                "stone": shown_stone(forest, comparable.row),
                "price": round(comparable.price),
                "year": forest.basis.year,
                "weight": comparable.weight,
                "adjusted_price": round(comparable.adjusted_price, 2),
            }
        )
    return found


@cache
def columns_of(user: str) -> dict[str, Field]:
    """{name: Field} of the columns of one output: INFERENCE, EXPORT or FILE."""
    return {field.name: field for field in COLUMNS if user in field.used_by}


def cells_of(prediction: Prediction, user: str) -> list[Any]:
    """An answer's values for the `columns_of` an output, in their order."""
    return [field.in_cell(prediction) for field in columns_of(user).values()]
