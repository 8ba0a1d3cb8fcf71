"""The percentile of an asking price: returned, recorded, and invalid prices refused."""

import pytest

from ml.forest import PriceForest
from ml.forest.matrix import row_of
from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.versions.live import LiveModel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_models")]
STONES = {scheme: stones[0] for scheme, stones in EXAMPLES.items()}
ACCEPTED = "give a number from 1 to 1000000000"


def ask(client, scheme="graded", **asking):
    return client.get("/api/predict", {**STONES[scheme], **asking})


@pytest.mark.parametrize("scheme", STONES)
def test_the_percentile_is_the_forests_and_is_recorded(client, small_forests, scheme):
    answer = ask(client, scheme, asking="1234.5").json()
    row, forest = Prediction.objects.get(), small_forests[scheme]
    found = forest.percentile_of(forest.answer(row_of(row.features, scheme)), 1234.5)
    assert 0 < found < 100
    assert answer["asking"] == {
        "price": 1234.5,
        "percentile": round(found, 1),
        "verdict": row.verdict,
    }
    assert (row.asking, row.percentile) == (1234.5, round(found, 1))
    assert list(answer)[-1] == "asking"


def test_the_verdict_is_that_of_the_range(client):
    row = Prediction.objects.get(pk=ask(client).json()["id"])
    for asked, verdict in [
        (row.low - 1, "below"),
        (row.low, "within"),
        (row.price, "within"),
        (row.high, "within"),
        (row.high + 1, "above"),
    ]:
        assert ask(client, asking=repr(asked)).json()["asking"]["verdict"] == verdict


def test_a_post_takes_it_beside_one_stone(client):
    response = client.post(
        "/api/predict", STONES["graded"], "application/json", query_params={"asking": "3100"}
    )
    assert response.json()["asking"]["price"] == 3100
    assert Prediction.objects.get().asking == 3100


def test_without_it_nothing_is_returned_or_recorded(client):
    assert "asking" not in ask(client).json()
    row = Prediction.objects.get()
    assert (row.asking, row.percentile) == (None, None)


@pytest.mark.parametrize(
    ("asking", "message"),
    [
        ("0", f"“0” is out of bounds: {ACCEPTED}."),
        ("-3100", f"“-3100” is out of bounds: {ACCEPTED}."),
        ("dear", f"“dear” is not a number: {ACCEPTED}."),
        ("", f"Empty: {ACCEPTED}."),
        ("$3100", f"“$3100” is not a number: {ACCEPTED}."),
        ("39900zł", "“39900zł” is in PLN; this version’s prices are in USD."),
        ("€ 3,100.50", "“€ 3,100.50” is in EUR; this version’s prices are in USD."),
        ("3,100", f"“3,100” is not a number: {ACCEPTED}."),
        ("nan", f"“nan” is not a finite number: {ACCEPTED}."),
        ("1e400", f"“1e400” is not a finite number: {ACCEPTED}."),
        ("1" + 400 * "0", f"“1{39 * '0'}…” is not a number: {ACCEPTED}."),
        ("1000000001", f"“1000000001” is out of bounds: {ACCEPTED}."),
        ("1" + 199 * "0", f"“1{39 * '0'}…” is out of bounds: {ACCEPTED}."),
        (["3100", "3200"], f"2 values: {ACCEPTED}, once."),
    ],
)
def test_what_is_not_a_price_is_refused_and_recorded(client, asking, message):
    response = ask(client, asking=asking)
    assert (response.status_code, response.json()) == (400, {"asking": [message]})
    row = Prediction.objects.get()
    assert (row.status, row.error, row.price) == (400, {"asking": [message]}, None)


def test_a_list_has_none(client):
    response = client.post(
        "/api/predict", [STONES["graded"]], "application/json", query_params={"asking": "3100"}
    )
    message = "An asking price can be sent for one stone, not for a list."
    assert (response.status_code, response.json()) == (400, {"asking": [message]})
    assert Prediction.objects.get().error == {"asking": [message]}


def test_a_forest_from_before_shows_the_verdict_only(client, live_models, fresh_registry):
    live = fresh_registry._live["graded"]
    arrays = {name: array for name, array in live.forest.arrays.items() if name != "range_curve"}
    fresh_registry._live["graded"] = LiveModel(
        live.version, PriceForest(arrays, live.forest.metadata)
    )
    assert ask(client, asking="1").json()["asking"] == {
        "price": 1.0,
        "percentile": None,
        "verdict": "below",
    }
