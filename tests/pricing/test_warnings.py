"""A weight that is impossible for its size is refused; one that is barely possible gets a warning."""

import dataclasses
from types import SimpleNamespace

import pytest
from django.utils.translation import override

from ml.forest import Answer
from ml.stones import EXAMPLES
from ml.vocabulary import DEFAULT
from predictor.pricing.serializers import validate, validators_of
from predictor.pricing.warnings import RULES, message, sentence, title_of, warnings_of
from tests.own_stones import own_forest_of

from .messages import CODED, GRADED, errors_of

NO_FOREST = SimpleNamespace(
    metadata={"training_ranges": {}}, support=None, has_two_shops=False, vocabulary=DEFAULT
)
"""The forest of a file from before thresholds were stored."""

pytestmark = pytest.mark.usefixtures("in_english")


@pytest.mark.parametrize(
    ("stone", "message"),
    [
        # 0.0176 * 60.063 = 1.0571 ct
        (
            {**CODED, "carat": 1.06},
            "1.06 ct is impossible: solid diamond of this size weighs 1.06 ct.",
        ),
        ({**CODED, "carat": 2}, "2 ct is impossible: solid diamond of this size weighs 1.06 ct."),
        # 0.0176 * 5.73 * 5.7 * 3.51 = 2.0177 ct
        (
            {**GRADED, "carat": 7},
            "7 ct is impossible: solid diamond of this size weighs 2.02 ct.",
        ),
        # 0.00176 * 60.063 = 0.1057 ct
        (
            {**CODED, "carat": 0.1},
            "0.1 ct is impossible: no cut of this size weighs less than 0.11 ct.",
        ),
        (
            {**GRADED, "carat": 0.07},
            "0.07 ct is impossible: no cut of this size weighs less than 0.20 ct.",
        ),
    ],
)
def test_a_weight_that_no_diamond_of_the_size_can_have_is_refused(stone, message):
    assert errors_of(stone) == {"carat": [message]}


@pytest.mark.parametrize("carat", [1.05, 0.106])
def test_the_heaviest_and_lightest_possible_stones_are_accepted_with_a_warning(carat):
    _, features = validate({**CODED, "carat": carat})
    warnings = warnings_of(features, NO_FOREST, Answer(851, 706, 1014))
    assert [warning["code"] for warning in warnings] == ["carat_disagrees"]


@pytest.mark.parametrize(
    ("turned", "warning"),
    [
        (None, None),
        (3000.0, None),
        (3150.0, None),
        (2850.0, None),
        (3151.9, {"price": 3151, "percent": 5}),
        (3630.0, {"price": 3630, "percent": 21}),
        (2400.0, {"price": 2400, "percent": -20}),
    ],
)
def test_a_price_that_goes_by_the_order_of_the_diameters_says_so(turned, warning):
    _, features = validate(GRADED)
    found = warnings_of(features, NO_FOREST, Answer(3000.0, 2500.0, 3500.0, turned=turned))
    expected = warning and {"code": "diameter_order", "field": "x", "value": 5.73, **warning}
    assert found == ([expected] if warning else [])


def test_the_other_price_is_reported_in_words():
    warning = {"code": "diameter_order", "field": "x", "value": 5.73, "price": 3204, "percent": 9}
    assert sentence(warning) == (
        "with x and y exchanged the price is $3,204 (+9%): in the data, the order of the "
        "diameters depends on the shop that listed the stone."
    )


OFF_LIMITS = {
    "outside_training_range": {"table": 80.0},
    "depth_disagrees": {"depth": 66.0},
    "carat_disagrees": {"carat": 1.2},
    "diameter_order": {},
    "recorded_stone": {},
    "not_round": {"x": 8.0, "y": 5.0, "depth": 54.0},
    "few_of_grade": {"color": "M"},
    "extrapolated": {"carat": 3.0, "color": "D", "clarity": "IF", "x": 9.3, "y": 9.3, "z": 5.7},
}
"""The changes to the first example that cause each warning; a new rule needs a line here."""


@pytest.fixture(params=RULES, ids=lambda rule: rule.code)
def recorded(request, small_forests):
    """(a rule, a warning of it)."""
    forest = small_forests["graded"]
    if request.param.code == "few_of_grade":
        forest = own_forest_of(forest)
    stone = {**EXAMPLES["graded"][0], **OFF_LIMITS[request.param.code]}
    _, features = validators_of(forest).validate(stone)
    answer = forest.answer(forest.row(features))
    if request.param.code == "diameter_order":
        answer = answer._replace(turned=2 * answer.price)
    if request.param.code == "recorded_stone":
        answer = answer._replace(listed=0)
    found = warnings_of(features, forest, answer)
    return request.param, next(one for one in found if one["code"] == request.param.code)


def test_a_rule_has_all_its_parts(recorded):
    rule, warning = recorded
    assert all(getattr(rule, field.name) for field in dataclasses.fields(rule))
    assert warning["field"] in rule.fields
    assert warning.keys() - {"code", "field", "value"} <= {*rule.figures}
    assert "{" not in sentence(warning)
    assert message(warning, "USD") == sentence(warning)


def test_a_rule_speaks_polish(recorded):
    rule, warning = recorded
    english = sentence(warning), str(rule.title)
    with override("pl"):
        assert sentence(warning) != english[0]
        assert str(title_of(rule.code)) != english[1]


def test_a_warning_that_is_no_longer_given_can_still_be_shown():
    assert title_of("too_shiny") == "too_shiny"
    unknown = {"code": "too_shiny", "field": "carat", "value": 1}
    assert sentence(unknown) == message(unknown, "USD") == "too_shiny"
