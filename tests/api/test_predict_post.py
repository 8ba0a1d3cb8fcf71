"""POST /api/predict: a stone or a list of up to 1,000, all priced and recorded, or none."""

import json

import pytest

from ml.stones import EXAMPLES, SCHEMES
from predictor.history.record import KEPT_OF_REQUEST
from predictor.models import Prediction

CODED, OTHER_CODED = EXAMPLES["coded"]
GRADED = EXAMPLES["graded"][0]
STONES = {"coded": CODED, "graded": GRADED}
WHAT_IS_NEEDED = (
    "coded needs carat, cut, color, clarity, depth, table, volume (grades as integers); "
    "graded needs carat, cut, color, clarity, depth, table, x, y, z (grades as names)."
)
UNTOLD = {"non_field_errors": [f"The scheme cannot be told. {WHAT_IS_NEEDED}"]}

pytestmark = pytest.mark.django_db
priced = pytest.mark.usefixtures("live_models")


def post(client, content, content_type="application/json", **extra):
    """The response to content: bytes or text as they are, anything else as JSON."""
    body = content if isinstance(content, bytes | str) else json.dumps(content)
    return client.post("/api/predict", body, content_type=content_type, **extra)


def refused(client, content, **extra):
    """The answer to a body that must be refused with 400 and recorded as one refused row."""
    response = post(client, content, **extra)
    assert response.status_code == 400, response.content
    row = Prediction.objects.get()
    assert (row.status, row.price, row.version, row.scheme) == (400, None, None, "")
    assert row.error == response.json()
    return response.json()


@pytest.mark.parametrize("scheme", SCHEMES)
@priced
def test_one_stone_gets_the_answer_that_get_gives(client, scheme):
    posted = post(client, STONES[scheme])
    assert posted.status_code == 200
    got = client.get("/api/predict", STONES[scheme])
    answers = [posted.json(), got.json()]
    for answer, row in zip(answers, Prediction.objects.order_by("id"), strict=True):
        assert answer["id"] == str(row.id)
        assert (row.source, row.status) == ("api", 200)
        del answer["id"], answer["url"]
    assert answers[0] == answers[1]


@priced
def test_one_stone_is_recorded_as_sent_to_the_letter(client):
    body = json.dumps(CODED, indent=3).replace("0.37", "3.70e-1")
    assert post(client, body).status_code == 200
    row = Prediction.objects.get()
    assert row.request == body
    assert row.features == CODED


@priced
def test_numbers_and_codes_may_be_sent_as_text(client):
    response = post(client, {name: str(value) for name, value in CODED.items()})
    assert response.status_code == 200
    assert response.json()["features"] == CODED
    assert Prediction.objects.get().features == CODED


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=latin-1", ";version=1"])
@priced
def test_json_is_utf_8_whatever_charset_is_claimed(client, charset):
    response = post(client, json.dumps(CODED).encode(), f"application/json{charset}")
    assert response.status_code == 200
    assert Prediction.objects.get().status == 200


@priced
def test_a_list_of_one_is_answered_with_a_list_of_one(client):
    response = post(client, [CODED])
    assert response.status_code == 200
    [answer] = response.json()
    row = Prediction.objects.get()
    assert (answer["id"], answer["features"]) == (str(row.id), CODED)
    assert (row.source, json.loads(row.request)) == ("batch", CODED)


def test_a_list_of_both_schemes_is_answered_and_recorded_in_its_order(client, live_models):
    stones = [GRADED, CODED, GRADED, OTHER_CODED]
    response = post(client, stones)
    assert response.status_code == 200
    answers, rows = response.json(), list(Prediction.objects.order_by("id"))
    assert [answer["features"] for answer in answers] == stones
    assert [row.features for row in rows] == stones
    assert [str(row.id) for row in rows] == [answer["id"] for answer in answers]
    assert [int(row.price) for row in rows] == [answer["predicted_price"] for answer in answers]
    assert [row.version for row in rows] == [
        live_models[scheme] for scheme in ("graded", "coded", "graded", "coded")
    ]
    assert {row.source for row in rows} == {"batch"}
    assert [json.loads(row.request) for row in rows] == stones


@priced
def test_a_stone_costs_the_same_alone_and_in_a_list(client):
    alone = [post(client, stone).json()["predicted_price"] for stone in (GRADED, CODED)]
    listed = [answer["predicted_price"] for answer in post(client, [GRADED, CODED]).json()]
    assert alone == listed


@priced
def test_a_thousand_stones_are_answered_and_recorded_in_order(client):
    stones = [{**(CODED if place % 2 else GRADED), "table": 50 + place / 100}
              for place in range(1000)]  # fmt: skip
    response = post(client, stones)
    assert response.status_code == 200
    answers, rows = response.json(), list(Prediction.objects.order_by("id"))
    assert [answer["features"] for answer in answers] == stones
    assert [row.features for row in rows] == stones
    assert [answer["id"] for answer in answers] == [str(row.id) for row in rows]


@priced
def test_a_thousand_stones_cost_only_a_few_queries(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        assert post(client, [CODED] * 1000).status_code == 200


def test_a_list_of_1001_is_refused_whole(client):
    errors = refused(client, [CODED] * 1001)
    assert errors == {"non_field_errors": ["1001 stones: give at most 1000 in one request."]}
    row = Prediction.objects.get()
    assert row.source == "batch"
    assert row.request == json.dumps([CODED] * 1001)[:KEPT_OF_REQUEST]


def test_an_empty_list_is_refused(client):
    errors = refused(client, [])
    assert errors == {"non_field_errors": ["An empty list: give at least one stone."]}


def test_one_bad_stone_refuses_the_list_with_the_errors_in_its_place(client):
    errors = refused(client, [GRADED, {**CODED, "carat": -1, "karat": 1}, CODED])
    assert errors == [
        {},
        {
            "carat": ["“-1” is out of bounds: give a number from 0.05 to 30 ct."],
            "karat": ["Unknown parameter. Did you mean carat?"],
        },
        {},
    ]
    assert Prediction.objects.get().source == "batch"


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        ([CODED], "[…]"),
        ([], "[…]"),
        (None, "null"),
        (True, "true"),
        ("x", "x"),
        (5, "5"),
        (0.5, "0.5"),
    ],
)
def test_what_is_no_stone_in_a_list_is_refused_in_its_place(client, item, shown):
    errors = refused(client, [CODED, item])
    assert errors == [{}, {"non_field_errors": [f"“{shown}” is not a stone: give an object."]}]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("null", "null"),
        ("true", "true"),
        ("false", "false"),
        ('"x"', "x"),
        ("5", "5"),
        ("-0.5", "-0.5"),
        ('""', ""),
        ('"\\u0000\\ud800"', "\\x00\\ud800"),
        ("9" * 5000, "9" * 40 + "…"),
        ('"' + "a" * 5000 + '"', "a" * 40 + "…"),
    ],
)
def test_a_bare_value_is_no_stone(client, body, shown):
    errors = refused(client, body)
    assert errors == {"non_field_errors": [f"“{shown}” is not a stone: give an object."]}
    assert Prediction.objects.get().request == body[:KEPT_OF_REQUEST]


def test_an_object_without_any_name_cannot_be_told(client):
    assert refused(client, {}) == UNTOLD


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_an_empty_body_is_refused_and_recorded(client, content_type):
    assert refused(client, b"", content_type=content_type) == UNTOLD
    assert Prediction.objects.get().request == ""


@pytest.mark.parametrize("value", [{}, {"a": 1}, {"cut": {"cut": {}}}])
def test_an_object_in_a_field_is_refused_at_the_field(client, value):
    errors = refused(client, {**CODED, "carat": value})
    assert errors == {"carat": ["An object: give a number from 0.05 to 30 ct."]}


@pytest.mark.parametrize(("value", "count"), [([], 0), ([0.37], 1), ([0.37, [0.37]], 2)])
def test_a_list_in_a_field_is_refused_at_the_field(client, value, count):
    errors = refused(client, {**CODED, "carat": value})
    assert errors == {"carat": [f"{count} values: give a number from 0.05 to 30 ct, once."]}


@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"cut":', "}"), ('[{"cut":', "}]")])
def test_nesting_of_any_depth_is_refused_and_can_be_read_back(client, left, right):
    for depth in (100, 400, *range(840, 1000, 8), 100_000):
        Prediction.objects.all().delete()
        body = left * depth + "1" + right * depth
        refused(client, body)
        row = Prediction.objects.get()
        assert row.request == body[:KEPT_OF_REQUEST]
        json.dumps(row.request_object(), ensure_ascii=False).encode()


def test_brackets_without_end_are_refused(client):
    errors = refused(client, "[" * 100_000)
    assert errors == {"non_field_errors": ["The JSON is nested too deeply."]}


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
def test_what_is_no_json_is_refused_and_recorded(client, body, why):
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


def test_a_name_given_twice_is_refused_even_with_one_value(client):
    body = json.dumps(CODED).replace('"carat": 0.37', '"carat": 0.37, "carat": 0.37')
    errors = refused(client, body)
    assert errors == {"carat": ["2 values: give a number from 0.05 to 30 ct, once."]}


def test_an_unknown_name_given_twice_is_refused(client):
    body = json.dumps(CODED)[:-1] + ', "karat": 1, "karat": 2}'
    assert refused(client, body) == {"karat": ["Unknown parameter. Did you mean carat?"]}


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
    assert message.startswith(f"“{shown}” is no cut grade: give one of Fair, Good,")
    row = Prediction.objects.get()
    assert json.loads(row.request) == {**GRADED, "cut": value}


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "", " ", "a" * 100_000, "ca\x00rat"])
def test_any_unknown_name_is_refused_with_a_short_key(client, name):
    [(key, [message])] = refused(client, {**CODED, name: 1}).items()
    assert len(key) <= 41
    assert key.isprintable()
    assert message.startswith("Unknown parameter")


def test_of_countless_unknown_names_twenty_are_named(client):
    errors = refused(client, {**CODED, **{f"carat{place}": 1 for place in range(50_000)}})
    assert list(errors) == [f"carat{place}" for place in range(20)]
    assert len(Prediction.objects.get().request) == KEPT_OF_REQUEST


@pytest.mark.parametrize(
    "number", ["1" + "0" * 400, "9" * 5000, "-" + "9" * 5000, "1e400", "-1e400", "1" * 400 + ".5"]
)
@pytest.mark.parametrize("wrap", ["{}", "[{}]"])
def test_a_number_beyond_any_float_is_refused_as_not_finite(client, number, wrap):
    body = wrap.format(json.dumps(CODED).replace("0.37", number))
    errors = refused(client, body)
    shown = number if len(number) <= 40 else number[:40] + "…"
    expected = {"carat": [f"“{shown}” is not a finite number: give a number from 0.05 to 30 ct."]}
    assert errors == ([expected] if wrap == "[{}]" else expected)


@pytest.mark.parametrize(
    "number", ["1" + "0" * 300, "9" * 5000, "2147483648", "3.0000001", "1e300"]
)
def test_a_number_that_is_no_code_is_refused(client, number):
    body = json.dumps(CODED).replace('"cut": 3', f'"cut": {number}')
    [message] = refused(client, body)["cut"]
    assert message.endswith(
        "is no cut code: give one of 0 (Fair), 1 (Good), 2 (Very Good), 3 (Premium), 4 (Ideal)."
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
    assert response.json() == {"detail": f'Unsupported media type "{content_type}" in request.'}
    assert not Prediction.objects.exists()


def test_a_form_post_is_refused_and_nothing_is_priced(client):
    assert client.post("/api/predict", CODED).status_code == 415
    assert not Prediction.objects.exists()


def test_a_body_over_two_megabytes_is_refused_and_not_recorded(client):
    response = post(client, json.dumps([CODED] * 1000).ljust(2 * 1024 * 1024 + 1))
    assert response.status_code == 413
    assert response.json() == {"detail": "The request body is too large: 2 MB at most."}
    assert not Prediction.objects.exists()


@priced
def test_a_body_of_exactly_two_megabytes_is_answered(client):
    body = json.dumps([CODED, GRADED]).ljust(2 * 1024 * 1024)
    assert post(client, body).status_code == 200
    assert Prediction.objects.count() == 2


def test_a_thousand_bad_stones_are_refused_each_in_its_place(client):
    errors = refused(client, [CODED, {"carat": "x" * 900}] * 500)
    assert len(errors) == 1000
    assert errors[0::2] == [{}] * 500
    assert errors[1::2] == [UNTOLD] * 500


@pytest.mark.parametrize("stone", [{**CODED, "carat": -1}, [{**CODED, "carat": -1}]])
def test_the_api_speaks_english_to_a_polish_browser(client, stone):
    errors = refused(client, stone, headers={"Accept-Language": "pl"})
    assert "out of bounds" in json.dumps(errors)


def test_a_stone_in_the_address_of_a_post_is_refused_not_ignored(client):
    response = client.post("/api/predict?carat=9", json.dumps(CODED), "application/json")
    assert response.status_code == 400
    assert response.json() == {"carat": ["Unknown option; there are include, k."]}
    assert Prediction.objects.get().status == 400
