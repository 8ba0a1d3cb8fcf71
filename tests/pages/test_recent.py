"""The recent quotes of a browser, and the comparison of some of them."""

import re
import uuid
from unittest.mock import Mock

import pytest

from ml.stones import EXAMPLES
from predictor.models import Activation, ModelVersion, Prediction
from predictor.pages.quotes.recent import KEPT
from predictor.versions.activation import activate
from predictor.versions.live import registry
from predictor.versions.store import register

from .helpers import ENGLISH, POLISH, STONES, page, submit

OTHER_PROPORTIONS = {"table": "60", "depth": "63", "x": "5.67", "y": "5.65", "z": "3.56"}


def priced(client, **changes):
    submit(client, **changes)
    return Prediction.objects.first()


def compare(client, *rows, headers=ENGLISH, **typed):
    data = {"id": [str(row.pk) for row in rows], **typed}
    return client.get("/quotes/compare/", data, headers=headers)


def row_of(response, label):
    """The cells of a row of the comparison, and for each whether it is marked as the best."""
    found = re.search(rf'<th scope="row">{label}</th>(.*?)</tr>', page(response), re.S)[1]
    cells = re.findall(r"<td( class=\"best\")?>(.*?)</td>", found, re.S)
    return [re.sub(r"\s*<.*", "", text, flags=re.S) for _, text in cells], [
        bool(best) for best, _ in cells
    ]


def test_a_browser_remembers_its_last_ten_quotes(client, live_models):
    rows = [priced(client, carat=f"0.7{place % 10}") for place in range(KEPT + 2)]
    text = page(client.get("/quotes/", headers=ENGLISH))
    linked = re.findall(r'href="/quotes/([0-9a-f-]{36})/"', text)
    assert linked == [str(row.pk) for row in reversed(rows[-KEPT:])]
    assert f"${rows[-1].predicted_price:,}" in text
    assert f'<a href="{rows[-1].get_absolute_url()}">0.71\xa0ct, Ideal, G, VS1</a>' in text
    assert "Compare 0.71\xa0ct, Ideal, G, VS1</span></label>" in text


def test_the_cookie_is_signed_and_for_the_server_only(client, live_models):
    row = priced(client)
    cookie = client.cookies["quotes"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert cookie.value.startswith(row.pk.hex)
    client.cookies["quotes"] = cookie.value.replace(row.pk.hex[:4], "0000")
    assert "There are no recent quotes in this browser" in page(
        client.get("/quotes/", headers=ENGLISH)
    )


@pytest.mark.parametrize("value", ["", "x", "a:b", "....", "0" * 40])
def test_an_invalid_cookie_counts_as_none(client, live_models, value):
    client.cookies["quotes"] = value
    assert client.get("/quotes/").status_code == 200
    assert client.get("/").status_code == 200


def test_the_api_sets_no_cookie(client, live_models):
    client.get("/api/predict", EXAMPLES["graded"][0])
    assert "quotes" not in client.cookies


def test_they_are_forgotten_but_stay_on_record(client, live_models):
    row = priced(client)
    assert client.post("/quotes/forget/").url == "/quotes/"
    assert "There are no recent quotes" in page(client.get("/quotes/", headers=ENGLISH))
    assert client.get(row.get_absolute_url()).status_code == 200


def test_the_best_of_each_row_is_marked_and_why(client, live_models):
    small = priced(client)
    large = priced(client, carat="0.9", x="6.2", y="6.17", z="3.8", color="J", cut="Good")
    response = compare(client, small, large)
    assert row_of(response, "Carat weight") == (["0.70\xa0ct", "0.90\xa0ct"], [False, True])
    assert row_of(response, "Color") == (["G", "J"], [True, False])
    assert row_of(response, "Cut") == (["Ideal", "Good"], [True, False])
    assert row_of(response, "Clarity") == (["VS1", "VS1"], [False, False])
    assert row_of(response, "Our estimate") == (
        [f"${one.predicted_price:,}" for one in (small, large)],
        [False, False],
    )
    per_carat = [f"${one.price_per_carat:,.0f}" for one in (small, large)]
    assert row_of(response, "Price per carat") == (per_carat, [False, False])
    assert "✓ heaviest" in page(response)
    assert "The cheapest stone is not the best in both" in page(response)


def test_the_best_buy_asks_least_for_what_it_is(client, live_models):
    first, second = priced(client), priced(client, color="D")
    dear, cheap = f"{first.predicted_price * 1.2:.0f}", f"{second.predicted_price * 0.9:,.0f}"
    response = compare(client, first, second, asking=[dear, cheap])
    assert (
        "Best buy: 0.70\xa0ct, Ideal, D, VS1. Its asking price is the lowest compared with our "
        "estimate (−10.0%)." in page(response)
    )
    assert row_of(response, "Asking price compared with our estimate") == (
        ["+20.0%", "−10.0%"],
        [False, True],
    )


def test_a_stone_that_is_cheaper_and_no_worse_is_the_best_buy(client, live_models):
    first, second = priced(client), priced(client, **OTHER_PROPORTIONS)
    response = compare(client, first, second)
    assert "It costs least and is no worse in weight and grades." in page(response)


def test_two_identical_stones_are_a_tie(client, live_models):
    first, second = priced(client), priced(client)
    text = page(compare(client, first, second))
    assert "A tie: the cheapest stones cost the same." in text
    assert "Best buy" not in text
    for name in ("(1)", "(2)"):
        assert f">0.70\xa0ct, Ideal, G, VS1 {name}</a>" in text


@pytest.mark.parametrize("asking", [("2000", "2000"), ("2000", "2000", "2500")])
def test_equal_asking_prices_of_identical_stones_are_a_tie(client, live_models, asking):
    rows = [priced(client) for _ in asking]
    text = page(compare(client, *rows, asking=asking))
    assert "A tie: the lowest asking prices are the same compared with our estimates." in text
    assert "Best buy" not in text


def test_the_buyer_names_the_stones(client, live_models):
    rows = [priced(client), priced(client), priced(client, color="D")]
    names = [" My jeweller ", "", "<b>" + "x" * 60]
    asking = ["9000", "9000", "10"]
    text = page(compare(client, *rows, asking=asking, name=names))
    for name in ("My jeweller", "0.70\xa0ct, Ideal, G, VS1", "<b>" + "x" * 37):
        assert f">{name}</a>" in text
    assert "Best buy: <b>xxx" in text
    assert 'name="name" value="My jeweller" maxlength="40"' in text


def test_stones_with_one_name_are_numbered(client, live_models):
    rows = [priced(client), priced(client, color="D")]
    text = page(compare(client, *rows, name=["Shop", "Shop"]))
    assert (text.count(">Shop (1)</a>"), text.count(">Shop (2)</a>")) == (1, 1)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_two_to_four_are_compared(client, live_models, count):
    rows = [priced(client, carat=f"0.7{place}") for place in range(count)]
    response = compare(client, *rows)
    assert response.status_code == 400
    assert "Choose two to four quotes to compare." in page(response)


def test_invalid_and_missing_ids_are_left_out(client, live_models):
    row = priced(client)
    ids = [str(row.pk), "x", str(uuid.uuid4()), ""]
    assert client.get("/quotes/compare/", {"id": ids}).status_code == 400


def test_both_schemes_stand_side_by_side(client, live_models):
    graded = priced(client)
    client.post("/", {"scheme": "coded", **STONES["coded"]})
    response = compare(client, graded, Prediction.objects.first(), headers=POLISH)
    assert response.status_code == 200
    assert row_of(response, "Barwa")[1] == [False, False]


def test_prices_of_another_year_are_not_held_against_each_other(client, live_models):
    first = priced(client)
    client.post("/", {"scheme": "coded", **STONES["coded"]})
    second = Prediction.objects.first()
    ModelVersion.objects.filter(pk=second.version_id).update(price_year=2026)
    assert row_of(compare(client, first, second), "Our estimate")[1] == [False, False]


def test_nor_is_one_of_them_the_best_buy(client, live_models, other_forests):
    first = priced(client)
    version = register(other_forests["graded"], "tests")
    ModelVersion.objects.filter(pk=version.pk).update(price_year=2026)
    Activation.objects.filter(scheme="graded").update(live=False)
    Activation.objects.create(scheme="graded", version=version, by="tests", why="newer")
    registry.refresh()
    second = priced(client, **OTHER_PROPORTIONS)
    assert "It costs least" in page(compare(client, second, priced(client)))
    assert "It costs least" not in page(compare(client, first, second))


# Two quotes of one stone


@pytest.fixture
def changed(client, later):
    """Two quotes of one stone: by the first version, and by one of a table that changed, active since."""
    first = priced(client)
    activate(later, "tests", "newer")
    registry.refresh()
    return first, priced(client)


def test_two_quotes_of_one_stone_say_why_its_price_changed(client, changed):
    first, second = changed
    assert first.version != second.version
    text = page(compare(client, second, first))
    assert "Why the price changed: 0.70\xa0ct, Ideal, G, VS1" in text
    assert f"Version 2 gives ${second.price:,.2f} instead of ${first.price:,.2f} (" in text
    assert text.count('id="why-0-parts-title"') == 1


def test_only_quotes_of_one_stone_and_two_versions_do(client, changed):
    first, second = changed
    other = priced(client, color="D")
    assert "Why the price changed" not in page(compare(client, first, other))
    assert "Why the price changed" not in page(compare(client, second, priced(client)))
    assert page(compare(client, first, second, other)).count("Why the price changed") == 1


def test_a_version_that_is_gone_is_not_explained(client, changed, monkeypatch):
    gone = Mock(side_effect=FileNotFoundError("no such file"))
    monkeypatch.setattr("predictor.replay.differences.forest_of", gone)
    text = page(compare(client, *changed))
    assert "This cannot be explained, because a version is no longer available." in text
