"""The measures of a stone: tables of accepted and refused values, each with its exact message."""

import pytest

from ml.stones import EXAMPLES, MEASURES, SCHEMES
from predictor.pricing.serializers import validate

from .messages import CODED, FIELDS, GRADED, STONES, accepted, errors_of, without

MEASURED = [(scheme, name) for scheme, name in FIELDS if name in MEASURES]

pytestmark = pytest.mark.usefixtures("in_english")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_examples_are_valid_and_come_back_as_they_are(scheme):
    for stone in EXAMPLES[scheme]:
        assert validate(stone) == (scheme, stone)


@pytest.mark.parametrize(("scheme", "name"), FIELDS)
def test_each_missing_field_is_named_with_what_it_takes(scheme, name):
    stone = without(STONES[scheme], name)
    assert errors_of(stone) == {name: [f"Missing: give {accepted(scheme, name)}."]}


def test_all_missing_fields_are_named_at_once():
    errors = errors_of({"volume": 60.063})
    assert errors == {
        name: [f"Missing: give {accepted('coded', name)}."]
        for name in SCHEMES["coded"]
        if name != "volume"
    }


@pytest.mark.parametrize(("scheme", "name"), FIELDS)
@pytest.mark.parametrize("value", ["", " ", "\t\n", "\u00a0\u2003", None])
def test_each_empty_field_is_named_with_what_it_takes(scheme, name, value):
    errors = errors_of({**STONES[scheme], name: value})
    assert errors == {name: [f"Empty: give {accepted(scheme, name)}."]}


@pytest.mark.parametrize(("scheme", "name"), FIELDS)
@pytest.mark.parametrize("count", [0, 2, 3])
def test_a_repeated_field_is_refused_however_alike_its_values_are(scheme, name, count):
    errors = errors_of({**STONES[scheme], name: [STONES[scheme][name]] * count})
    assert errors == {name: [f"{count} values: give {accepted(scheme, name)}, once."]}


@pytest.mark.parametrize(("scheme", "name"), FIELDS)
def test_an_object_in_a_field_is_refused(scheme, name):
    errors = errors_of({**STONES[scheme], name: {"value": 1}})
    assert errors == {name: [f"An object: give {accepted(scheme, name)}."]}


REFUSED = {
    "is not a number": [
        ("half", "half"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("１", "１"),
        ("²", "²"),
        ("½", "½"),
        ("0x1F", "0x1F"),
        ("0b1", "0b1"),
        ("0,37", "0,37"),
        ("1,000.5", "1,000.5"),
        ("1 000", "1 000"),
        ("--1", "--1"),
        ("−1", "−1"),
        ("1e", "1e"),
        (".", "."),
        ("e5", "e5"),
        ("1+1", "1+1"),
        ("1j", "1j"),
        ("0.37ct", "0.37ct"),
        ("$1", "$1"),
        ("None", "None"),
        ("null", "null"),
        ("true", "true"),
        ("True", "True"),
        (True, "true"),
        (False, "false"),
        ("1\x000", "1\\x000"),
        ("1\n2", "1\\n2"),
        ("\ud800", "\\ud800"),
        ("x" * 5000, "x" * 40 + "…"),
        ("9" * 400, "9" * 40 + "…"),
        ("9" * 5000, "9" * 40 + "…"),
        ("0." + "0" * 5000 + "1", "0." + "0" * 38 + "…"),
        ("1" + " " * 5000, "1" + " " * 39 + "…"),
    ],
    "is not a finite number": [
        ("nan", "nan"),
        ("NaN", "NaN"),
        ("-nan", "-nan"),
        ("inf", "inf"),
        ("-inf", "-inf"),
        ("+Infinity", "+Infinity"),
        ("1e400", "1e400"),
        ("-1e400", "-1e400"),
        (10**400, "1" + "0" * 39 + "…"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
    "is out of bounds": [
        ("0", "0"),
        ("-0", "-0"),
        ("0.0", "0.0"),
        (0, "0"),
        (-0.0, "-0.0"),
        ("-1", "-1"),
        (-0.37, "-0.37"),
        ("1e-400", "1e-400"),
        ("1e308", "1e308"),
        (10**300, "1" + "0" * 39 + "…"),
        ("9" * 200, "9" * 40 + "…"),
    ],
}
"""{reason: [(value, as it is repeated), …]}"""


@pytest.mark.parametrize(("scheme", "name"), MEASURED)
@pytest.mark.parametrize("why", REFUSED)
def test_what_no_measure_can_be_is_refused_and_repeated(scheme, name, why):
    for value, shown in REFUSED[why]:
        errors = errors_of({**STONES[scheme], name: value})
        assert errors == {name: [f"“{shown}” {why}: give {accepted(scheme, name)}."]}


@pytest.mark.parametrize(("scheme", "name"), MEASURED)
@pytest.mark.parametrize("side", ["low", "high"])
def test_just_beyond_a_bound_is_refused(scheme, name, side):
    bound = getattr(MEASURES[name], side)
    value = bound - 0.001 if side == "low" else bound + 0.001
    errors = errors_of({**STONES[scheme], name: value})
    assert errors == {name: [f"“{value}” is out of bounds: give {accepted(scheme, name)}."]}


ON_THE_BOUNDS = [
    (CODED, {"carat": 0.05, "volume": 5}),
    (CODED, {"carat": 30, "volume": 5000}),
    (CODED, {"carat": 30, "volume": 10_000}),
    (CODED, {"depth": 30}),
    (CODED, {"depth": 90}),
    (CODED, {"table": 30}),
    (CODED, {"table": 100}),
    (GRADED, {"carat": 0.05, "x": 2, "y": 2, "z": 1}),
    (GRADED, {"carat": 0.5, "x": 1, "y": 10, "z": 5}),
    (GRADED, {"carat": 0.5, "x": 10, "y": 1, "z": 5}),
    (GRADED, {"carat": 3, "x": 40, "y": 5, "z": 4}),
    (GRADED, {"carat": 3, "x": 5, "y": 40, "z": 4}),
    (GRADED, {"carat": 3, "x": 5, "y": 4, "z": 40}),
]


@pytest.mark.parametrize(("stone", "changes"), ON_THE_BOUNDS)
@pytest.mark.parametrize("kind", [float, str])
def test_exactly_on_a_bound_is_accepted(stone, changes, kind):
    _, features = validate({**stone, **{name: kind(value) for name, value in changes.items()}})
    assert {name: features[name] for name in changes} == changes
    assert all(type(features[name]) is float for name in changes)


@pytest.mark.parametrize("payload", [None, True, 5, "x", [], [GRADED]])
def test_what_is_not_an_object_is_not_a_stone(payload):
    [message] = errors_of(payload)["non_field_errors"]
    assert message.endswith("is not a stone: give an object.")
