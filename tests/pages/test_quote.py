"""The quote of an answer: what it shows, for people and for programs."""

import re
import uuid

import pytest

from ml.stones import BASIS, SCHEMES
from predictor.models import Activation, Prediction
from predictor.versions.live import registry

from .helpers import ENGLISH, NBSP, POLISH, STONES, control, page, quoted, submit


def test_the_quote_shows_the_answer_as_stored(client, live_models):
    response, row = quoted(client)
    text = page(response)
    assert response.status_code == 200
    assert f'<p class="price">${row.predicted_price:,}</p>' in text
    assert f"80% range: from ${row.whole_low:,} to ${row.whole_high:,}." in text
    assert f"${row.price_per_carat:,.2f} per carat" in text
    assert f"about {BASIS.year}" in text
    assert f"http://testserver/quotes/{row.id}/" in text
    assert f"Grading report, version {row.version.number}" in text
    assert f"0.7{NBSP}ct" in text
    assert f"5.73{NBSP}mm" in text
    assert Prediction.objects.count() == 1


def test_the_quote_stays_as_it_was_when_no_model_is_live(client, live_models):
    before, row = quoted(client)
    Activation.objects.update(live=False)
    registry.refresh()
    after = client.get(row.get_absolute_url(), headers=ENGLISH)
    assert f'<p class="price">${row.predicted_price:,}</p>' in page(after)
    assert after.status_code == before.status_code == 200


def test_a_coded_quote_says_what_its_codes_mean(client, live_models):
    response, _ = quoted(client, "coded")
    text = page(response)
    assert "<dd>3 <small>(Premium)</small></dd>" in text
    assert "<dd>0 <small>(J, I, H, G)</small></dd>" in text
    assert "<dd>2 <small>(VS2, VS1)</small></dd>" in text
    assert f"60.063{NBSP}mm³" in text


def test_the_quote_says_what_is_odd_about_the_stone(client, live_models):
    response, row = quoted(client, depth="64")
    assert [warning["code"] for warning in row.warnings] == ["depth_disagrees"]
    assert "Depth 64 % disagrees with x, y, z, which give 61.4 %." in page(response)


def test_the_quote_says_so_in_polish(client, live_models):
    response, row = quoted(client, headers=POLISH, depth="64")
    text = page(response)
    price = f"{row.predicted_price:,}".replace(",", NBSP)
    assert f'<p class="price">{price}{NBSP}USD</p>' in text
    assert f"0,7{NBSP}ct" in text
    assert f"Głębokość 64{NBSP}% nie zgadza się" in text
    assert f"wynika 61,4{NBSP}%." in text


def test_the_quote_leads_back_to_a_form_with_the_stone_filled_in(client, live_models):
    response, _ = quoted(client)
    address = re.search(r'href="(/\?scheme=graded&carat=[^"]*)#form"', page(response))[1]
    form = client.get(address, headers=ENGLISH)
    assert 'value="0.7"' in control(form, "carat")
    assert '<option value="Ideal" selected>' in page(form)


def test_an_unknown_quote_is_not_found(client, db):
    response = client.get(f"/quotes/{uuid.uuid4()}/", headers=ENGLISH)
    assert response.status_code == 404
    assert "There is no such quote" in page(response)
    assert 'href="/#form"' in page(response)


def test_a_refused_prediction_has_no_quote(client, live_models):
    submit(client, carat="abc")
    refused = Prediction.objects.get()
    assert client.get(refused.get_absolute_url()).status_code == 404


def test_the_quote_keeps_to_it_too(client, live_models):
    response, _ = quoted(client)
    assert not re.search(r"<style|<script>|\sstyle=|\son\w+=", page(response))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_quote_is_the_apis_object_to_programs(client, live_models, scheme):
    asked = {**STONES[scheme], "table": "99"}  # with a warning, which is a sentence
    told = client.get("/api/predict", asked).json()
    for language in (ENGLISH, POLISH):
        answer = client.get(told["url"], headers={**language, "accept": "application/json"})
        assert (answer.status_code, answer.json()) == (200, told)
        assert answer["Content-Type"] == "application/json"
        assert answer["Content-Language"] == "en"
        assert "Accept" in answer["Vary"].split(", ")


@pytest.mark.parametrize("accept", ["text/html,application/json;q=0.9", "*/*", "image/png", ""])
def test_a_quote_is_a_page_to_everyone_else(client, live_models, accept):
    _, row = quoted(client)
    answer = client.get(row.get_absolute_url(), headers={"accept": accept})
    assert answer["Content-Type"].startswith("text/html")
    assert "Accept" in answer["Vary"].split(", ")


def test_a_quote_that_is_not_there_is_told_to_programs(client, db):
    answer = client.get(f"/quotes/{uuid.uuid4()}/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no such quote."})
