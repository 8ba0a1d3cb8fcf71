"""The warnings of a priced stone, each declared once in RULES: its condition, its figures, its text.

The service, `score`, the API's schema, pages, the admin's filter and docs/api.md read them from here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from ml.forest import Answer, PriceForest
from ml.forest.arrays import Array
from ml.forest.matrix import row_of
from ml.forest.price_forest import Answers
from ml.stones import (
    CARAT_TOLERANCE,
    DEPTH_TOLERANCE,
    MEASURES,
    ORDER_TOLERANCE,
    TYPICAL_FILL,
    derived_depth,
)
from predictor.wording.figures import figure, money, plain_figure, plain_money

from .serializers import Features, volume_of

Warned = dict[str, Any]
"""A warning of an answer: {code, field, value, ...}, with its figures."""

About = tuple[str, Any, dict[str, Any]]
"""(field, value, figures) of a warning."""


@dataclass(frozen=True)
class Rule:
    """One warning; a new one needs an entry in RULES, Polish texts and a row in docs/api.md.

    code: its name in answers and files; title: its name in counts of warnings; when: its condition in
    English, for programmers. fields: the fields it can be about; figures: its values besides `code`,
    `field` and `value`. applies: (stone, forest, answer) -> bool. The same expression takes one stone
    ({name: value} and its Answer) and n stones ({name: float64 (n,)} and their Answers; it then returns
    bool (n,), or one for all). describe: the same arguments -> [(field, value, figures), …] for one stone
    that it applies to. sentence: a recorded warning -> the English text, with its figures in braces.
    """

    code: str
    title: str
    when: str
    fields: tuple[str, ...]
    figures: tuple[str, ...]
    applies: Callable[[Features, PriceForest, Any], Any]
    describe: Callable[[Features, PriceForest, Any], list[About]]
    sentence: Callable[[Warned], str]


def _is_outside(value: Any, ends: list[float]) -> Any:
    low, high = ends
    return (value < low) | (value > high)


def _outside_training_range(stone: Features, forest: PriceForest, answer: Any) -> Any:
    ranges = forest.metadata["training_ranges"].items()
    return reduce(or_, (_is_outside(stone[name], ends) for name, ends in ranges), False)


def _describe_ranges(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    return [
        (name, stone[name], {"low": ends[0], "high": ends[1]})
        for name, ends in forest.metadata["training_ranges"].items()
        if _is_outside(stone[name], ends)
    ]


def _depth_of(stone: Features) -> Any:
    return derived_depth(stone["x"], stone["y"], stone["z"])


def _depth_disagrees(stone: Features, forest: PriceForest, answer: Any) -> Any:
    return "z" in stone and abs(_depth_of(stone) - stone["depth"]) > DEPTH_TOLERANCE


def _describe_depth(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    return [("depth", stone["depth"], {"expected": round(_depth_of(stone), 1)})]


def _carat_of(stone: Features) -> Any:
    return TYPICAL_FILL * volume_of(stone)


def _carat_disagrees(stone: Features, forest: PriceForest, answer: Any) -> Any:
    return abs(stone["carat"] / _carat_of(stone) - 1) > CARAT_TOLERANCE


def _describe_carat(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    expected = _carat_of(stone)
    percent = round(100 * (stone["carat"] / expected - 1))
    return [("carat", stone["carat"], {"expected": round(expected, 2), "percent": percent})]


def _order_matters(stone: Features, forest: PriceForest, answer: Any) -> Any:
    turned = math.nan if answer.turned is None else answer.turned
    return abs(turned - answer.price) > ORDER_TOLERANCE * answer.price


def _describe_order(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    """The price in the other order of the diameters is truncated like any price."""
    percent = round(100 * (answer.turned - answer.price) / answer.price)
    return [("x", stone["x"], {"price": int(answer.turned), "percent": percent})]


def _not_round(stone: Features, forest: PriceForest, answer: Any) -> Any:
    if "x" not in stone or forest.support is None:
        return False
    x, y, most = stone["x"], stone["y"], forest.support.roundness
    return (x / y - 1 > most) | (y / x - 1 > most)


def _describe_shape(stone: Features, forest: Any, answer: Any) -> list[About]:
    ends, most = (stone["x"], stone["y"]), round(100 * forest.support.roundness, 1)
    return [("y", ends[1], {"percent": round(100 * (max(ends) / min(ends) - 1)), "most": most})]


def _extrapolated(stone: Features, forest: PriceForest, answer: Any) -> Any:
    return answer.extrapolated


def _describe_extrapolation(stone: Features, forest: Any, answer: Any) -> list[About]:
    """By weight, with the recorded weights of the stone's grades (None if there are none); by the factor of
    the comparables' adjustment; or by price."""
    low, high = forest.support.carats(row_of(stone, forest.scheme).tolist())
    if not low <= float(np.float32(stone["carat"])) <= high:
        low, high = (round(end, 2) if math.isfinite(end) else None for end in (low, high))
        return [("carat", stone["carat"], {"low": low, "high": high})]
    adjustment, most = abs(answer.adjustment), forest.support.adjusted
    if adjustment > most:
        figures = {"factor": round(math.exp(adjustment), 2), "most": round(math.exp(most), 2)}
    else:
        figures = {"high": int(forest.support.dearest)}
    return [("price", int(answer.price), figures)]


def _extrapolation_sentence(warning: Warned) -> str:
    if "factor" in warning:
        return gettext_noop(
            "the stones behind the price had to be adjusted by a factor of {factor}; "
            "at most {most} is usual: the price is an extrapolation."
        )
    if warning["field"] == "price":
        return gettext_noop(
            "the data has no stone that costs more than {high}: the price is an extrapolation."
        )
    if warning["low"] is None:
        return gettext_noop(
            "the data has hardly any stone of this color and clarity: the price is "
            "an extrapolation."
        )
    return gettext_noop(
        "the data has stones of this color and clarity from {low} to {high} ct, but "
        "hardly any of {value} ct: the price is an extrapolation."
    )


RULES = (
    Rule(
        code="outside_training_range",
        title=gettext_lazy("outside the training data"),
        when="a measure is outside what the model was trained on",
        fields=tuple(MEASURES),
        figures=("low", "high"),
        applies=_outside_training_range,
        describe=_describe_ranges,
        sentence=lambda warning: gettext_noop(
            "{field} {value} {unit} is outside the training data: {low} to {high} {unit}."
        ),
    ),
    Rule(
        code="depth_disagrees",
        title=gettext_lazy("depth does not match the measurements"),
        when=f"`depth` is more than {DEPTH_TOLERANCE:g} point off 200 * z / (x + y)",
        fields=("depth",),
        figures=("expected",),
        applies=_depth_disagrees,
        describe=_describe_depth,
        sentence=lambda warning: gettext_noop(
            "depth {value} % does not match x, y and z, which give {expected} %."
        ),
    ),
    Rule(
        code="carat_disagrees",
        title=gettext_lazy("unusual weight for the measurements"),
        when=f"`carat` is more than {100 * CARAT_TOLERANCE:g} % off what is usual for the volume",
        fields=("carat",),
        figures=("expected", "percent"),
        applies=_carat_disagrees,
        describe=_describe_carat,
        sentence=lambda warning: gettext_noop(
            "carat {value} differs by {percent} from the {expected} ct usual for this volume."
        ),
    ),
    Rule(
        code="diameter_order",
        title=gettext_lazy("different price with the diameters exchanged"),
        when=f"the price changes by more than {100 * ORDER_TOLERANCE:g} % if x and y are exchanged",
        fields=("x",),
        figures=("price", "percent"),
        applies=_order_matters,
        describe=_describe_order,
        sentence=lambda warning: gettext_noop(
            "with x and y exchanged the price is {price} ({percent}): in the data, "
            "the order of the diameters depends on the shop that listed the stone."
        ),
    ),
    Rule(
        code="not_round",
        title=gettext_lazy("not round"),
        when="x and y differ by more than they do in 99.9 % of the recorded stones, all round (`most`, %)",
        fields=("y",),
        figures=("percent", "most"),
        applies=_not_round,
        describe=_describe_shape,
        sentence=lambda warning: gettext_noop(
            "x and y differ by {percent}, but by at most {most} % in the data, which "
            "has only round stones."
        ),
    ),
    Rule(
        code="extrapolated",
        title=gettext_lazy("hardly any similar stones in the data"),
        when="hardly any stone of this color and clarity was recorded at this weight (`field` is `carat`), "
        "or none at this price (`price`), or the stones behind the price are adjusted by a larger `factor` "
        "than `most` (`price`)",
        fields=("carat", "price"),
        figures=("low", "high", "factor", "most"),
        applies=_extrapolated,
        describe=_describe_extrapolation,
        sentence=_extrapolation_sentence,
    ),
)
"""All warnings, in the order in which an answer lists them."""

RULE_OF = {rule.code: rule for rule in RULES}

NAMES = {
    "carat": gettext_lazy("carat"),
    "depth": gettext_lazy("depth"),
    "table": gettext_lazy("table"),
    "x": gettext_lazy("x"),
    "y": gettext_lazy("y"),
    "z": gettext_lazy("z"),
    "volume": gettext_lazy("volume"),
}
"""The names of measures in warnings; in English, as in the API."""


def warnings_of(features: Features, forest: PriceForest, answer: Answer) -> list[Warned]:
    """The warnings of a valid stone and its Answer: [{code, field, value, …}], each with its figures."""
    return [
        {"code": rule.code, "field": field, "value": value, **figures}
        for rule in RULES
        if rule.applies(features, forest, answer)
        for field, value, figures in rule.describe(features, forest, answer)
    ]


def codes_of_many(features: Features, forest: PriceForest, answers: Answers) -> Array:
    """The codes of the warnings of n stones, as from `warnings_of`, without duplicates, separated by
    spaces: object (n,).

    features: {name: float64 (n,)}; answers: theirs, with `turned`.
    """
    names = [
        " ".join(rule.code for bit, rule in enumerate(RULES) if kind >> bit & 1)
        for kind in range(1 << len(RULES))
    ]
    return np.array(names, object)[_kinds(features, forest, answers)]


def answers_with_warnings(
    stones: list[Features], forest: PriceForest, answers: Answers
) -> list[tuple[Answer, list[Warned]]]:
    """Each Answer to n stones with its warnings, as from `warnings_of`; answers: theirs, with `turned`."""
    measures = [name for name in stones[0] if name in MEASURES]
    columns = {name: np.array([stone[name] for stone in stones]) for name in measures}
    warned = _kinds(columns, forest, answers).tolist()
    return [
        (answer, warnings_of(stone, forest, answer) if kind else [])
        for stone, answer, kind in zip(stones, answers.each(), warned, strict=True)
    ]


def _kinds(features: Features, forest: PriceForest, answers: Answers) -> Array:
    """A bit for each rule that applies to a stone: intp (n,)."""
    kinds = np.zeros(len(answers.price), np.intp)
    for bit, rule in enumerate(RULES):
        kinds += np.asarray(rule.applies(features, forest, answers), np.intp) << bit
    return kinds


def title_of(code: str) -> str:
    """The title of a warning's code; the code itself for a warning that no longer exists."""
    rule = RULE_OF.get(code)
    return rule.title if rule else code


def sentence(warning: Warned) -> str:
    """A recorded warning in the reader's language; its code if the warning no longer exists."""
    rule, field = RULE_OF.get(warning["code"]), warning["field"]
    if rule is None:
        return warning["code"]
    values = {"field": NAMES.get(field, field)} | _values(warning, figure, money)
    return _(rule.sentence(warning)).format(**values)


def message(warning: Warned, currency: str) -> str:
    """The same in English, for programs, in a tenth of the time; currency: of the answer's amounts."""
    rule = RULE_OF.get(warning["code"])
    if rule is None:
        return warning["code"]
    values = _values(warning, plain_figure, partial(plain_money, currency))
    return rule.sentence(warning).format(field=warning["field"], **values)


def _values(
    warning: Warned, figure: Callable[[float], str], money: Callable[[float], str]
) -> dict[str, str]:
    """A warning's values as text."""
    field = warning["field"]
    amounts = ("value", "high") if field == "price" else ("price",)
    values = {"unit": MEASURES[field].unit if field in MEASURES else ""}
    for name, value in warning.items():
        if name in amounts:
            values[name] = money(value)
        elif name == "percent":
            values[name] = f"{value:+d} %"
        elif name in FIGURES and value is not None:
            values[name] = figure(value)
    return values


FIGURES = ("value", "low", "high", "expected", "most", "factor")
"""The values of a warning that are formatted as numbers."""
