"""The price shown while typing: the same as the quote's, and not recorded."""

import pytest

from ml.stones import EXAMPLES, SCHEMES
from predictor.models import Activation, Prediction
from predictor.versions.live import registry

from .helpers import ENGLISH, STONES, page, submit


def preview(client, scheme="graded", headers=ENGLISH, **changes):
    sent = {"scheme": scheme, **STONES[scheme], **changes}
    return client.post("/preview/", sent, headers=headers)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_is_the_price_that_the_quote_will_have_and_leaves_no_record(client, live_models, scheme):
    response = preview(client, scheme)
    assert not Prediction.objects.exists()
    submit(client, scheme)
    row = Prediction.objects.get()
    assert response.status_code == 200
    assert f'<strong class="amount">${row.predicted_price:,}</strong>' in page(response)
    assert f"${row.whole_low:,} – ${row.whole_high:,} (80%) · not saved" in page(response)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"carat": "abc"},
            "Carat weight: “abc” is not a number: give a number from 0.05 to 30 ct.",
        ),
        ({"cut": "Excellent"}, "Excellent is priced as Ideal."),
        ({"cut": "Poor"}, "Cut: The data has no stones of grade Poor;"),
        ({"carat": "5"}, "5 ct is impossible: solid diamond of this size weighs 2.02 ct."),
        ({"carat": "", "table": " "}, "Still missing: Carat weight, Table"),
        ({"depth": "", "z": "abc"}, "Depth (height) z: “abc” is not a number"),
        (
            {"depth": "", "z": "35.1"},
            "Depth (height) z: The height 35.1 mm gives a depth of 614.2%",
        ),
        ({"depth": "", "z": ""}, "Still missing: Depth (height) z</p>"),
        ({"depth": "64"}, "Depth 64% does not match x, y and z, which give 61.4%."),
        ({"carat": "2.5", "x": "8.7", "y": "8.75", "z": "5.4"}, "the price is an extrapolation."),
    ],
)
def test_it_says_what_is_missing_wrong_or_unusual(client, live_models, changes, told):
    response = preview(client, **changes)
    assert response.status_code == 200
    assert told in page(response)
    assert not Prediction.objects.exists()


def test_an_empty_form_explains_the_estimate(client, live_models):
    response = client.post("/preview/", {"scheme": "graded", "shape": "round"}, headers=ENGLISH)
    assert "The price appears here while you type." in page(response)


def test_without_a_live_model_it_says_so(client, live_models):
    Activation.objects.update(live=False)
    registry.refresh()
    assert "No model of this scheme is active." in page(preview(client))
    assert not Prediction.objects.exists()


def test_it_is_counted_as_any_other_request(client, live_models, settings):
    settings.API_THROTTLE = (1, 60)
    assert [preview(client).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_it_takes_no_other_method(client, db, method):
    assert getattr(client, method)("/preview/", EXAMPLES["graded"][0]).status_code == 405
