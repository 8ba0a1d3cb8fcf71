"""Grades, codes and names: tables of accepted and refused values, each with its exact message."""

import pytest

from ml.stones import GRADES
from predictor.pricing.serializers import validate

from .messages import CODED, FIELDS, GRADED, STONES, accepted, errors_of, without

GRADES_OF_BOTH = [(scheme, name) for scheme, name in FIELDS if name in GRADES]
WHAT_IS_NEEDED = (
    "coded needs carat, cut, color, clarity, depth, table, volume (grades as integers); "
    "graded needs carat, cut, color, clarity, depth, table, x, y, z (grades as names)."
)

pytestmark = pytest.mark.usefixtures("in_english")


@pytest.mark.parametrize(("scheme", "name"), GRADES_OF_BOTH)
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Idael", "Idael"),
        ("VS 1", "VS 1"),
        ("Very  Good", "Very  Good"),
        ("very_good", "very_good"),
        ("2.5", "2.5"),
        ("0x1", "0x1"),
        ("1_0", "1_0"),
        ("٣", "٣"),
        ("1e0", "1e0"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("true", "true"),
        (True, "true"),
        (False, "false"),
        ("x" * 5000, "x" * 40 + "…"),
        ("\x00", "\\x00"),
    ],
)
def test_what_is_not_a_grade_or_code_is_refused_and_repeated(scheme, name, value, shown):
    kind = {"coded": "code", "graded": "grade"}[scheme]
    errors = errors_of({**STONES[scheme], name: value})
    assert errors == {name: [f"“{shown}” is not a {name} {kind}: give {accepted(scheme, name)}."]}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("cut", 5, "5"),
        ("cut", "5", "5"),
        ("cut", -1, "-1"),
        ("cut", "-1", "-1"),
        ("cut", 2.5, "2.5"),
        ("cut", 10**20, "100000000000000000000"),
        ("cut", 1e22, "1e+22"),
        ("color", 2, "2"),
        ("color", "7", "7"),
        ("clarity", 0, "0"),
        ("clarity", "5.0", "5.0"),
        ("clarity", 1.000001, "1.000001"),
    ],
)
def test_a_code_outside_its_scheme_is_refused_with_the_codes_and_their_meanings(name, value, shown):
    errors = errors_of({**CODED, name: value})
    assert errors == {name: [f"“{shown}” is not a {name} code: give {accepted('coded', name)}."]}


@pytest.mark.parametrize("name", GRADES)
def test_every_grade_is_accepted_in_any_letter_case(name):
    for grade in GRADES[name]:
        for sent in (grade, grade.lower(), grade.upper(), f" {grade.swapcase()} "):
            assert validate({**GRADED, name: sent})[1][name] == grade


@pytest.mark.parametrize(
    ("stone", "name", "message"),
    [
        (CODED, "Carat", "Unknown parameter. Did you mean carat?"),
        (CODED, "karat", "Unknown parameter. Did you mean carat?"),
        (CODED, "CUT", "Unknown parameter. Did you mean cut?"),
        (CODED, "colour", "Unknown parameter. Did you mean color?"),
        (CODED, "clairty", "Unknown parameter. Did you mean clarity?"),
        (CODED, "carat ", "Unknown parameter. Did you mean carat?"),
        (GRADED, "dept", "Unknown parameter. Did you mean depth?"),
        (GRADED, "X", "Unknown parameter. Did you mean x?"),
        (
            CODED,
            "certificate",
            "Unknown parameter; there are carat, cut, color, clarity, depth, table, volume.",
        ),
        (
            GRADED,
            "",
            "Unknown parameter; there are carat, cut, color, clarity, depth, table, x, y, z.",
        ),
        (
            GRADED,
            "price",
            "Unknown parameter; there are carat, cut, color, clarity, depth, table, x, y, z.",
        ),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_name_that_was_meant(stone, name, message):
    assert errors_of({**stone, name: 1}) == {name: [message]}


def test_a_misspelt_parameter_is_reported_beside_the_missing_one():
    stone = {**without(CODED, "color"), "colour": 0}
    assert errors_of(stone) == {
        "color": [f"Missing: give {accepted('coded', 'color')}."],
        "colour": ["Unknown parameter. Did you mean color?"],
    }


@pytest.mark.parametrize(
    "stone",
    [
        {**CODED, "x": 4},
        {**CODED, "x": 4, "y": 4, "z": 3},
        {**GRADED, "volume": 114},
        {**GRADED, "cut": 3},
        {**GRADED, "color": "0"},
        {**GRADED, "clarity": 99},
        {**CODED, "cut": "Ideal"},
        {**CODED, "clarity": "if"},
        {"cut": 3, "color": "G"},
        {"volume": 1, "x": 1},
    ],
)
def test_a_stone_that_mixes_the_schemes_gets_what_each_needs(stone):
    assert errors_of(stone) == {
        "non_field_errors": [f"This mixes the two schemes. {WHAT_IS_NEEDED}"]
    }


@pytest.mark.parametrize(
    "stone",
    [
        {},
        {"carat": 0.37},
        {"carat": 0.37, "depth": 59.2, "table": 61},
        {"cut": "Idael", "color": "Z"},
        {"cut": True},
        {"cut": None, "color": [], "clarity": {}},
        {"cut": "2.5"},
        {"VOLUME": 60},
    ],
)
def test_a_stone_of_an_unknown_scheme_gets_what_each_needs(stone):
    assert errors_of(stone) == {
        "non_field_errors": [f"Cannot determine the scheme. {WHAT_IS_NEEDED}"]
    }
