"""What a priced stone would cost if its properties were different: computed, never recorded.

All are priced in one batch, by the version that gave the price. A stone that is itself in the training data
has the price of its listing. Prices are compared like with like: two listings, or else two estimates by the
trees. Called by the quote page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ml.forest import Answer, PriceForest
from ml.forest.arrays import Array
from ml.stones import CODES, GRADES
from predictor.models import Prediction

from .appearance import lost
from .serializers import Features
from .shapes import is_round

Grades = Mapping[str, Sequence[Any]]
"""{property: its grades or codes that a version knows, worst to best}."""

MAGIC_SIZES = (0.5, 0.7, 0.9, 1.0, 1.5, 2.0)
"""ct; weights at which the trade's prices step up."""

ROUNDING = 0.01
"""mm; the precision of a grading report's measurements."""

PLACES = {"carat": 2, "x": 2, "y": 2, "z": 2, "volume": 3}
"""The decimal places of a report, to which the sizes of a stone at another weight are rounded."""

LIGHTEST = 0.75
"""The lowest ratio of a stone's weight that is suggested as a saving."""

OFFERED = 3
"""The most savings that are offered for one aim."""


@dataclass(frozen=True)
class Change:
    """A stone with other properties, and its price in whole units of money, truncated.

    values: {property: its new value}, of "cut", "color", "clarity", "carat" (at the same proportions) and
    "order" (of the diameters). steps: the number of grades better, negative for worse. lost: as in
    appearance.lost. listed: whether the training data has this stone itself, so that the price is its
    listing's. difference: to the asked stone, listing to listing or estimate to estimate; share: the same
    as a ratio of what it is compared with. same: whether the difference is within the effect of a hundredth
    of a millimetre.
    """

    values: dict[str, Any]
    features: Features
    steps: int
    lost: dict[str, float]
    price: int
    listed: bool
    difference: int
    share: float
    same: bool
    extrapolated: bool

    @property
    def keeps_look(self) -> bool:
        """Whether a person sees no difference."""
        return max(self.lost.values()) < 1


@dataclass(frozen=True)
class Outlook:
    """changes: one grade up and down, the next magic sizes, the diameters in the other order.

    savings: {ratio: the changes that save at least that, the best-looking first}. better: for each property
    the smallest improvement that a person sees. visible: the cheapest of them that costs more than the
    stone, or None. None of these is an extrapolation, unless the stone is. estimate: the trees' price of
    the stone itself, in whole units of money, truncated; other than its price if that is its listing's.
    wobble: the largest effect of a hundredth of a millimetre on it.
    """

    changes: list[Change]
    savings: dict[float, list[Change]]
    better: list[Change]
    visible: Change | None
    estimate: int
    wobble: float


@dataclass(frozen=True)
class _Own:
    """The asked stone: its Prediction; the trees' estimate of it, not truncated; the largest effect of a
    hundredth of a millimetre on it; the grades that its version knows."""

    prediction: Prediction
    estimate: float
    wobble: float
    grades: Grades


def outlook(
    prediction: Prediction, forest: PriceForest, shares: tuple[float, ...] = (0.1, 0.2)
) -> Outlook:
    """The Outlook of a recorded answer; forest: that of the answer's version."""
    stone, grades = prediction.features, grades_known(prediction.features, forest)
    rounded, tried = _rounded(stone), _tried(stone, grades, is_round(stone, forest.vocabulary))
    rows = [forest.row(one) for one in (stone, *rounded, *(_with(stone, v) for v in tried))]
    estimates, answers = _both_answers(forest, np.array(rows))
    here, *near = estimates[: len(rounded) + 1].tolist()
    own = _Own(prediction, here, max(abs(one - here) for one in near), grades)
    changes = [
        _change(own, values, answer, estimate)
        for values, answer, estimate in zip(
            tried, answers[-len(tried) :], estimates[-len(tried) :].tolist(), strict=True
        )
    ]
    known = [one for one in changes if prediction.is_extrapolated or not one.extrapolated]
    better = [one for one in _better(changes) if one in known]
    dearer = [change for change in better if change.difference > 0]
    return Outlook(
        [change for change in changes if _is_near(change, stone)],
        {share: _savings(known, prediction.predicted_price, share) for share in shares},
        better,
        min(dearer, key=lambda change: change.price, default=None),
        int(own.estimate),
        own.wobble,
    )


def grades_known(stone: Features, forest: PriceForest) -> Grades:
    """The Grades of a forest; none of a property that the stone does not state."""
    if forest.scheme == "coded":
        return {name: tuple(codes) for name, codes in CODES.items()}
    return {name: some for name, some in forest.vocabulary.grades.items() if stone[name]}


def _both_answers(forest: PriceForest, matrix: Array) -> tuple[Array, list[Answer]]:
    """The estimates of n stones by the trees, not truncated (n,), and the Answers that they get."""
    by_trees = forest.by_trees.answers(matrix)
    return by_trees.price, forest.with_listings(matrix, by_trees).each()


def _change(own: _Own, values: dict[str, Any], answer: Answer, estimate: float) -> Change:
    stone, listed = own.prediction.features, answer.listed >= 0
    features = _with(stone, values)
    here, there = own.estimate, estimate
    if listed and own.prediction.recorded_stone:
        here, there = own.prediction.price, answer.price
    return Change(
        values,
        features,
        sum(_steps(name, stone, values, some) for name, some in own.grades.items()),
        lost(stone, features),
        int(answer.price),
        listed,
        int(there) - int(here),
        (int(there) - int(here)) / int(here),
        abs(there - here) <= own.wobble,
        answer.extrapolated,
    )


def _steps(name: str, stone: Features, values: dict[str, Any], grades: Sequence[Any]) -> int:
    return grades.index(values.get(name, stone[name])) - grades.index(stone[name])


def _with(stone: Features, values: dict[str, Any]) -> Features:
    """The stone with other values."""
    if "carat" in values:
        return scaled(stone, values["carat"])
    if "order" in values:
        return {**stone, "x": stone["y"], "y": stone["x"]}
    return {**stone, **values}


def _tried(stone: Features, grades: Grades, has_order: bool) -> list[dict[str, Any]]:
    """The values of the stones that are priced: each other grade, several worse grades that look the same,
    other weights, the other order if that is of a round stone's diameters."""
    found: list[dict[str, Any]] = []
    for name in ("color", "clarity", "cut"):
        found += [{name: grade} for grade in grades.get(name, ()) if grade != stone[name]]
    found += _several_worse(stone, grades)
    found += [{"carat": carat} for carat in _weights(stone["carat"])]
    if has_order and stone.get("x") != stone.get("y"):
        found.append({"order": (stone["y"], stone["x"])})
    return found


def _several_worse(stone: Features, grades: Grades) -> list[dict[str, Any]]:
    """Worse grades of two or three properties at once, none of which a person sees."""
    kept = [_worse_alike(stone, name, some) for name, some in grades.items()]
    several = [
        {name: grade for name, grade in zip(grades, some, strict=True) if grade != stone[name]}
        for some in product(*kept)
    ]
    return [values for values in several if len(values) > 1]


def _worse_alike(stone: Features, name: str, grades: Sequence[Any]) -> list[Any]:
    """A property's grade and the worse ones that look the same."""
    return [
        grade
        for grade in grades[: grades.index(stone[name]) + 1]
        if lost(stone, {**stone, name: grade})[name] < 1
    ]


def _weights(carat: float) -> list[float]:
    """The magic sizes, and lighter weights in steps of 0.01 ct or 1 %, whichever is more."""
    step = max(0.01, 0.01 * carat)
    count = int((1 - LIGHTEST) * carat / step)
    lighter = {round(carat - step * (place + 1), 2) for place in range(count)}
    return sorted((lighter | set(MAGIC_SIZES)) - {carat})


def scaled(stone: Features, carat: float) -> Features:
    """The stone at another weight with the same proportions, as a report would give it."""
    ratio = carat / stone["carat"]
    sizes = {name: stone[name] * ratio ** (1 / 3) for name in "xyz" if name in stone}
    if "volume" in stone:
        sizes["volume"] = stone["volume"] * ratio
    return {**stone, **rounded_as_reported({**sizes, "carat": carat})}


def rounded_as_reported(sizes: dict[str, float]) -> dict[str, float]:
    """Sizes and a weight, rounded to the places of a report."""
    return {name: round(value, PLACES[name]) for name, value in sizes.items()}


def _rounded(stone: Features) -> list[Features]:
    """The stones that a report would describe in the same way: each size off by 0.01 mm."""
    if "volume" in stone:
        share = ROUNDING / stone["volume"] ** (1 / 3)
        return [{**stone, "volume": stone["volume"] * ratio} for ratio in (1 - share, 1 + share)]
    return [{**stone, name: stone[name] + off} for name in "xyz" for off in (-ROUNDING, ROUNDING)]


def _is_near(change: Change, stone: Features) -> bool:
    """Whether a change is to the next grade, the next size or the other order."""
    if "carat" in change.values:
        return change.values["carat"] in _next_sizes(stone["carat"])
    return len(change.values) == 1 and abs(change.steps) <= 1


def _next_sizes(carat: float) -> list[float]:
    below = [size for size in MAGIC_SIZES if size < carat]
    above = [size for size in MAGIC_SIZES if size > carat]
    return below[-1:] + above[:1]


def _savings(changes: list[Change], price: int, share: float) -> list[Change]:
    """What saves a share of the price, the best-looking first; none that gives up more properties than
    another. It costs that much less than the stone, and like with like, too. A cut or a clarity that looks
    worse is not offered."""
    found: list[Change] = []
    for change in sorted(filter(_is_saving, changes), key=_by_look):
        more = any(one.values.keys() <= change.values.keys() for one in found)
        saves = change.price <= price * (1 - share) and change.share <= -share
        if saves and not more:
            found.append(change)
    return found[:OFFERED]


def _is_saving(change: Change) -> bool:
    worse = change.steps < 0 or change.lost["carat"] > 0
    return worse and max(change.lost["cut"], change.lost["clarity"]) < 1


def _by_look(change: Change) -> tuple[bool, float, int, int]:
    """What is lost of the look; then how many grades are given up, and how many properties."""
    look = round(sum(change.lost.values()), 2)
    return not change.keeps_look, look, -change.steps, len(change.values)


def _better(changes: list[Change]) -> list[Change]:
    """For each property the smallest improvement that a person sees."""
    found: dict[str, Change] = {}
    for change in sorted(changes, key=lambda change: change.steps):
        for name in GRADES:
            if change.values.keys() == {name} and change.lost[name] <= -1:
                found.setdefault(name, change)
    return list(found.values())
