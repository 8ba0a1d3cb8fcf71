"""POST /api/predict: a stone or a list of up to 1,000; all of them are priced and recorded, or none."""

import json

import pytest

from ml.stones import EXAMPLES, SCHEMES
from predictor.history.record import KEPT_OF_REQUEST
from predictor.models import Prediction
from tests.posting import post, refused

CODED, OTHER_CODED = EXAMPLES["coded"]
GRADED = EXAMPLES["graded"][0]
STONES = {"coded": CODED, "graded": GRADED}

pytestmark = pytest.mark.django_db
priced = pytest.mark.usefixtures("live_models")


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


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=latin-1", ";version=1"])
@priced
def test_json_is_utf_8_whatever_charset_is_claimed(client, charset):
    response = post(client, json.dumps(CODED).encode(), f"application/json{charset}")
    assert response.status_code == 200
    assert Prediction.objects.get().status == 200


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


WARNED = [
    {**GRADED, "table": 80.0, "depth": 66.0},
    {**GRADED, "carat": 3.0, "color": "D", "clarity": "IF", "x": 9.3, "y": 9.3, "z": 5.7},
    {**CODED, "table": 80.0},
]


@priced
def test_each_stone_of_a_list_gets_the_answer_that_it_gets_alone(client):
    stones = [GRADED, CODED, *WARNED, OTHER_CODED]
    answers = post(client, stones).json()
    for stone, answer in zip(stones, answers, strict=True):
        assert answer["url"] == f"/quotes/{answer['id']}/"
        alone = post(client, stone).json()
        assert list(answer) == list(alone)
        given = {"id": answer["id"], "url": answer["url"]}
        assert answer == alone | given
    assert all(answer["warnings"] for answer in answers[2:5])


@priced
def test_a_thousand_stones_are_answered_and_recorded_in_order(client):
    stones = [
        {**(CODED if place % 2 else GRADED), "table": 50 + place / 100} for place in range(1000)
    ]
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


def test_one_bad_stone_refuses_the_list_with_the_errors_in_its_place(client):
    errors = refused(client, [GRADED, {**CODED, "carat": -1, "karat": 1}, CODED])
    assert errors == [
        {
            "row": 1,
            "carat": ["“-1” is out of bounds: give a number from 0.05 to 30 ct."],
            "karat": ["Unknown parameter. Did you mean carat?"],
        }
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
def test_what_is_not_a_stone_in_a_list_is_refused_in_its_place(client, item, shown):
    errors = refused(client, [CODED, item])
    assert errors == [
        {"row": 1, "non_field_errors": [f"“{shown}” is not a stone: give an object."]}
    ]


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
def test_a_bare_value_is_not_a_stone(client, body, shown):
    errors = refused(client, body)
    assert errors == {"non_field_errors": [f"“{shown}” is not a stone: give an object."]}
    assert Prediction.objects.get().request == body[:KEPT_OF_REQUEST]


def test_of_a_refused_list_just_the_wrong_rows_are_reported_and_recorded(client):
    stones = [dict(CODED) for _ in range(1000)]
    stones[267]["carat"], stones[999]["row"] = "x", 999
    response = post(client, stones)
    assert response.status_code == 400
    assert len(response.content) < 500
    unknown = "row: Unknown parameter; there are carat, cut, color, clarity, depth, table, volume."
    assert response.json() == [
        {"row": 267, "carat": ["“x” is not a number: give a number from 0.05 to 30 ct."]},
        {"row": 999, "non_field_errors": [unknown]},
    ]
    assert Prediction.objects.get().error == response.json()
