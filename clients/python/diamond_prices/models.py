"""What the service takes and answers; a test compares these models with its OpenAPI schema."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Kind = Literal["paid", "asking"]


class Answer(BaseModel):
    """Base of what the service answers: fields that a later version adds are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Sent(BaseModel):
    """Base of what is sent; the service checks the values, and names the wrong ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GradedStone(Sent):
    """A stone as a grading report describes it; measures in ct, % and mm.

    Only a version that was trained on your own list may know the properties from shape on.
    """

    carat: float
    cut: str
    color: str
    clarity: str
    depth: float
    table: float
    x: float
    y: float
    z: float
    shape: str | None = None
    origin: str | None = None
    laboratory: str | None = None
    polish: str | None = None
    symmetry: str | None = None
    fluorescence: str | None = None


class CodedStone(Sent):
    """A stone with its grades as integer codes."""

    carat: float
    cut: int
    color: int
    clarity: int
    depth: float
    table: float
    volume: float


Stone = GradedStone | CodedStone


class PriceRange(Answer):
    """The range that contains the price of similar stones in `coverage` of all cases."""

    low: int
    high: int
    coverage: float | None


class StoneWarning(BaseModel):
    """Anything unusual about a stone; some warnings have further fields. value: a text for a grade."""

    model_config = ConfigDict(extra="allow", frozen=True)

    code: str
    field: str
    value: float | str
    message: str


class AnsweringModel(Answer):
    """The version of the model that answered."""

    scheme: str
    version: int


class Asking(Answer):
    """Where an asking price lies among the prices of similar stones."""

    price: float
    percentile: float | None
    verdict: Literal["below", "within", "above"]


class AssumedGrade(Answer):
    """A grade that the data does not have, and what it is priced as."""

    field: str
    sent: str
    used: str
    price_as: dict[str, int]


class RecordedListing(Answer):
    """The listing of the stone itself in the training data."""

    row: int
    price: int


class Comparable(Answer):
    """A stone that a price is based on; `stone` has what the version's list makes public."""

    stone: dict[str, Any]
    price: int
    year: int
    weight: float
    adjusted_price: float


class Quote(Answer):
    """The recorded price of a stone."""

    features: dict[str, Any]
    predicted_price: int
    price_range: PriceRange
    price_per_carat: float
    currency: str
    price_year: int
    warnings: list[StoneWarning]
    model: AnsweringModel
    id: UUID
    url: str
    asking: Asking | None = None
    assumed: list[AssumedGrade] | None = None
    recorded_stone: RecordedListing | None = None
    comparables: list[Comparable] | None = None
    receipt: str | None = None


class Outcome(Sent):
    """What the stone of an answer cost in the end. when: the day of the sale."""

    id: UUID
    amount: float
    kind: Kind
    currency: str | None = None
    when: date | None = None


class ReportedOutcome(Answer):
    """An outcome as the service has recorded it."""

    id: UUID
    amount: float
    currency: str
    kind: Kind
    when: date | None
    state: Literal["waiting", "released", "refused"]
    by: str
    reported: datetime
