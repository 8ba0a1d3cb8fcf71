"""What a stone may be: tables of accepted and refused values, each with its exact message."""

import json

import pytest
from django.conf import settings
from django.utils.translation import override
from rest_framework.exceptions import ValidationError

from ml.stones import EXAMPLES, GRADES, MEASURES, SCHEMES
from predictor.history.record import KEPT_OF_REQUEST
from predictor.models import Prediction
from predictor.pricing.serializers import validate, validate_all
from predictor.pricing.warnings import warnings_of

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
STONES = {"coded": CODED, "graded": GRADED}

ACCEPTED = {
    "carat": "a number from 0.05 to 30 ct",
    "depth": "a number from 30 to 90 %",
    "table": "a number from 30 to 100 %",
    "x": "a number from 1 to 40 mm",
    "y": "a number from 1 to 40 mm",
    "z": "a number from 1 to 40 mm",
    "volume": "a number from 5 to 10000 mm³",
    "code cut": "one of 0 (Fair), 1 (Good), 2 (Very Good), 3 (Premium), 4 (Ideal)",
    "code color": "one of 0 (J, I, H, G), 1 (F, E, D)",
    "code clarity": "one of 1 (I1, SI2, SI1), 2 (VS2, VS1), 3 (VVS2, VVS1), 4 (IF)",
    "grade cut": "one of Fair, Good, Very Good, Premium, Ideal",
    "grade color": "one of J, I, H, G, F, E, D",
    "grade clarity": "one of I1, SI2, SI1, VS2, VS1, VVS2, VVS1, IF",
}
FIELDS = [(scheme, name) for scheme, names in SCHEMES.items() for name in names]
MEASURED = [(scheme, name) for scheme, name in FIELDS if name in MEASURES]
GRADES_OF_BOTH = [(scheme, name) for scheme, name in FIELDS if name in GRADES]
WHAT_IS_NEEDED = (
    "coded needs carat, cut, color, clarity, depth, table, volume (grades as integers); "
    "graded needs carat, cut, color, clarity, depth, table, x, y, z (grades as names)."
)


@pytest.fixture(autouse=True)
def in_english():
    """The service's messages are in the language that is on."""
    with override("en"):
        yield


def accepted(scheme, name):
    """What the messages say that a field takes."""
    kind = {"coded": "code ", "graded": "grade "}[scheme] if name in GRADES else ""
    return ACCEPTED[kind + name]


def errors_of(stone):
    """{field: [message]} of a stone that must be refused."""
    with pytest.raises(ValidationError) as caught:
        validate(stone)
    return caught.value.detail


def without(stone, name):
    """A stone that lacks one parameter."""
    return {key: value for key, value in stone.items() if key != name}


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


NO_NUMBERS = [
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
]


@pytest.mark.parametrize(("scheme", "name"), MEASURED)
@pytest.mark.parametrize(("value", "shown"), NO_NUMBERS)
def test_what_is_no_number_is_refused_and_repeated(scheme, name, value, shown):
    errors = errors_of({**STONES[scheme], name: value})
    assert errors == {name: [f"“{shown}” is not a number: give {accepted(scheme, name)}."]}


NOT_FINITE = [
    ("nan", "nan"),
    ("NaN", "NaN"),
    ("-nan", "-nan"),
    ("inf", "inf"),
    ("-inf", "-inf"),
    ("+Infinity", "+Infinity"),
    ("1e400", "1e400"),
    ("-1e400", "-1e400"),
    ("9" * 400, "9" * 40 + "…"),
    ("9" * 5000, "9" * 40 + "…"),
    (10**400, "1" + "0" * 39 + "…"),
    (float("nan"), "NaN"),
    (float("inf"), "Infinity"),
    (float("-inf"), "-Infinity"),
]


@pytest.mark.parametrize(("scheme", "name"), MEASURED)
@pytest.mark.parametrize(("value", "shown"), NOT_FINITE)
def test_what_is_not_finite_is_refused_and_repeated(scheme, name, value, shown):
    errors = errors_of({**STONES[scheme], name: value})
    assert errors == {name: [f"“{shown}” is not a finite number: give {accepted(scheme, name)}."]}


OUT_OF_BOUNDS = [
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
    ("0." + "0" * 5000 + "1", "0." + "0" * 38 + "…"),
]


@pytest.mark.parametrize(("scheme", "name"), MEASURED)
@pytest.mark.parametrize(("value", "shown"), OUT_OF_BOUNDS)
def test_zero_negative_and_huge_numbers_are_out_of_bounds(scheme, name, value, shown):
    errors = errors_of({**STONES[scheme], name: value})
    assert errors == {name: [f"“{shown}” is out of bounds: give {accepted(scheme, name)}."]}


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
def test_what_is_no_grade_or_code_is_refused_and_repeated(scheme, name, value, shown):
    kind = {"coded": "code", "graded": "grade"}[scheme]
    errors = errors_of({**STONES[scheme], name: value})
    assert errors == {name: [f"“{shown}” is no {name} {kind}: give {accepted(scheme, name)}."]}


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
    assert errors == {name: [f"“{shown}” is no {name} code: give {accepted('coded', name)}."]}


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


def test_a_misspelt_parameter_is_told_beside_the_missing_one():
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
def test_a_stone_that_mixes_the_schemes_is_told_what_each_needs(stone):
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
def test_a_stone_whose_scheme_cannot_be_told_is_told_what_each_needs(stone):
    assert errors_of(stone) == {
        "non_field_errors": [f"The scheme cannot be told. {WHAT_IS_NEEDED}"]
    }


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
    assert [warning["code"] for warning in warnings_of(features, {})] == ["carat_disagrees"]


@pytest.mark.parametrize("payload", [None, True, 5, "x", [], [GRADED]])
def test_what_is_no_object_is_no_stone(payload):
    [message] = errors_of(payload)["non_field_errors"]
    assert message.endswith("is not a stone: give an object.")


def test_a_list_has_its_errors_in_place_and_its_stones_in_order():
    assert validate_all([GRADED, CODED]) == [("graded", GRADED), ("coded", CODED)]
    with pytest.raises(ValidationError) as caught:
        validate_all([GRADED, {**CODED, "carat": "?"}])
    assert caught.value.detail == [
        {},
        {"carat": ["“?” is not a number: give a number from 0.05 to 30 ct."]},
    ]


def test_validation_leaves_what_was_sent_as_it_was():
    sent = {**GRADED, "cut": " ideal ", "carat": "0.7"}
    copy = dict(sent)
    validate(sent)
    assert sent == copy


@pytest.mark.django_db
class TestOverTheApi:
    """The same tables' corners, as a client sees them and as they are recorded."""

    def refused(self, client, query):
        response = client.get("/api/predict", query)
        assert response.status_code == 400
        row = Prediction.objects.get()
        assert (row.status, row.error, row.price) == (400, response.json(), None)
        return row

    @pytest.mark.parametrize(("scheme", "name"), FIELDS)
    def test_a_parameter_given_twice_is_refused_and_recorded(self, client, scheme, name):
        row = self.refused(client, {**STONES[scheme], name: [STONES[scheme][name]] * 2})
        assert row.error == {name: [f"2 values: give {accepted(scheme, name)}, once."]}
        assert isinstance(row.request_object()[name], list)

    @pytest.mark.parametrize(("scheme", "name"), FIELDS)
    def test_a_value_of_5000_characters_is_answered_shortly_and_cut_in_the_record(
        self, client, scheme, name
    ):
        row = self.refused(client, {**STONES[scheme], name: "ż" * 5000})
        [message] = row.error[name]
        assert message.startswith("“" + "ż" * 40 + "…” is no")
        assert len(message) < 160
        assert len(row.request.encode()) == KEPT_OF_REQUEST

    def test_a_cut_never_splits_a_character(self, client):
        body = json.dumps({"carat": "ż" * 5000}, ensure_ascii=False)
        response = client.post("/api/predict", body, content_type="application/json")
        assert response.status_code == 400
        kept = Prediction.objects.get().request
        assert body.startswith(kept)
        assert KEPT_OF_REQUEST - 1 <= len(kept.encode()) <= KEPT_OF_REQUEST

    def test_a_decimal_comma_is_refused_not_coerced(self, client):
        row = self.refused(client, {**CODED, "carat": "0,37"})
        assert row.error == {"carat": ["“0,37” is not a number: give a number from 0.05 to 30 ct."]}


@pytest.mark.skipif(
    not (settings.LOCALE_PATHS[0] / "pl" / "LC_MESSAGES" / "django.mo").exists(),
    reason="the Polish messages are not compiled",
)
@pytest.mark.parametrize(
    "stone",
    [
        without(CODED, "carat"),
        {**CODED, "carat": ""},
        {**CODED, "carat": "x"},
        {**CODED, "carat": "nan"},
        {**CODED, "carat": 31},
        {**CODED, "carat": [1, 2]},
        {**CODED, "carat": {}},
        {**CODED, "carat": 2},
        {**CODED, "carat": 0.1},
        {**CODED, "cut": 7},
        {**GRADED, "cut": "Idael"},
        {**GRADED, "colour": "G"},
        {**GRADED, "certificate": 1},
        {},
        {**CODED, "x": 1},
    ],
)
def test_messages_are_in_polish_where_polish_is_on(stone):
    english = errors_of(stone)
    with override("pl"):
        polish = errors_of(stone)
    assert list(polish) == list(english)
    assert all(polish[name] != english[name] for name in english)
