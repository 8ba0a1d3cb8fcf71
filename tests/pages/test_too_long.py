"""Texts that are too long: refused at their field without delay, and neither lost nor cut."""

import time

import pytest

from ml.stones import LONGEST, bounded
from predictor.models import Prediction

from .helpers import ENGLISH, STONES, control, error_at, page, submit

pytestmark = pytest.mark.once

BLANKS = " " * 60_000
TEXTS = [
    f"5{BLANKS}z",
    f"{BLANKS}5",
    f"5{BLANKS}",
    "9" * 60_000,
    f"0.{'7' * 60_000}",
    f"5 - 5 x 3{BLANKS}",
    f"5{' -' * 30_000}",
    f"5{'.5' * 30_000}",
    f"{BLANKS}Ideal",
]
MEASURES = ["carat", "depth", "table", "x", "y", "z"]


def seconds(call):
    begun = time.thread_time()
    response = call()
    return response, time.thread_time() - begun


@pytest.mark.parametrize("text", TEXTS)
def test_a_form_with_it_in_every_field(client, live_models, text):
    submit(client)  # the first request loads and compiles
    fields = dict.fromkeys([*MEASURES, "cut", "color", "clarity", "shape"], text)
    sent = {"scheme": "graded", **fields}
    for path in ("/preview/", "/"):
        response, taken = seconds(lambda path=path: client.post(path, sent, headers=ENGLISH))
        assert response.status_code == (400 if path == "/" else 200)
        assert taken < 1
    assert sorted(Prediction.objects.values_list("status", flat=True)) == [200, 400]
    assert set(Prediction.objects.get(status=400).error) >= set(MEASURES)
    for name in MEASURES:  # refused at its field, where it stays, cut
        [message] = error_at(response, name)
        assert "is not a number: give a number from" in message
        assert f'value="{bounded(text)}"' in control(response, name)
    assert submit(client, **dict.fromkeys(MEASURES, bounded(text))).status_code == 400


def test_the_longest_text_is_read(client, live_models):
    assert submit(client, carat="0.70".ljust(LONGEST)).status_code == 302
    assert submit(client, carat="0.70".ljust(LONGEST + 1)).status_code == 400
    assert set(Prediction.objects.values_list("carat", "status")) == {(0.7, 200), (None, 400)}


@pytest.mark.parametrize("text", [f"5{' ' * 3700}z", f"{' ' * 3700}5", f"5{',' * 3700}5"])
@pytest.mark.parametrize("path", ["quote", "/quotes/compare/", "/stones/"])
def test_an_amount_in_an_address(client, live_models, path, text):
    first, second = submit(client).url, submit(client).url
    ids = [address.split("/")[-2] for address in (first, second)]
    names = {
        "quote": (first, {"asking": text}),
        "/quotes/compare/": (path, {"id": ids, "asking": [text, "5"]}),
        "/stones/": (path, {"price_from": text}),
    }
    address, data = names[path]
    response, taken = seconds(lambda: client.get(address, data, headers=ENGLISH))
    assert response.status_code == (400 if path == "/quotes/compare/" else 200)
    assert "is not an amount" in page(response)
    assert bounded(text) in page(response)
    assert taken < 1


@pytest.mark.parametrize("text", TEXTS)
def test_the_api_refuses_it_in_the_usual_words(client, live_models, text):
    for name in MEASURES:
        body = {**STONES["graded"], name: text}
        response = client.post("/api/predict", body, "application/json")
        assert response.status_code == 400
        [message] = response.json()[name]
        assert "is not a number: give a number from" in message
    for name in ("cut", "color", "clarity"):
        body = {**STONES["graded"], name: text}
        [message] = client.post("/api/predict", body, "application/json").json()[name]
        assert f"is not a {name} grade: give one of" in message
    assert Prediction.objects.filter(status=400).count() == Prediction.objects.count() == 9


@pytest.mark.parametrize("digits", ["9" * 199, "9" * 299, "9" * 301, "0." + "7" * 299, "9" * 5000])
def test_a_number_of_many_digits_in_json(client, live_models, digits):
    body = f'[{{"carat": {digits}}}' + f", {digits}" * (300_000 // len(digits)) + "]"
    response, taken = seconds(lambda: client.post("/api/predict", body, "application/json"))
    assert response.status_code == 400
    assert taken < 1
    body = '{"carat": %s, "x": 5, "cut": "Ideal"}' % digits  # noqa: UP031
    response = client.post("/api/predict", body, "application/json")
    [message] = response.json()["carat"]
    assert "“999" in message or "“0.77" in message
    assert Prediction.objects.filter(status=400).count() == 2
