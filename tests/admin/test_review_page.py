"""The page of a prediction: what it shows above the review form."""

import re

import pytest
from django.urls import reverse

from ml.stones import EXAMPLES
from predictor.models import Prediction

pytestmark = pytest.mark.django_db
FAR = {**EXAMPLES["graded"][0], "carat": 4.9, "x": 11, "y": 11.02, "z": 6.7}


def page_of(client, prediction):
    address = reverse("admin:predictor_prediction_change", args=[prediction.pk])
    return re.sub(r"\s+", " ", client.get(address).text)


def asked(client, **stone):
    client.get("/api/predict", stone)
    return Prediction.objects.get()


@pytest.mark.parametrize(
    ("stone", "shown"),
    [
        (EXAMPLES["coded"][0], ["<h1>0.37 ct, Premium, G–J, VS1–VS2</h1>", "60.063 mm³"]),
        (
            {**EXAMPLES["graded"][0], "asking": 900_000},
            ["5.73 × 5.70 × 3.51 mm; Depth 61.5%; Table 56%", "$900,000 is above the range."],
        ),
        (FAR, ["is outside the training data: ", "the coverage of this range is unknown."]),
    ],
)
def test_the_answer_is_above_the_form(reviewer, live_models, client, stone, shown):
    prediction = asked(client, **stone)
    above, form = page_of(reviewer, prediction).split('<form class="judge')
    above = above[above.index('id="content"') :]
    for text in [*shown, f"${prediction.predicted_price:,}", '<svg width="100%"']:
        assert text in above
    assert f"<code>carat={stone['carat']}</code>" in above
    assert "no named client, API" in above
    assert above.count("<tr>") == 1 + 5
    assert form.index('id="id_actual_price"') < form.index("<details>") < form.index("<pre")


def test_a_refusal_shows_what_was_wrong_with_it(reviewer, client):
    text = page_of(
        reviewer, asked(client, **{**EXAMPLES["graded"][0], "carat": "abc", "cut": "<b>"})
    )
    assert "<h1>Refused request</h1>" in text
    assert "“abc” is not a number" in text
    assert "<code>cut=&lt;b&gt;</code>" in text
    assert '<form class="judge' not in text


def test_a_refusal_is_shown_in_the_readers_language(reviewer, live_models, client):
    prediction = asked(
        client, **{**EXAMPLES["graded"][0], "carat": "abc", "include": "comparables"}
    )
    address = reverse("admin:predictor_prediction_changelist")
    for page in (address, reverse("admin:predictor_prediction_change", args=[prediction.pk])):
        text = reviewer.get(page, headers={"accept-language": "pl"}).text
        assert "„abc” nie jest liczbą" in text
    Prediction(status=400, latency_ms=1, request="carat=abc", error={"carat": ["Old."]}).save()
    assert "carat: Old." in reviewer.get(address, headers={"accept-language": "pl"}).text


def test_a_long_request_is_in_the_fold_only(reviewer, live_models, client):
    prediction = asked(client, **EXAMPLES["graded"][0], note="x" * 5_000)
    above = page_of(reviewer, prediction).split("<details>")[0]
    assert "x" * 61 not in above


def test_without_its_model_file_the_answer_is_still_shown(reviewer, live_models, client, settings):
    prediction = asked(client, **EXAMPLES["graded"][0])
    prediction.version.activations.update(live=False)
    from predictor.versions import live

    live.registry._live.clear()
    settings.MEDIA_ROOT = settings.VAR_DIR / "nowhere"
    text = page_of(reviewer, prediction)
    assert f"${prediction.predicted_price:,}" in text
    assert "The model file of this quote is no longer available." in text
