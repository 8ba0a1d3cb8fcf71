"""The quote of an answer: what it shows, as a page and as JSON."""

import re
import uuid

import pytest

from ml.stones import BASIS, SCHEMES
from predictor.models import Activation, Prediction
from predictor.pricing.alternatives import outlook
from predictor.pricing.answers import described
from predictor.replay.services import replayed
from predictor.versions.live import _kept, forest_of, registry
from predictor.versions.store import register

from .helpers import ENGLISH, NBSP, POLISH, STONES, page, quoted, submit


def comparables_of(prediction, k):
    """The k comparables of a recorded price with the largest weights, computed by its version."""
    return described(forest_of(prediction.version), replayed(prediction, k).comparables)


def test_the_quote_shows_the_answer_as_stored(client, live_models):
    response, row = quoted(client)
    text = page(response)
    assert response.status_code == 200
    assert f'<p class="price">${row.predicted_price:,}</p>' in text
    assert f"80% range: from ${row.whole_low:,} to ${row.whole_high:,}." in text
    assert f"${row.price_per_carat:,.0f} per carat" in text
    assert f"about {BASIS.year}" in text
    assert f"http://testserver/quotes/{row.id}/" in text
    assert f"Grading report, version {row.version.number}" in text
    assert f"0.70{NBSP}ct" in text
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


def test_the_quote_says_so_in_polish(client, live_models):
    response, row = quoted(client, headers=POLISH, depth="64")
    text = page(response)
    price = f"{row.predicted_price:,}".replace(",", NBSP)
    assert f'<p class="price">{price}{NBSP}USD</p>' in text
    assert f"0,70{NBSP}ct" in text
    assert "Głębokość 64% nie zgadza się" in text
    assert "wynika 61,4%." in text


def test_an_unknown_quote_is_not_found(client, db):
    response = client.get(f"/quotes/{uuid.uuid4()}/", headers=ENGLISH)
    assert response.status_code == 404
    assert "Quote not found" in page(response)
    assert 'href="/#form"' in page(response)


def test_a_refused_prediction_has_no_quote(client, live_models):
    submit(client, carat="abc")
    refused = Prediction.objects.get()
    assert client.get(refused.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_quote_is_the_apis_object_to_programs(client, live_models, scheme):
    asked = {**STONES[scheme], "table": "99"}  # gives a warning, whose text depends on the language
    answer_json = client.get("/api/predict", asked).json()
    for language in (ENGLISH, POLISH):
        answer = client.get(answer_json["url"], headers={**language, "accept": "application/json"})
        assert (answer.status_code, answer.json()) == (200, answer_json)
        assert answer["Content-Type"] == "application/json"
        assert answer["Content-Language"] == "en"
        assert "Accept" in answer["Vary"].split(", ")


@pytest.mark.parametrize("accept", ["text/html,application/json;q=0.9", "*/*", "image/png", ""])
def test_a_quote_is_a_page_to_everyone_else(client, live_models, accept):
    _, row = quoted(client)
    answer = client.get(row.get_absolute_url(), headers={"accept": accept})
    assert answer["Content-Type"].startswith("text/html")
    assert "Accept" in answer["Vary"].split(", ")


def test_a_missing_quote_is_a_404_in_json_for_programs(client, db):
    answer = client.get(f"/quotes/{uuid.uuid4()}/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Quote not found."})


def test_the_quote_says_how_sure_in_plain_words(client, live_models):
    response, row = quoted(client)
    ends = f"${row.whole_low:,} and ${row.whole_high:,}"
    assert f"About 8 of 10 similar stones were offered between {ends}." in page(response)
    count = len(comparables_of(row, 10_000))
    assert f"The price is based on {count:,} stones in the data." in page(response)
    assert "Not an appraisal." in page(response)


def test_an_extrapolation_shows_no_coverage(client, live_models):
    response, row = quoted(client, carat="2.5", x="8.7", y="8.75", z="5.4", depth="61.9")
    assert row.is_extrapolated
    assert "8 of 10" not in page(response)
    assert "so the coverage of this range is unknown" in page(response)


def test_the_comparables_are_a_table_and_two_charts(client, live_models):
    response, row = quoted(client)
    text = page(response)
    for one in comparables_of(row, 8):
        assert f"<td>${one['price']:,}</td>" in text
        assert f"<td>{one['weight']:.1%}</td>" in text
    assert text.count('<circle class="dot"') == min(40, len(comparables_of(row, 10_000)))
    assert text.count('<circle class="this"') == 1
    assert text.count('<rect class="bar"') == text.count("%</td></tr>\n")


@pytest.mark.parametrize("typed", ["3,100", "3 100", "$3100", "3100 USD"])
def test_an_asking_price_is_judged_and_not_recorded(client, live_models, typed):
    _, row = quoted(client)
    answer_json = client.get("/api/predict", {**STONES["graded"], "asking": "3100"}).json()[
        "asking"
    ]
    before = Prediction.objects.count()
    text = page(client.get(row.get_absolute_url(), {"asking": typed}, headers=ENGLISH))
    part = {"below": "is below", "within": "is in the ", "above": "is above"}[
        answer_json["verdict"]
    ]
    assert f"The asking price of $3,100 {part}" in text
    assert f"In about 2008, {answer_json['percentile']}% of similar stones cost less." in text
    off = 3100 / row.predicted_price - 1
    side = "above" if off > 0 else "below"
    amount = abs(3100 - row.predicted_price)
    assert f"That is ${amount:,} ({abs(off):.1%}) {side} our estimate." in text
    assert Prediction.objects.count() == before


@pytest.mark.parametrize(
    ("asking", "told"),
    [
        ("1000000000", "more than 99.9% of similar stones cost less."),
        ("1", "less than 0.1% of similar stones cost less."),
    ],
)
def test_an_asking_price_beyond_the_curve_is_reported_as_a_bound(client, live_models, asking, told):
    _, row = quoted(client)
    assert told in page(client.get(row.get_absolute_url(), {"asking": asking}, headers=ENGLISH))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("abc", "“abc” is not an amount: enter it like 2757.50, with or without USD."),
        ("1" + "0" * 199, "is out of bounds"),
    ],
)
def test_a_wrong_asking_price_says_so_and_stays(client, live_models, typed, message):
    _, row = quoted(client)
    text = page(client.get(row.get_absolute_url(), {"asking": typed}, headers=ENGLISH))
    assert message in text
    assert 'aria-invalid="true" aria-describedby="asking-told" autofocus' in text
    assert f'value="{typed}"' in text


def test_the_quote_says_what_would_change_it(client, live_models, small_forests):
    response, row = quoted(client)
    found = outlook(row, small_forests["graded"])
    text = page(response)
    for change in found.changes:
        assert f'<td class="figure">${change.price:,}</td>' in text
    assert text.count("about the same</td>") == sum(change.same for change in found.changes)
    assert "they are not saved" in text
    assert "Save money" in text
    assert Prediction.objects.count() == 1


def test_the_quote_says_how_big_the_stone_looks(client, live_models):
    response, _ = quoted(client, x="5.90", y="5.90", z="3.5", depth="59.3")
    assert re.search(r"It is [\d.]+% wider and looks like a stone of 0\.\d\d ct\.", page(response))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_quote_is_the_same_as_json_by_a_link(client, live_models, scheme):
    response, row = quoted(client, scheme)
    address = re.search(r'href="([^"]*format=json)"', page(response))[1]
    answer = client.get(address, headers=ENGLISH)
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["predicted_price"] == row.predicted_price


def test_a_quote_whose_forest_is_gone_shows_its_record_and_says_so(client, live_models):
    _, row = quoted(client)
    Activation.objects.update(live=False)
    registry.refresh()
    row.version.artifact.delete(save=False)
    _kept.cache_clear()
    text = page(client.get(row.get_absolute_url(), {"asking": "3100"}, headers=ENGLISH))
    assert f'<p class="price">${row.predicted_price:,}</p>' in text
    assert f"80% range: from ${row.whole_low:,} to ${row.whole_high:,}." in text
    assert "The model file of this quote is no longer available." in text
    assert "The asking price of $3,100 is" in text
    assert "What would change the price" not in text


def test_an_old_quote_is_worked_out_by_the_version_that_gave_it(client, live_models, other_forests):
    before, row = quoted(client)
    version = register(other_forests["graded"], "tests")
    Activation.objects.filter(scheme="graded").update(live=False)
    Activation.objects.create(scheme="graded", version=version, by="tests", why="newer")
    registry.refresh()
    after = client.get(row.get_absolute_url(), headers=ENGLISH)
    assert registry.live("graded").version == version
    assert after.content == before.content
