"""What a priced stone would cost if one property were different: computed, never recorded.

All are priced in one batch, by the version that gave the price. Called by the quote page.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.forest import Answer, PriceForest
from ml.forest.matrix import row_of
from ml.stones import grades_of
from predictor.models import Prediction

from .serializers import Features

Tried = tuple[str, Any, int, Features]
"""(field, value, steps, features) of a stone that is priced besides the recorded one."""

MAGIC_SIZES = (0.5, 0.7, 0.9, 1.0, 1.5, 2.0)
"""ct; weights at which the trade's prices step up."""

ROUNDING = 0.01
"""mm; the precision of a grading report's measurements."""

LIGHTEST = 0.75
"""The lowest ratio of a stone's weight that is suggested as a saving."""

BEST_VISIBLE = {"graded": "VS2", "coded": 2}
"""The best clarity that is visible; a better one is seen only under a loupe."""


@dataclass(frozen=True)
class Change:
    """A stone that differs in one property, and its price in whole units of money, truncated.

    field: "cut", "color", "clarity", "carat" (at the same proportions) or "order" (of the diameters);
    value: the new value; steps: the number of grades better, negative for worse. difference: to the
    recorded price. same: whether the difference is within the effect of a hundredth of a millimetre.
    """

    field: str
    value: Any
    features: Features
    steps: int
    price: int
    difference: int
    same: bool
    extrapolated: bool


@dataclass(frozen=True)
class Outlook:
    """changes: one grade up and down, the next magic sizes, the diameters in the other order.

    savings: {ratio: the changes that save at least that, one for each property, the smallest change
    first}, empty if no single change saves as much. visible: the cheapest improvement by one grade that is
    visible, or None. wobble: the largest effect of a hundredth of a millimetre on the price.
    """

    changes: list[Change]
    savings: dict[float, tuple[Change, ...]]
    visible: Change | None
    wobble: float


def outlook(
    prediction: Prediction, forest: PriceForest, shares: tuple[float, ...] = (0.1, 0.2)
) -> Outlook:
    """The Outlook of a recorded answer; forest: that of the answer's version."""
    stone = prediction.features
    rounded, tried = _rounded(stone), _tried(stone, prediction.scheme)
    rows = [
        row_of(one, prediction.scheme) for one in rounded + [features for *_, features in tried]
    ]
    answers = forest.answer_many(np.array(rows))
    wobble = max(abs(answer.price - prediction.price) for answer in answers[: len(rounded)])
    changes = [
        _change(prediction, one, answer, wobble)
        for one, answer in zip(tried, answers[len(rounded) :], strict=True)
    ]
    return Outlook(
        [change for change in changes if _is_near(change, stone)],
        {
            share: _saving(changes, prediction, prediction.predicted_price * (1 - share))
            for share in shares
        },
        _visible(changes, prediction.scheme),
        wobble,
    )


def _change(prediction: Prediction, tried: Tried, answer: Answer, wobble: float) -> Change:
    field, value, steps, features = tried
    difference = int(answer.price) - prediction.predicted_price
    same = abs(answer.price - prediction.price) <= wobble
    return Change(
        field, value, features, steps, int(answer.price), difference, same, answer.extrapolated
    )


def _tried(stone: Features, scheme: str) -> list[Tried]:
    found: list[Tried] = []
    for name in ("color", "clarity", "cut"):
        grades = grades_of(name, scheme)
        here = grades.index(stone[name])
        found += [
            (name, grade, place - here, {**stone, name: grade})
            for place, grade in enumerate(grades)
            if place != here
        ]
    for carat in _weights(stone["carat"]):
        found.append(("carat", carat, 0, scaled(stone, carat)))
    if stone.get("x") != stone.get("y"):
        turned = {**stone, "x": stone["y"], "y": stone["x"]}
        found.append(("order", (stone["y"], stone["x"]), 0, turned))
    return found


def _weights(carat: float) -> list[float]:
    """The magic sizes, and lighter weights in steps of 0.01 ct or 1 %, whichever is more."""
    step = max(0.01, 0.01 * carat)
    count = int((1 - LIGHTEST) * carat / step)
    lighter = {round(carat - step * (place + 1), 2) for place in range(count)}
    return sorted((lighter | set(MAGIC_SIZES)) - {carat})


def scaled(stone: Features, carat: float) -> Features:
    """The stone at another weight with the same proportions."""
    ratio = carat / stone["carat"]
    sizes = {name: stone[name] * ratio ** (1 / 3) for name in "xyz" if name in stone}
    if "volume" in stone:
        sizes["volume"] = stone["volume"] * ratio
    return {**stone, **sizes, "carat": carat}


def _rounded(stone: Features) -> list[Features]:
    """The stones that a report would describe in the same way: each size off by 0.01 mm."""
    if "volume" in stone:
        share = ROUNDING / stone["volume"] ** (1 / 3)
        return [{**stone, "volume": stone["volume"] * ratio} for ratio in (1 - share, 1 + share)]
    return [{**stone, name: stone[name] + off} for name in "xyz" for off in (-ROUNDING, ROUNDING)]


def _is_near(change: Change, stone: Features) -> bool:
    """Whether a change is to the next grade, the next size or the other order."""
    if change.field == "carat":
        return change.value in _next_sizes(stone["carat"])
    return abs(change.steps) == 1 or change.field == "order"


def _next_sizes(carat: float) -> list[float]:
    below = [size for size in MAGIC_SIZES if size < carat]
    above = [size for size in MAGIC_SIZES if size > carat]
    return below[-1:] + above[:1]


def _saving(changes: list[Change], prediction: Prediction, most: float) -> tuple[Change, ...]:
    """The smallest change of each property that costs `most` or less, the smallest of all first."""

    def given_up(change: Change) -> float:
        if change.field == "carat":
            return 1 - change.value / prediction.carat
        return -change.steps / (len(grades_of(change.field, prediction.scheme)) - 1)

    found: dict[str, Change] = {}
    worse = [change for change in changes if change.field != "order" and given_up(change) > 0]
    for change in sorted(worse, key=given_up):
        if change.price <= most:
            found.setdefault(change.field, change)
    return tuple(found.values())


def _visible(changes: list[Change], scheme: str) -> Change | None:
    clarities = grades_of("clarity", scheme)
    best = clarities.index(BEST_VISIBLE[scheme])
    seen = [
        change
        for change in changes
        if change.steps == 1
        and (change.field != "clarity" or clarities.index(change.value) <= best)
    ]
    return min(seen, key=lambda change: change.price, default=None)
