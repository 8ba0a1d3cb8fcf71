"""Extrapolated stones and prices are marked in the answer, in the record and on the page."""

import numpy as np
import pytest

from ml.forest import PriceForest
from ml.forest.matrix import row_of
from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.versions.live import LiveModel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_models")]
USUAL = EXAMPLES["graded"][0]
HUGE = {**USUAL, "carat": 3.0, "color": "D", "clarity": "IF", "x": 9.3, "y": 9.3, "z": 5.7}
OVAL = {**USUAL, "x": 8.0, "y": 5.0, "depth": 54.0}
CODED = {
    "carat": 2.0,
    "cut": 4,
    "color": 1,
    "clarity": 4,
    "depth": 61.5,
    "table": 56,
    "volume": 320,
}


def ask(client, stone):
    """(the answer, its row, its warnings by code)."""
    answer = client.get("/api/predict", stone).json()
    row = Prediction.objects.get(pk=answer["id"])
    told = [
        {name: value for name, value in warning.items() if name != "message"}
        for warning in answer["warnings"]
    ]
    assert told == row.warnings
    return answer, row, {warning["code"]: warning for warning in answer["warnings"]}


@pytest.mark.parametrize("stone", [HUGE, CODED])
def test_an_extrapolation_is_reported_without_coverage(client, stone):
    answer, row, warnings = ask(client, stone)
    assert warnings["extrapolated"]["field"] == "carat"
    assert answer["price_range"]["coverage"] is None
    assert row.is_extrapolated
    assert row.low <= row.price < row.high


def test_a_usual_stone_keeps_its_coverage(client):
    answer, row, warnings = ask(client, USUAL)
    assert answer["price_range"]["coverage"] == 0.8
    assert not {"extrapolated", "not_round"} & warnings.keys()
    assert not row.is_extrapolated
    assert "80% range" in client.get(answer["url"], headers={"Accept-Language": "en"}).text


def test_comparables_that_are_adjusted_by_too_large_a_factor_are_reported(client, fresh_registry):
    live = fresh_registry._live["graded"]
    forest = live.forest
    row = row_of(USUAL, "graded")[None]
    [adjustment] = np.abs(forest.adjustments(row))
    limited = forest.arrays | {"support_adjusted": np.array([adjustment / 2])}
    fresh_registry._live["graded"] = LiveModel(live.version, PriceForest(limited, forest.metadata))
    answer, row, warnings = ask(client, USUAL)
    told = warnings["extrapolated"]
    assert (told["field"], told["value"]) == ("price", answer["predicted_price"])
    assert told["factor"] == round(float(np.exp(adjustment)), 2)
    assert told["most"] == round(float(np.exp(adjustment / 2)), 2)
    assert told["message"].startswith("the stones behind the price had to be adjusted by a")
    assert answer["price_range"]["coverage"] is None
    assert row.is_extrapolated


def test_a_price_over_all_recorded_ones_is_an_extrapolation(client, fresh_registry):
    live = fresh_registry._live["graded"]
    arrays = live.forest.arrays | {
        "support_dearest": live.forest.arrays["support_dearest"] * 0 + 500
    }
    fresh_registry._live["graded"] = LiveModel(
        live.version, PriceForest(arrays, live.forest.metadata)
    )
    answer, _, warnings = ask(client, USUAL)
    assert warnings["extrapolated"] == {
        "code": "extrapolated",
        "field": "price",
        "value": answer["predicted_price"],
        "high": 500,
        "message": "the data has no stone that costs more than $500: the price is an extrapolation.",
    }


def test_a_stone_that_is_not_round_is_reported(client):
    _, _, warnings = ask(client, OVAL)
    assert warnings["not_round"]["percent"] == 60
    assert 1 < warnings["not_round"]["most"] < 10
    assert warnings["not_round"]["message"].startswith("x and y differ by +60%, but by at most")


def test_a_list_gets_the_warnings_of_each_stone(client):
    single = [ask(client, stone)[2].keys() for stone in (USUAL, HUGE, OVAL)]
    sent = client.post("/api/predict", [USUAL, HUGE, OVAL], "application/json").json()
    assert [{warning["code"] for warning in one["warnings"]} for one in sent] == single


def test_an_asking_price_of_an_extrapolation_has_no_percentile(client):
    answer, row, _ = ask(client, {**HUGE, "asking": "50000"})
    assert answer["asking"]["percentile"] is None
    assert answer["asking"]["verdict"] == row.verdict
