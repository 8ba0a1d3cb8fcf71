"""Bodies of a POST that are not stones: each kind has its error, and the body is recorded as sent."""

import json

import pytest

from ml.stones import EXAMPLES
from predictor.history.deletion import deletion_allowed
from predictor.history.record import KEPT_OF_REQUEST
from predictor.models import Prediction
from tests.posting import UNTOLD, post, refused

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]

pytestmark = pytest.mark.django_db


def test_the_scheme_of_an_object_without_names_is_unknown(client):
    assert refused(client, {}) == UNTOLD


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_an_empty_body_is_refused_and_recorded(client, content_type):
    assert refused(client, b"", content_type=content_type) == UNTOLD
    assert Prediction.objects.get().request == ""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        *((value, "An object: give {}.") for value in ({}, {"a": 1}, {"cut": {"cut": {}}})),
        ([], "0 values: give {}, once."),
        ([0.37], "1 values: give {}, once."),
        ([0.37, [0.37]], "2 values: give {}, once."),
    ],
)
def test_an_object_or_a_list_in_a_field_is_refused_at_the_field(client, value, message):
    errors = refused(client, {**CODED, "carat": value})
    assert errors == {"carat": [message.format("a number from 0.05 to 30 ct")]}


@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"cut":', "}"), ('[{"cut":', "}]")])
def test_nesting_of_any_depth_is_refused_and_can_be_read_back(client, left, right):
    for depth in (100, 400, *range(840, 1000, 8), 20_000):
        with deletion_allowed():
            Prediction.objects.all().delete()
        body = left * depth + "1" + right * depth
        refused(client, body)
        row = Prediction.objects.get()
        assert row.request == body[:KEPT_OF_REQUEST]
        json.dumps(row.request_object(), ensure_ascii=False).encode()
    assert row.error == {"non_field_errors": ["The JSON is nested too deeply."]}


@pytest.mark.parametrize("body", ["[" * 50_001, "[0" + ",0" * 50_000 + "]", "[" + "{}" * 50_000])
def test_more_values_than_stones_have_are_refused_unread(client, body):
    message = "Over 50,000 values: give at most 1000 stones in one request."
    assert refused(client, body) == {"non_field_errors": [message]}
    assert Prediction.objects.get().request == body[:KEPT_OF_REQUEST]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{", "Expecting property name enclosed in double quotes"),
        ('{"carat": 0.37', "Expecting ',' delimiter"),
        ("{'carat': 0.37}", "Expecting property name enclosed in double quotes"),
        ("carat=0.37", "Expecting value"),
        ("0.37 0.38", "Extra data"),
        (json.dumps(CODED) + json.dumps(CODED), "Extra data"),
        ('{"carat": 0x10}', "Expecting ',' delimiter"),
        ('{"carat": 1_000}', "Expecting ',' delimiter"),
        ('{"carat": .5}', "Expecting value"),
        ('{"carat": 01}', "Expecting ',' delimiter"),
        ('{"carat": "a\nb"}', "Invalid control character"),
        ("\ufeff{}", "Unexpected UTF-8 BOM"),
        ("\x00", "Expecting value"),
        (" ", "Expecting value"),
        ('{"carat": NaN}', "NaN is not allowed"),
        ('{"carat": Infinity}', "Infinity is not allowed"),
        ('{"carat": -Infinity}', "-Infinity is not allowed"),
        ("[NaN]", "NaN is not allowed"),
    ],
)
def test_what_is_not_json_is_refused_and_recorded(client, body, why):
    [message] = refused(client, body)["non_field_errors"]
    assert message.startswith(f"The body is not JSON: {why}")
    assert Prediction.objects.get().request == body.replace("\x00", "\\x00")


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"cut": "\xff"}', '{"cut": "\\xff"}'),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
        (b"\xc0\x80", "\\xc0\\x80"),
        (json.dumps(CODED).encode("utf-16-le") + b"\xff\xff", None),
    ],
)
def test_invalid_utf_8_is_refused_and_recorded(client, body, kept):
    errors = refused(client, body)
    assert errors == {"non_field_errors": ["The body is not UTF-8."]}
    row = Prediction.objects.get()
    assert row.request == kept if kept else "\x00" not in row.request


@pytest.mark.parametrize(
    ("twice", "message"),
    [
        ('"carat": 0.37', "2 values: give a number from 0.05 to 30 ct, once."),
        ('"karat": 1, "karat": 2', "Unknown parameter. Did you mean carat?"),
    ],
)
def test_a_name_given_twice_is_refused_even_with_one_value(client, twice, message):
    errors = refused(client, f"{json.dumps(CODED)[:-1]}, {twice}}}")
    assert errors == {twice[1:6]: [message]}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Ide\x00al", "Ide\\x00al"),
        ("\ud800", "\\ud800"),
        ("\udc00\ud800", "\\udc00\\ud800"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("💎", "💎"),
    ],
)
def test_what_no_database_keeps_is_spelled_out_in_message_and_record(client, value, shown):
    errors = refused(client, {**GRADED, "cut": value})
    [message] = errors["cut"]
    assert message.startswith(f"“{shown}” is not a cut grade: give one of Fair, Good,")
    row = Prediction.objects.get()
    assert json.loads(row.request) == {**GRADED, "cut": value}


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "", " ", "a" * 100_000, "ca\x00rat"])
def test_any_unknown_name_is_refused_with_a_short_key(client, name):
    [(key, [message])] = refused(client, {**CODED, name: 1}).items()
    assert len(key) <= 41
    assert key.isprintable()
    assert message.startswith("Unknown parameter")


def test_of_countless_unknown_names_twenty_are_named(client):
    errors = refused(client, {**CODED, **{f"carat{place}": 1 for place in range(49_000)}})
    assert list(errors) == [f"carat{place}" for place in range(20)]
    assert len(Prediction.objects.get().request) == KEPT_OF_REQUEST


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("1e400", "a finite number"),
        ("-1e400", "a finite number"),
        ("1" + "0" * 400, "a number"),
        ("9" * 5000, "a number"),
        ("-" + "9" * 5000, "a number"),
        ("1" * 400 + ".5", "a number"),
    ],
)
@pytest.mark.parametrize("wrap", ["{}", "[{}]"])
def test_a_number_beyond_any_float_or_too_long_is_refused(client, number, kind, wrap):
    body = wrap.format(json.dumps(CODED).replace("0.37", number))
    errors = refused(client, body)
    shown = number if len(number) <= 40 else number[:40] + "…"
    expected = {"carat": [f"“{shown}” is not {kind}: give a number from 0.05 to 30 ct."]}
    assert errors == ([{"row": 0, **expected}] if wrap == "[{}]" else expected)


@pytest.mark.parametrize(
    "number", ["1" + "0" * 300, "9" * 5000, "2147483648", "3.0000001", "1e300"]
)
def test_a_number_that_is_not_a_code_is_refused(client, number):
    body = json.dumps(CODED).replace('"cut": 3', f'"cut": {number}')
    [message] = refused(client, body)["cut"]
    assert message.endswith(
        "is not a cut code: give one of 0 (Fair), 1 (Good), 2 (Very Good), 3 (Premium), 4 (Ideal)."
    )
    assert len(message) < 150


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "junk",
        "",
    ],
)
@pytest.mark.parametrize("body", [json.dumps(CODED), "carat=0.37&cut=3"])
def test_another_content_type_is_refused_and_nothing_is_priced(client, content_type, body):
    response = post(client, body, content_type)
    assert response.status_code == 415
    message = f'Unsupported media type "{content_type}" in request. Send application/json.'
    assert response.json() == {"detail": message}
    assert not Prediction.objects.exists()
