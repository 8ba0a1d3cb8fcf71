"""GET /api/predict: prices one stone of either scheme and records the answer."""

import json
import time

import pytest

from ml.stones import EXAMPLES, SCHEMES
from predictor.history.deletion import deletion_allowed
from predictor.models import Prediction

PUBLISHED = [
    "&carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063",
    "&carat=2.0&cut=2&color=1&clarity=1&depth=63.5&table=58.0&volume=274.23",
]
CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
STONES = {"coded": CODED, "graded": GRADED}
KEYS = {
    "features": dict,
    "predicted_price": int,
    "price_range": dict,
    "price_per_carat": float,
    "currency": str,
    "price_year": int,
    "warnings": list,
    "model": dict,
    "id": str,
    "url": str,
}

pytestmark = pytest.mark.django_db
priced = pytest.mark.usefixtures("live_models")


def warnings_of(client, stone, **changes):
    """{code: warning} for a changed stone; the response and the row must have the same warnings."""
    response = client.get("/api/predict", {**stone, **changes})
    assert response.status_code == 200, response.content
    row, sent = Prediction.objects.get(), response.json()["warnings"]
    assert [{k: v for k, v in one.items() if k != "message"} for one in sent] == row.warnings
    return {(one["code"], one["field"]): one for one in sent}


@pytest.mark.parametrize(("query", "stone"), [*zip(PUBLISHED, EXAMPLES["coded"], strict=True)])
@priced
def test_the_published_queries_are_answered_and_recorded_as_sent(client, query, stone):
    response = client.get(f"/api/predict?{query}")
    assert response.status_code == 200
    assert response.json()["features"] == stone
    row = Prediction.objects.get()
    assert row.request == query
    assert (row.status, row.source, row.scheme, row.client) == (200, "api", "coded", "")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_answer_has_the_names_places_and_types_of_the_contract(client, live_models, scheme):
    answer = client.get("/api/predict", STONES[scheme]).json()
    assert {key: type(value) for key, value in answer.items()} == KEYS
    assert list(answer) == list(KEYS)
    assert answer["features"] == STONES[scheme]
    assert list(answer["features"]) == list(SCHEMES[scheme])
    assert [type(v) for v in answer["features"].values()] == [
        type(v) for v in STONES[scheme].values()
    ]
    assert {k: type(v) for k, v in answer["price_range"].items()} == {
        "low": int,
        "high": int,
        "coverage": float,
    }
    assert answer["price_range"]["coverage"] == 0.8
    assert (
        answer["price_range"]["low"] <= answer["predicted_price"] <= answer["price_range"]["high"]
    )
    assert answer["price_per_carat"] == round(
        answer["predicted_price"] / answer["features"]["carat"], 2
    )
    assert answer["model"] == {"scheme": scheme, "version": live_models[scheme].number}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_row_holds_what_was_answered(client, live_models, scheme):
    begun = time.perf_counter()
    answer = client.get("/api/predict", STONES[scheme]).json()
    took_ms = (time.perf_counter() - begun) * 1000
    row = Prediction.objects.get()
    assert row.features == answer["features"]
    assert int(row.price) == answer["predicted_price"]
    assert (row.whole_low, row.whole_high) == (
        answer["price_range"]["low"],
        answer["price_range"]["high"],
    )
    assert row.version == live_models[scheme]
    assert (row.scheme, row.status, row.error) == (scheme, 200, None)
    assert 0 < row.latency_ms < took_ms
    assert {name for name in ("x", "y", "z", "volume") if getattr(row, name) is not None} == (
        {"volume"} if scheme == "coded" else {"x", "y", "z"}
    )


GRADE_CASES = [
    ({"cut": "ideal", "color": "g", "clarity": "vs1"}, ("Ideal", "G", "VS1")),
    ({"cut": "VERY GOOD", "color": "d", "clarity": "vVs1"}, ("Very Good", "D", "VVS1")),
    ({"cut": "very good", "color": "J", "clarity": "if"}, ("Very Good", "J", "IF")),
    ({"cut": " Fair ", "color": " h", "clarity": "i1 "}, ("Fair", "H", "I1")),
]
NUMBERS = ["0.37", ".37", "37e-2", "+0.37", " 0.37 ", "0.370", "3.7E-1"]


@pytest.mark.parametrize(
    ("stone", "sent", "understood"),
    [
        *((GRADED, sent, dict(zip(sent, grades, strict=True))) for sent, grades in GRADE_CASES),
        *((CODED, {"cut": sent}, {"cut": 3}) for sent in ("3", "3.0", "3.", "+3", " 3 ", "03")),
        *((CODED, {"carat": sent}, {"carat": 0.37}) for sent in NUMBERS),
    ],
)
@priced
def test_grades_codes_and_numbers_are_understood_however_they_are_written(
    client, stone, sent, understood
):
    response = client.get("/api/predict", {**stone, **sent})
    assert response.status_code == 200
    assert response.json()["features"] == Prediction.objects.get().features == stone | understood


@priced
def test_a_usual_stone_has_no_warning(client):
    assert warnings_of(client, {**GRADED, "y": GRADED["x"]}) == {}


def test_a_stone_outside_the_training_range_gets_a_warning_with_field_value_and_range(
    client, live_models
):
    low, high = live_models["graded"].training_ranges["table"]
    warning = warnings_of(client, GRADED, table=99)["outside_training_range", "table"]
    assert (warning["value"], warning["low"], warning["high"]) == (99.0, low, high)
    assert warning["message"] == (f"table 99% is outside the training data: {low:g} to {high:g}%.")


def test_the_ends_of_the_training_range_get_no_warning(client, live_models):
    for end in live_models["coded"].training_ranges["table"]:
        with deletion_allowed():
            Prediction.objects.all().delete()
        assert ("outside_training_range", "table") not in warnings_of(client, CODED, table=end)


def depth_message(depth):
    return f"depth {depth:g}% does not match x, y and z, which give 61.4%."


def carat_message(carat, percent, expected):
    return (
        f"carat {carat:g} differs by {percent:+d}% from the {expected:g} ct usual for this volume."
    )


# 200 * 3.51 / (5.73 + 5.70) = 61.42 %; 0.006117 * 60.063 = 0.3674 ct; of 5.73 * 5.7 * 3.51 mm 0.7013 ct
@pytest.mark.parametrize(
    ("stone", "name", "value", "told"),
    [
        *((GRADED, "depth", depth, None) for depth in (60.5, 61.0, 62.4)),
        (CODED, "depth", 70, None),
        *(
            (GRADED, "depth", depth, {"expected": 61.4, "message": depth_message(depth)})
            for depth in (60.4, 62.5, 70)
        ),
        *((CODED, "carat", carat, None) for carat in (0.34, 0.40)),
        *(
            (
                stone,
                "carat",
                carat,
                {
                    "expected": expected,
                    "percent": percent,
                    "message": carat_message(carat, percent, expected),
                },
            )
            for stone, carat, expected, percent in (
                (CODED, 0.5, 0.37, 36),
                (CODED, 0.25, 0.37, -32),
                (GRADED, 1.0, 0.70, 43),
                (GRADED, 0.6, 0.70, -14),
            )
        ),
    ],
)
@priced
def test_depth_and_carat_that_disagree_with_the_measurements_get_a_warning(
    client, stone, name, value, told
):
    code = f"{name}_disagrees"
    found = warnings_of(client, stone, **{name: value}).get((code, name))
    assert found == (told and {"code": code, "field": name, "value": value, **told})


def test_a_refused_request_is_recorded_and_has_no_quote(client):
    response = client.get("/api/predict", {**CODED, "carat": "-1"})
    assert response.status_code == 400
    row = Prediction.objects.get()
    assert (row.status, row.source, row.price, row.version) == (400, "api", None, None)
    assert row.error == response.json()
    assert client.get(row.get_absolute_url()).status_code == 404


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (b"carat=%30.37", "carat=%30.37"),
        (b"carat=0.37&carat=0.38&&=&", "carat=0.37&carat=0.38&&=&"),
        (b"carat=%ff%00", "carat=%ff%00"),
        ("waga=żółć".encode(), "waga=żółć"),
        (b"carat=\xff\x00&volume=1", "carat=\\xff\\x00&volume=1"),
        (b"\xed\xa0\x80=1", "\\xed\\xa0\\x80=1"),
        (b"", ""),
    ],
)
def test_the_query_is_recorded_as_it_was_sent_with_what_is_not_text_spelled_out(
    client, query, kept
):
    response = client.generic("GET", "/api/predict", QUERY_STRING=query.decode("latin-1"))
    assert response.status_code == 400
    assert Prediction.objects.get().request == kept


@pytest.mark.parametrize(
    ("method", "status"),
    [("PUT", 405), ("PATCH", 405), ("DELETE", 405), ("FROB", 405), ("OPTIONS", 200)],
)
def test_other_methods_get_the_allowed_ones_in_json_and_leave_no_row(client, method, status):
    response = client.generic(method, f"/api/predict?{PUBLISHED[0]}")
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    assert response["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert status == 200 or response.json() == {"detail": f'Method "{method}" not allowed.'}
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("stone", [{**CODED, "carat": ""}, {**CODED, "table": 99}])
@priced
def test_the_api_speaks_english_to_a_polish_browser(client, stone):
    polish = client.get("/api/predict", stone, headers={"Accept-Language": "pl"}).json()
    english = client.get("/api/predict", stone, headers={"Accept-Language": "en"}).json()
    messages = [polish.get("carat"), polish.get("warnings")]
    assert messages == [english.get("carat"), english.get("warnings")]
    assert any(
        text in json.dumps(polish)
        for text in ("Empty: give a number", "is outside the training data")
    )
    assert Prediction.objects.count() == 2


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0.1", "///", ""])
@pytest.mark.parametrize(("stone", "status"), [(CODED, 200), ({}, 400)])
@priced
def test_the_answer_is_json_whatever_is_accepted(client, accept, stone, status):
    response = client.get("/api/predict", stone, headers={"Accept": accept})
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response.json()
    assert Prediction.objects.get().status == status


def test_a_query_of_too_many_parameters_is_refused_in_json_and_recorded(client):
    query = "&".join(f"a{place}=1" for place in range(1500))
    response = client.get(f"/api/predict?{query}")
    assert response.status_code == 400
    assert response.json() == {"non_field_errors": ["Too many parameters."]}
    row = Prediction.objects.get()
    assert (row.status, row.request) == (400, query[:4096])


@pytest.mark.parametrize(
    "stone",
    [
        dict(GRADED, carat=0.05, x=2.2, y=2.2, z=1.3, depth=59.1),
        dict(GRADED, carat=30, x=22, y=22, z=13.4, depth=60.9),
        dict(GRADED, carat=1, x=40, y=1, z=5),
        dict(GRADED, carat=5, x=1, y=40, z=40, depth=90),
        dict(CODED, carat=30, volume=10_000),
        dict(CODED, carat=0.05, volume=5),
    ],
)
@priced
def test_the_strangest_possible_stone_is_priced_with_warnings_and_no_error(client, stone):
    response = client.get("/api/predict", stone)
    assert response.status_code == 200, response.content
    assert response.json()["predicted_price"] > 0
    assert response.json()["warnings"]
    assert Prediction.objects.get().features == stone


def test_head_is_get_without_its_body_and_is_recorded_too(client, live_models):
    got, asked = (
        getattr(client, method)(f"/api/predict?{PUBLISHED[0]}") for method in ("get", "head")
    )
    assert (asked.status_code, asked.content) == (200, b"")
    without_id = [{**answer.headers, "X-Request-ID": ""} for answer in (got, asked)]
    assert without_id[0] == without_id[1]
    rows = Prediction.objects.values_list("status", "source", "request", "price")
    assert rows[0] == rows[1]


def test_a_format_may_be_asked_for_that_is_given_anyway(client, live_models):
    response = client.get(f"/api/predict?{PUBLISHED[0]}&format=json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert "format" not in response.json()["features"]
    assert Prediction.objects.get().request.endswith("&format=json")


@pytest.mark.parametrize("query", ["format=xml", "format=", "format=json&format=json"])
def test_no_other_format_can_be_asked_for(client, live_models, query):
    response = client.get(f"/api/predict?{PUBLISHED[0]}&{query}")
    assert response.status_code == 400
    assert response.json() == {"format": ["Give format=json, or leave it out."]}
    assert Prediction.objects.get().error == response.json()
