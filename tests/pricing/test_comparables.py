"""The comparables of a price: include=comparables, and the quote page."""

import pytest

from ml.stones import BASIS
from predictor.models import Prediction
from predictor.pricing.answers import described
from predictor.replay.services import replayed
from predictor.versions.live import forest_of

pytestmark = pytest.mark.django_db

GRADED = "carat=0.7&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56.0&x=5.73&y=5.7&z=3.51"
CODED = "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"


def comparables_of(prediction, k):
    """The k comparables of a recorded price with the largest weights, computed by its version."""
    return described(forest_of(prediction.version), replayed(prediction, k).comparables)


@pytest.mark.parametrize("stone", [GRADED, CODED])
def test_five_recorded_stones_come_with_the_price_heaviest_first(client, live_models, stone):
    answer = client.get(f"/api/predict?{stone}&include=comparables").json()
    weights = [one["weight"] for one in answer["comparables"]]
    assert len(weights) == 5
    assert weights == sorted(weights, reverse=True)
    for one in answer["comparables"]:
        assert set(one) == {"stone", "price", "year", "weight", "adjusted_price"}
        assert set(one["stone"]) == {*"xyz", "carat", "cut", "color", "clarity", "depth", "table"}
        assert one["year"] == BASIS.year
    assert Prediction.objects.get().predicted_price == answer["predicted_price"]


def test_all_the_weights_sum_to_one_and_give_the_price(client, live_models, raw):
    client.get(f"/api/predict?{CODED}")
    prediction = Prediction.objects.get()
    stones = comparables_of(prediction, 10_000)
    assert sum(one["weight"] for one in stones) == pytest.approx(1)
    mean = sum(one["weight"] * one["adjusted_price"] for one in stones)
    assert mean == pytest.approx(prediction.price, abs=0.01)
    for one in stones[:20]:
        same = raw[(raw[list(one["stone"])] == list(one["stone"].values())).all(axis=1)]
        assert one["price"] in set(same.price)


def test_a_list_gets_them_for_each_stone(client, live_models):
    stone = dict(pair.split("=") for pair in GRADED.split("&"))
    response = client.post(
        "/api/predict?include=comparables&k=2", [stone, stone], content_type="application/json"
    )
    assert [len(answer["comparables"]) for answer in response.json()] == [2, 2]
    assert Prediction.objects.count() == 2


@pytest.mark.parametrize(("count", "k", "accepted"), [(100, 50, True), (101, 50, False)])
def test_a_list_gets_5000_in_all(client, live_models, count, k, accepted):
    stone = dict(pair.split("=") for pair in GRADED.split("&"))
    address = f"/api/predict?include=comparables&k={k}"
    response = client.post(address, [stone] * count, content_type="application/json")
    if accepted:
        assert {len(answer["comparables"]) for answer in response.json()} == {k}
    else:
        message = "50 for each of 101 stones: give at most 5000 comparables in all."
        assert (response.status_code, response.json()) == (400, {"k": [message]})
    rows = Prediction.objects.all()
    assert [row.status for row in rows] == ([200] * count if accepted else [400])


K = ["Give a whole number from 1 to 50, once."]


@pytest.mark.parametrize(
    ("options", "errors"),
    [
        ("include=everything", {"include": ["Use comparables, receipt or comparables,receipt."]}),
        ("include=", {"include": ["Use comparables, receipt or comparables,receipt."]}),
        ("k=5", {"k": ["Only with include=comparables."]}),
        ("include=comparables&k=0", {"k": K}),
        ("include=comparables&k=51", {"k": K}),
        ("include=comparables&k=five", {"k": K}),
        ("include=comparables&k=-1", {"k": K}),
        ("include=comparables&k=2.5", {"k": K}),
        ("include=comparables&k=5&k=6", {"k": K}),
        ("include=comparables&k=٥", {"k": K}),
    ],
)
def test_wrong_options_are_refused_and_recorded(client, live_models, options, errors):
    response = client.get(f"/api/predict?{GRADED}&{options}")
    assert (response.status_code, response.json()) == (400, errors)
    assert Prediction.objects.get().error == errors


def test_an_unknown_option_of_a_post_is_refused(client, live_models):
    response = client.post("/api/predict?carat=1", {}, content_type="application/json")
    names = "include, k, asking, assume, version"
    assert response.json() == {"carat": [f"Unknown option; there are {names}."]}
    assert Prediction.objects.get().status == 400
