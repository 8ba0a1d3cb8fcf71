"""An asking price on the form is recorded; the quote, the list and the comparison show the verdict."""

import re

import pytest

from predictor.models import Prediction

from .helpers import ENGLISH, POLISH, SCOPE, STONES, error_at, page, submit


def word_of(response):
    """(kind, word) of the verdict that a page shows; None without one."""
    found = re.search(
        r'<div class="verdict (\w+)".*?</span> ([^<]+)</p>', page(response), re.DOTALL
    )
    return found and found.groups()


@pytest.mark.parametrize("typed", ["3100", "3,100", "$3 100.00", "3100 USD"])
def test_the_asking_price_is_recorded_with_its_percentile(client, live_models, typed):
    response = submit(client, asking=typed)
    row = Prediction.objects.get()
    assert response.url == row.get_absolute_url()
    assert row.asking == 3100
    asked = client.get("/api/predict", {**STONES["graded"], "asking": "3100"}).json()["asking"]
    assert asked == {"price": 3100.0, "percentile": row.percentile, "verdict": row.verdict}


def test_without_one_the_quote_opens_with_the_price(client, live_models):
    response = client.get(submit(client, asking=" ").url, headers=ENGLISH)
    assert Prediction.objects.get().asking is None
    assert word_of(response) is None
    assert SCOPE in page(response)


@pytest.mark.parametrize(
    ("factor", "kind", "english", "polish"),
    [
        (0.3, "below", "Below", "Niska"),
        (1.0, "fair", "Fair", "Uczciwa"),
        (4.0, "far_above", "Far above", "Znacznie zawyżona"),
    ],
)
def test_the_quote_opens_with_the_verdict(client, live_models, factor, kind, english, polish):
    submit(client)
    price = Prediction.objects.get().predicted_price
    url = submit(client, asking=str(round(price * factor))).url
    for headers, word in ((ENGLISH, english), (POLISH, polish)):
        response = client.get(url, headers=headers)
        assert word_of(response) == (kind, word)
        text = page(response)
        places = [text.index(part) for part in ('class="verdict', "<svg width", 'class="price"')]
        assert places == sorted(places)
    assert SCOPE in page(client.get(url, headers=ENGLISH))


def test_a_price_above_the_range_but_not_far_is_high(client, live_models):
    submit(client)
    row = Prediction.objects.get()
    response = client.get(submit(client, asking=f"{row.high + 1:.2f}").url, headers=ENGLISH)
    assert word_of(response) == ("high", "High")


def test_an_extrapolation_is_said_to_be_uncertain(client, live_models):
    big = {"carat": "2.5", "x": "8.7", "y": "8.75", "z": "5.4", "depth": "61.9", "asking": "900000"}
    response = client.get(submit(client, **big).url, headers=ENGLISH)
    assert Prediction.objects.get().is_extrapolated
    assert word_of(response) == ("high", "High")
    assert "hardly any similar stones, so this is uncertain." in page(response)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("dear", "“dear” is not an amount: enter it like 2757.50, with or without USD."),
        ("€3,100", f"“€3,100” is in EUR; this version’s prices are in USD. {SCOPE}"),
        ("12 000 zł", f"“12 000 zł” is in PLN; this version’s prices are in USD. {SCOPE}"),
        ("0", "“0” is out of bounds: give an amount from 1 to 1000000000."),
    ],
)
@pytest.mark.parametrize("carat", ["0.7", ""])
def test_a_wrong_one_is_refused_and_recorded(client, live_models, typed, message, carat):
    response = submit(client, asking=typed, carat=carat)
    row = Prediction.objects.get()
    assert response.status_code == 400
    assert error_at(response, "asking") == [message]
    assert row.status == 400
    assert row.error["asking"] == [message]
    assert ("carat" in row.error) == (carat == "")


def test_an_ambiguous_one_is_asked_back(client, live_models):
    response = submit(client, asking="90,000")
    assert error_at(response, "asking") == [
        "“90,000” can mean 90000 or 90.00: write the one that is meant."
    ]
    assert 'name="asking" value="90000">90000\xa0USD</button>' in page(response)


def test_the_estimate_while_typing_has_the_word(client, live_models):
    sent = {"scheme": "graded", **STONES["graded"]}
    text = page(client.post("/preview/", {**sent, "asking": "90000"}, headers=ENGLISH))
    assert '<span class="chip far_above"><span aria-hidden="true">⇈</span> Far above</span>' in text
    assert "is in EUR" in page(client.post("/preview/", {**sent, "asking": "€5"}, headers=ENGLISH))
    assert not Prediction.objects.exists()


def test_the_list_and_the_comparison_carry_it_along(client, live_models):
    submit(client, asking="90000")
    submit(client, color="D")
    listed = page(client.get("/quotes/", headers=ENGLISH))
    assert listed.count("Far above") == 1
    assert "asking $90,000" in listed
    ids = [str(row.pk) for row in Prediction.objects.order_by("id")]
    compared = page(client.get("/quotes/compare/", {"id": ids}, headers=ENGLISH))
    assert re.search(
        r"Verdict on the asking price</th>\s*<td>⇈ Far above</td>\s*<td>–</td>", compared
    )
    assert 'value="90000"' in compared


def test_the_asking_price_is_taken_along_to_the_other_form(client, live_models):
    response = client.post("/", {"scheme": "coded", "tab": "graded", "asking": "3100"})
    assert "asking=3100" in response.url


def test_one_that_is_entered_on_a_quote_is_carried_along_too(client, live_models):
    submit(client, color="D")
    submit(client)
    newest = Prediction.objects.first()
    client.get(newest.get_absolute_url(), {"asking": "90,000.75"}, headers=ENGLISH)
    listed = page(client.get("/quotes/", headers=ENGLISH))
    assert "asking $90,001" in listed
    assert listed.count("Far above") == 1
    ids = [str(row.pk) for row in Prediction.objects.all()]
    compared = page(client.get("/quotes/compare/", {"id": ids}, headers=ENGLISH))
    assert "<td>⇈ Far above</td>" in compared
    assert 'value="90000.75"' in compared
    submit(client, color="E")
    assert "asking $90,001" in page(client.get("/quotes/", headers=ENGLISH))
    assert not Prediction.objects.filter(asking__isnull=False).exists()


def test_one_for_a_quote_of_another_browser_is_not_kept(client, live_models):
    submit(client)
    url = Prediction.objects.get().get_absolute_url()
    client.cookies.clear()
    response = client.get(url, {"asking": "3100"}, headers=ENGLISH)
    assert "quotes" not in response.cookies
