"""The fields of the answer to a stone, each declared once in FIELDS.

The API's JSON and schema, /v2, the priced files of pages and `score`, and exports are made from them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ml.forest import PriceForest
from ml.forest.arrays import Array
from ml.forest.price_forest import Answers, Comparable
from ml.stones import COVERAGE, SCHEMES
from predictor.models import ModelVersion, Prediction

from .serializers import Features
from .warnings import codes_of_many, message

Schema = dict[str, Any]
"""An OpenAPI schema."""

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

    needs: the attribute of Prediction that must be set for the answer to have the field, if any. type: of
    its column; used_by: which of INFERENCE, EXPORT and FILE have it. cell: a function of a Prediction, for
    files, if the JSON value does not fit a cell. of_many: (stones, forest, Answers) -> its column in a
    result of `score`; without it `score` leaves the field out.
    """

    name: str
    schema: Schema
    value: Callable[[Prediction, ModelVersion], Any]
    type: str = TEXT
    used_by: tuple[str, ...] = ()
    needs: str = ""
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

    def value(self, prediction: Prediction, version: ModelVersion) -> dict[str, Any]:
        """The object, as in the JSON."""
        return {field.name: field.value(prediction, version) for field in self.fields}


def _warnings(prediction: Prediction, version: ModelVersion) -> list[dict[str, Any]]:
    """The warnings with their sentences in English, amounts in the answer's currency."""
    return [{**one, "message": message(one, version.currency)} for one in prediction.warnings]


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
    ),
    Field(
        "price_year",
        {**INTEGER, "description": "of about which year the prices are"},
        lambda prediction, version: version.price_year,
        WHOLE,
        (INFERENCE, EXPORT, FILE),
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
)
"""In the order of the JSON object."""

ALWAYS = [field for field in FIELDS if not field.needs]
IF_ASKED = [field for field in FIELDS if field.needs]
GROUPS = {field.name: field for field in FIELDS if isinstance(field, Group)}
COLUMNS: list[Field] = [
    one for field in FIELDS for one in (field.fields if isinstance(field, Group) else (field,))
]
"""All fields, with those of groups in their place, as columns of tables."""


def as_json(prediction: Prediction) -> dict[str, Any]:
    """The API's answer for one stone."""
    version = prediction.version
    answer = {field.name: field.value(prediction, version) for field in ALWAYS}
    for field in IF_ASKED:
        if getattr(prediction, field.needs) is not None:
            answer[field.name] = field.value(prediction, version)
    return answer


def described(forest: PriceForest, comparables: Iterable[Comparable]) -> list[dict[str, Any]]:
    """Comparables with the stones as recorded: [{stone, price, year, …}], prices in USD."""
    found = []
    for comparable in comparables:
        stone = forest.recorded(comparable.row)
        del stone["price"]
        found.append(
            {
                "stone": stone,
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
