"""What a priced stone would cost if one thing about it were different: worked out, never recorded.

All of it is priced in one batch, by the version that gave the price. Called by the quote page.
"""

from dataclasses import dataclass

import numpy as np

from ml.forest.matrix import row_of
from ml.stones import grades_of

MAGIC_SIZES = (0.5, 0.7, 0.9, 1.0, 1.5, 2.0)
"""ct; weights at which the trade's prices step."""

ROUNDING = 0.01
"""mm; a report's measurements are no more exact than that."""

LIGHTEST = 0.75
"""Down to which share of its weight a stone is made lighter to save money."""

BEST_VISIBLE = {"graded": "VS2", "coded": 2}
"""The clarity above which a better one is seen under a loupe alone."""


@dataclass(frozen=True)
class Change:
    """A stone that differs in one thing, and its price in whole units of money, truncated.

    field: "cut", "color", "clarity", "carat" (at the same proportions) or "order" (of the diameters);
    value: what it would be; steps: by how many grades better, negative for worse. difference: to the
    recorded price. same: whether that is within what a hundredth of a millimetre moves.
    """

    field: str
    value: object
    features: dict
    steps: int
    price: int
    difference: int
    same: bool
    extrapolated: bool


@dataclass(frozen=True)
class Outlook:
    """changes: one grade up and down, the next magic sizes, the diameters in the other order.

    savings: {share: (the change that gives up least of its scale, then those of the other properties)},
    empty where no single change saves so much. visible: the cheapest grade more that is seen, or None.
    wobble: by how much a hundredth of a millimetre moves the price at most.
    """

    changes: list
    savings: dict
    visible: Change | None
    wobble: float


def outlook(prediction, forest, shares=(0.1, 0.2)):
    """The Outlook of a recorded answer; forest: that of its version."""
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


def _change(prediction, tried, answer, wobble):
    field, value, steps, features = tried
    difference = int(answer.price) - prediction.predicted_price
    same = abs(answer.price - prediction.price) <= wobble
    return Change(
        field, value, features, steps, int(answer.price), difference, same, answer.extrapolated
    )


def _tried(stone, scheme):
    """(field, value, steps, features) of each stone that is priced beside the recorded one."""
    found = []
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


def _weights(carat):
    """The magic sizes, and lighter weights by a hundredth of a carat or a percent, whichever is more."""
    step = max(0.01, 0.01 * carat)
    count = int((1 - LIGHTEST) * carat / step)
    lighter = {round(carat - step * (place + 1), 2) for place in range(count)}
    return sorted((lighter | set(MAGIC_SIZES)) - {carat})


def scaled(stone, carat):
    """The stone at another weight and the same proportions."""
    ratio = carat / stone["carat"]
    sizes = {name: stone[name] * ratio ** (1 / 3) for name in "xyz" if name in stone}
    if "volume" in stone:
        sizes["volume"] = stone["volume"] * ratio
    return {**stone, **sizes, "carat": carat}


def _rounded(stone):
    """The stones that a report would describe alike: each size off by a hundredth of a millimetre."""
    if "volume" in stone:
        share = ROUNDING / stone["volume"] ** (1 / 3)
        return [{**stone, "volume": stone["volume"] * ratio} for ratio in (1 - share, 1 + share)]
    return [{**stone, name: stone[name] + off} for name in "xyz" for off in (-ROUNDING, ROUNDING)]


def _is_near(change, stone):
    """Whether a change is one step away."""
    if change.field == "carat":
        return change.value in _next_sizes(stone["carat"])
    return abs(change.steps) == 1 or change.field == "order"


def _next_sizes(carat):
    below = [size for size in MAGIC_SIZES if size < carat]
    above = [size for size in MAGIC_SIZES if size > carat]
    return below[-1:] + above[:1]


def _saving(changes, prediction, most):
    """The least step of each property that costs `most` or less, what gives up least of its scale first."""

    def given_up(change):
        if change.field == "carat":
            return 1 - change.value / prediction.carat
        return -change.steps / (len(grades_of(change.field, prediction.scheme)) - 1)

    found = {}
    worse = [change for change in changes if change.field != "order" and given_up(change) > 0]
    for change in sorted(worse, key=given_up):
        if change.price <= most:
            found.setdefault(change.field, change)
    return tuple(found.values())


def _visible(changes, scheme):
    clarities = grades_of("clarity", scheme)
    best = clarities.index(BEST_VISIBLE[scheme])
    seen = [
        change
        for change in changes
        if change.steps == 1
        and (change.field != "clarity" or clarities.index(change.value) <= best)
    ]
    return min(seen, key=lambda change: change.price, default=None)
