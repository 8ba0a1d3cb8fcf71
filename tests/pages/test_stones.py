"""The page of recorded stones: filters, and the price difference of one grade."""

import re

import numpy as np
import pytest

from ml.forest.matrix import row_of
from predictor.models import Activation, Prediction
from predictor.pages.stones import usual_stone
from predictor.versions.live import registry

from .helpers import ENGLISH, page


def look(client, headers=ENGLISH, **asked):
    return client.get("/stones/", asked, headers=headers)


def shown_count(response):
    return int(re.search(r"([\d,]+) of [\d,]+ stones match; ", page(response))[1].replace(",", ""))


@pytest.fixture
def recorded(small_forests):
    return small_forests["graded"].recorded_columns


FILTERS = [
    ({}, lambda c: c["carat"] > 0),
    (
        {"carat_from": "0,9", "carat_to": "1.1 ct"},
        lambda c: (c["carat"] >= 0.9) & (c["carat"] <= 1.1),
    ),
    ({"price_to": "1 000"}, lambda c: c["price"] <= 1000),
    ({"price_from": "$5,000"}, lambda c: c["price"] >= 5000),
    ({"cut": "Ideal"}, lambda c: c["cut"] == 4),
    (
        {"color": ["D", "E"], "clarity": ["VS1"]},
        lambda c: np.isin(c["color"], [5, 6]) & (c["clarity"] == 4),
    ),
    ({"color": "nonsense", "by": "nonsense"}, lambda c: c["carat"] > 0),
]


@pytest.mark.parametrize(("asked", "wanted"), FILTERS)
def test_the_stones_are_filtered(client, live_models, recorded, asked, wanted):
    response = look(client, **asked)
    assert response.status_code == 200
    assert shown_count(response) == int(wanted(recorded).sum())


@pytest.mark.parametrize(
    ("at", "low", "high", "heading"),
    [
        ("", 1.0, 1.1, "1.00 to 1.09\xa0ct"),
        ("0.3", 0.3, 0.33, "0.30 to 0.32\xa0ct"),
        ("nonsense", 1.0, 1.1, "1.00 to 1.09\xa0ct"),
    ],
)
def test_the_grades_are_compared_at_one_weight(
    client, live_models, small_forests, recorded, at, low, high, heading
):
    text = page(look(client, by="cut", at=at))
    some = (recorded["cut"] == 4) & (recorded["carat"] >= low) & (recorded["carat"] < high)
    stone = usual_stone(small_forests["graded"], low) | {"color": "G", "clarity": "VS2"}
    alike = np.array([row_of({**stone, "cut": "Ideal"}, "graded")])
    [estimate] = small_forests["graded"].price(alike)
    row = re.search(r"</svg> Ideal</th>(.*?)</tr>", text, re.S)[1]
    cells = re.findall(r'<td class="figure">(.*?)</td>', row)
    assert cells == [
        f"{some.sum():,}",
        f"${round(float(np.median(recorded['price'][some]))):,}",
        f"${round(float(estimate)):,}",
    ]
    assert f"The grades at one weight: {heading}" in text


@pytest.mark.parametrize("field", ["carat_from", "carat_to", "price_from", "price_to"])
@pytest.mark.parametrize("typed", ["abc", "nan", "1e999"])
def test_a_wrong_end_says_so_and_is_left_out(client, live_models, recorded, field, typed):
    response = look(client, **{field: typed})
    error = (
        "is not an amount: enter it like 2757.50"
        if "price" in field
        else "is not a weight in carats."
    )
    assert f'id="{field}-error">“{typed}” {error}' in page(response)
    assert f'name="{field}" value="{typed}"' in page(response)
    assert shown_count(response) == len(recorded["price"])


@pytest.mark.parametrize("field", ["carat", "price"])
def test_a_range_that_ends_before_it_begins_says_so_and_is_left_out(
    client, live_models, recorded, field
):
    response = look(client, **{f"{field}_from": "400", f"{field}_to": "3"})
    assert f'id="{field}_to-error">The upper limit is below the lower one.' in page(response)
    assert shown_count(response) == len(recorded["price"])


def test_a_weight_without_matching_stones_says_so(client, live_models):
    text = page(look(client, carat_to="0.9"))
    assert "None of the matching stones has this weight." in text


def test_nothing_found_says_so(client, live_models):
    text = page(look(client, carat_from="25", carat_to="26"))
    assert "No stones match. Widen the filter." in text
    assert "Price a similar stone" not in text


def test_what_a_step_costs_is_what_the_live_forest_asks(client, live_models, small_forests):
    forest = small_forests["graded"]
    text = page(look(client, cut="Good", color="H"))
    stone = usual_stone(forest, 1.0) | {"cut": "Good", "color": "H", "clarity": "VS2"}
    better = {**stone, "color": "G"}
    price, dearer = forest.price(np.array([row_of(one, "graded") for one in (stone, better)]))
    row = re.search(r">1\.00\xa0ct</a></th>(.*?)</tr>", text, re.S)[1]
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[0] == f"${round(price):,}"
    sign = "+" if dearer >= price else "−"
    assert cells[2] == f"{sign}${abs(round(dearer - price)):,}"
    assert not Prediction.objects.exists()


def test_the_best_grade_has_no_step_up(client, live_models):
    text = page(look(client, color="D"))
    row = re.search(r">1\.00\xa0ct</a></th>(.*?)</tr>", text, re.S)[1]
    assert len(re.findall(r"<td>(.*?)</td>", row)) == 4
    assert "one clarity grade better" in text
    assert "one color grade better" not in text


def test_each_listed_stone_leads_into_the_form(client, live_models, recorded):
    text = page(look(client))
    addresses = re.findall(r'<a href="(/\?scheme=graded[^"]*)#form">Price a similar stone', text)
    assert len(addresses) == 8
    form = client.get(addresses[0])
    carat = float(re.search(r'name="carat" value="([^"]*)"', page(form))[1])
    assert carat in recorded["carat"]


def test_without_a_live_model_it_says_so(client, live_models):
    Activation.objects.update(live=False)
    registry.refresh()
    response = look(client)
    assert response.status_code == 503
    assert "No model is active at the moment" in page(response)
