"""Prices grades that the data does not have as the nearest ones that it has, if the caller allows it.

Which grades these are is in ml.tables.grades. Called by services.py, and by the form and files of stones to
validate a stone as it will be priced.
"""

from typing import Any

import numpy as np

from ml.forest import PriceForest
from ml.forest.arrays import Array
from ml.tables.grades import assumed_grades
from ml.vocabulary import DEFAULT, Vocabulary
from predictor.models import may_be_recorded

from .serializers import Features, shown

Assumed = dict[str, Any]
"""A grade that was assumed: {"field", "sent", "used", "price_as": {another grade: its price}}."""


def assume(payload: Any, vocabulary: Vocabulary = DEFAULT) -> tuple[Any, list[Assumed]]:
    """(a stone as sent, with assumed grades in place of those that the vocabulary does not have; what was
    assumed, with None for the prices in `price_as`)."""
    found = list(filter(None, (_assumed(payload, name, vocabulary) for name in vocabulary.grades)))
    if not found:
        return payload, []
    return {**payload, **{one["field"]: one["used"] for one in found}}, found


def _assumed(payload: Any, name: str, vocabulary: Vocabulary) -> Assumed | None:
    sent = payload.get(name) if isinstance(payload, dict) else None
    if not isinstance(sent, str):
        return None
    _, grades = assumed_grades(name, sent, vocabulary)
    if not grades:
        return None
    used, *others = grades
    return {
        "field": name,
        "sent": shown(sent.strip()),
        "used": used,
        "price_as": dict.fromkeys(others),
    }


def price_readings(
    stones: list[tuple[Features, list[Assumed]]], forest: PriceForest
) -> list[list[Assumed]]:
    """What was assumed of each graded stone, with the whole price as each other grade, in one batch."""
    others = [
        (forest.row({**features, one["field"]: grade}), may_be_recorded(assumed))
        for features, assumed in stones
        for one in assumed
        for grade in one["price_as"]
    ]
    prices = iter(_prices(others, forest) if others else ())
    return [
        [
            {**one, "price_as": {grade: int(next(prices)) for grade in one["price_as"]}}
            for one in assumed
        ]
        for _, assumed in stones
    ]


def _prices(stones: list[tuple[Array, bool]], forest: PriceForest) -> list[float]:
    """The prices of matrix rows, each with whether the training data may have the stone itself."""
    rows, may_match = zip(*stones, strict=True)
    prices: list[float] = forest.answers(
        np.array(rows), may_match=np.array(may_match)
    ).price.tolist()
    return prices
