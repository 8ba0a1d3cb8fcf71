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
from ml.forest.price_forest import Answers
from ml.stones import (
    CARAT_TOLERANCE,
    DEPTH_TOLERANCE,
    MEASURES,
    ORDER_TOLERANCE,
    TYPICAL_FILL,
    derived_depth,
)
from ml.vocabulary import DEFAULT, FEW, NOT_STATED, OPTIONAL, Vocabulary
from predictor.wording.figures import figure, money, plain_figure, plain_money

from .serializers import Features, volume_of
from .shapes import is_round, level_of, typical_of

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


def _outside_training_range(stone: Features, forest: PriceForest, answer: Any) -> Any:
    outside = False
    for name, (low, high) in forest.metadata["training_ranges"].items():
        value = stone[name]
        outside |= (value < low) | (value > high)
    return outside


def _describe_ranges(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    return [
        (name, stone[name], {"low": low, "high": high})
        for name, (low, high) in forest.metadata["training_ranges"].items()
        if not low <= stone[name] <= high
    ]


def _depth_of(stone: Features) -> Any:
    return derived_depth(stone["x"], stone["y"], stone["z"])


def _depth_disagrees(stone: Features, forest: PriceForest, answer: Any) -> Any:
    if "z" not in stone:
        return False
    differs = abs(_depth_of(stone) - stone["depth"]) > DEPTH_TOLERANCE
    return differs & is_round(stone, forest.vocabulary)


def _describe_depth(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    return [("depth", stone["depth"], {"expected": round(_depth_of(stone), 1)})]


def _carat_of(stone: Features, forest: PriceForest) -> Any:
    """The usual weight of a stone's volume, and the shape's if the version knows that."""
    if not forest.vocabulary.typical:
        return TYPICAL_FILL * volume_of(stone)
    return typical_of("fill", stone, forest)[1] * volume_of(stone)


def _carat_disagrees(stone: Features, forest: PriceForest, answer: Any) -> Any:
    """Of a list's own shapes: whether the weight is outside what nearly all of its stones have."""
    if not forest.vocabulary.typical:
        return abs(stone["carat"] / _carat_of(stone, forest) - 1) > CARAT_TOLERANCE
    lowest, _, highest = typical_of("fill", stone, forest)
    fill = stone["carat"] / volume_of(stone)
    return (fill < lowest) | (fill > highest)


def _describe_carat(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    expected = float(_carat_of(stone, forest))
    percent = round(100 * (stone["carat"] / expected - 1))
    return [("carat", stone["carat"], {"expected": round(expected, 2), "percent": percent})]


def _order_matters(stone: Features, forest: PriceForest, answer: Any) -> Any:
    if answer.turned is None:
        return False
    differs = abs(answer.turned - answer.price) > ORDER_TOLERANCE * answer.price
    return differs & is_round(stone, forest.vocabulary)


def _describe_order(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    """The price in the other order of the diameters is truncated like any price. `here`, the price in this
    order, if the forest knows how the prices of two shops differ."""
    percent = round(100 * (answer.turned - answer.price) / answer.price)
    here = {"here": int(answer.price)} if forest.has_two_shops else {}
    return [("x", stone["x"], {**here, "price": int(answer.turned), "percent": percent})]


def _order_sentence(warning: Warned) -> str:
    if "here" in warning:
        return gettext_noop(
            "two shops list the same stones at different prices, and the order of x and y shows the shop: "
            "in this order the price is {here}, with x and y exchanged {price} ({percent})."
        )
    return gettext_noop(
        "with x and y exchanged the price is {price} ({percent}): in the data, "
        "the order of the diameters depends on the shop that listed the stone."
    )


def _recorded_stone(stone: Features, forest: PriceForest, answer: Any) -> Any:
    return answer.listed >= 0


def _describe_listing(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    """The training stone's row and its price, the geometric mean if a shop lists it several times;
    `percent`, the difference of the price, if another shop listed it."""
    listing = forest.recorded(answer.listed)
    listed = answer.price / math.exp(answer.adjustment)
    figures = {"row": answer.listed, "listed": round(listed)}
    if (stone["x"] > stone["y"]) != (listing["x"] > listing["y"]):
        figures["percent"] = round(100 * math.expm1(answer.adjustment))
    return [("price", int(answer.price), figures)]


def _listing_sentence(warning: Warned) -> str:
    if "percent" in warning:
        return gettext_noop(
            "the data has this stone itself, listed by another shop at {listed}: the price comes from that "
            "listing and the usual difference between the two shops ({percent})."
        )
    return gettext_noop(
        "the data has this stone itself, listed at {listed}: the price comes from that listing, not from "
        "similar stones."
    )


def _roundness(stone: Features, forest: PriceForest) -> Any:
    """The largest ratio by which the diameters of round stones differ; NaN for another shape."""
    if not forest.vocabulary.typical:
        return forest.support.roundness if forest.support else math.nan
    most = typical_of("ratio", stone, forest)[2] - 1
    return np.where(is_round(stone, forest.vocabulary), most, math.nan)


def _not_round(stone: Features, forest: PriceForest, answer: Any) -> Any:
    if "x" not in stone:
        return False
    x, y, most = stone["x"], stone["y"], _roundness(stone, forest)
    return (x / y - 1 > most) | (y / x - 1 > most)


def _describe_shape(stone: Features, forest: Any, answer: Any) -> list[About]:
    ends, most = (stone["x"], stone["y"]), round(100 * float(_roundness(stone, forest)), 1)
    return [("y", ends[1], {"percent": round(100 * (max(ends) / min(ends) - 1)), "most": most})]


def _few_of(name: str, vocabulary: Vocabulary) -> list[int]:
    """The numbers of the grades or levels of which the version has few stones."""
    levels = vocabulary.levels(name)
    return [levels.index(one) for one in vocabulary.few[name] if one in levels]


def _few_of_grade(stone: Features, forest: PriceForest, answer: Any) -> Any:
    vocabulary = forest.vocabulary
    if not vocabulary.few:
        return False
    named = [name for name in vocabulary.few if name in vocabulary.numbers]
    found = (
        np.isin(level_of(name, stone, vocabulary), _few_of(name, vocabulary)) for name in named
    )
    return reduce(or_, found, False)


def _describe_few(stone: Features, forest: PriceForest, answer: Any) -> list[About]:
    """The grades, as a stone states them, with the number of the version's stones."""
    found = []
    for name in forest.vocabulary.few:
        value = stone.get(name) or NOT_STATED
        if stones := forest.vocabulary.has_few(name, value):
            found.append((name, value, {"stones": stones}))
    return found


def _extrapolated(stone: Features, forest: PriceForest, answer: Any) -> Any:
    return answer.extrapolated


def _describe_extrapolation(stone: Features, forest: Any, answer: Any) -> list[About]:
    """By weight, with the recorded weights of the stone's grades (None if there are none); by the factor of
    the comparables' adjustment; or by price."""
    low, high = forest.support.carats(forest.row(stone).tolist())
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
            "{field} {value}{unit} is outside the training data: {low} to {high}{unit}."
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
            "depth {value}% does not match x, y and z, which give {expected}%."
        ),
    ),
    Rule(
        code="carat_disagrees",
        title=gettext_lazy("unusual weight for the measurements"),
        when=f"`carat` is more than {100 * CARAT_TOLERANCE:g}% off what is usual for the volume",
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
        when=f"the price changes by more than {100 * ORDER_TOLERANCE:g}% if x and y are exchanged",
        fields=("x",),
        figures=("here", "price", "percent"),
        applies=_order_matters,
        describe=_describe_order,
        sentence=_order_sentence,
    ),
    Rule(
        code="recorded_stone",
        title=gettext_lazy("the stone itself is in the data"),
        when="the training data has this stone itself, by all but the cut’s name: its price is the answer "
        "(`row`, `listed`), or follows from it if another shop listed it (`percent`)",
        fields=("price",),
        figures=("row", "listed", "percent"),
        applies=_recorded_stone,
        describe=_describe_listing,
        sentence=_listing_sentence,
    ),
    Rule(
        code="not_round",
        title=gettext_lazy("not round"),
        when="x and y differ by more than they do in 99.9% of the recorded stones, all round (`most`, %)",
        fields=("y",),
        figures=("percent", "most"),
        applies=_not_round,
        describe=_describe_shape,
        sentence=lambda warning: gettext_noop(
            "x and y differ by {percent}, but by at most {most}% in the data, which "
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
    Rule(
        code="few_of_grade",
        title=gettext_lazy("few stones of a grade in the data"),
        when=f"the training data has fewer than {FEW} stones (`stones`) of this grade, shape, laboratory "
        "and so on (`value`)",
        fields=("cut", "color", "clarity", *OPTIONAL),
        figures=("stones",),
        applies=_few_of_grade,
        describe=_describe_few,
        sentence=lambda warning: gettext_noop(
            "the data has only {stones} stones of {field} {value}: the price is uncertain."
        ),
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
    "cut": gettext_lazy("cut"),
    "color": gettext_lazy("color"),
    "clarity": gettext_lazy("clarity"),
    "shape": gettext_lazy("shape"),
    "origin": gettext_lazy("origin"),
    "laboratory": gettext_lazy("laboratory"),
    "polish": gettext_lazy("polish"),
    "symmetry": gettext_lazy("symmetry"),
    "fluorescence": gettext_lazy("fluorescence"),
}
"""The names of measures in warnings; in English, as in the API."""


def warnings_of(features: Features, forest: PriceForest, answer: Answer) -> list[Warned]:
    """The warnings of a valid stone and its Answer: [{code, field, value, …}], each with its figures."""
    applying = [rule for rule in RULES if rule.applies(features, forest, answer)]
    return _warnings(applying, features, forest, answer)


def _warnings(
    applying: list[Rule], features: Features, forest: PriceForest, answer: Answer
) -> list[Warned]:
    return [
        {"code": rule.code, "field": field, "value": value, **figures}
        for rule in applying
        for field, value, figures in rule.describe(features, forest, answer)
    ]


def codes_of_many(features: Features, forest: PriceForest, answers: Answers) -> Array:
    """The codes of the warnings of n stones, as from `warnings_of`, without duplicates, separated by
    spaces: object (n,).

    features: {name: float64 (n,)}; answers: theirs, with `turned`.
    """
    names = [" ".join(rule.code for rule in rules) for rules in APPLYING]
    return np.array(names, object)[_kinds(features, forest, answers)]


def answers_with_warnings(
    stones: list[Features], forest: PriceForest, answers: Answers
) -> list[tuple[Answer, list[Warned]]]:
    """Each Answer to n stones with its warnings, as from `warnings_of`; answers: theirs, with `turned`."""
    warned = _kinds(_columns(stones, forest), forest, answers).tolist()
    return [
        (answer, _warnings(APPLYING[kind], stone, forest, answer))
        for stone, answer, kind in zip(stones, answers.each(), warned, strict=True)
    ]


APPLYING = [
    [rule for bit, rule in enumerate(RULES) if kind >> bit & 1] for kind in range(1 << len(RULES))
]
"""The rules that apply to each of `_kinds`."""


def _columns(stones: list[Features], forest: PriceForest) -> Features:
    """{name: float64 (n,)} of the measures; if the version has its own list, grades and optional properties
    as their numbers, too."""
    found = {
        name: np.array([stone[name] for stone in stones]) for name in stones[0] if name in MEASURES
    }
    vocabulary = forest.vocabulary
    if vocabulary is not DEFAULT:
        found |= {
            name: np.array([level_of(name, stone, vocabulary) for stone in stones])
            for name in vocabulary.numbers
        }
    return found


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
    amounts = ("value", "high", "listed") if field == "price" else ("price", "here")
    values = {"unit": MEASURES[field].suffix if field in MEASURES else ""}
    for name, value in warning.items():
        if name in amounts:
            values[name] = money(value)
        elif name == "percent":
            values[name] = f"{value:+d}%"
        elif name in FIGURES and value is not None:
            values[name] = value if isinstance(value, str) else figure(value)
    return values


FIGURES = ("value", "low", "high", "expected", "most", "factor", "stones")
"""The values of a warning that are formatted as numbers."""
