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


def test_the_table_says_what_the_picture_shows(client, live_models, recorded):
    text = page(look(client, by="cut"))
    some = recorded["cut"] == 4
    price, per_carat = recorded["price"][some], (recorded["price"] / recorded["carat"])[some]
    row = re.search(r"</span> Ideal</th>(.*?)</tr>", text, re.S)[1]
    cells = re.findall(r'<td class="figure">(.*?)</td>', row)
    assert cells[0] == f"{some.sum():,}"
    assert cells[2] == f"${round(float(np.median(price))):,}"
    assert cells[3] == f"${round(float(np.median(per_carat))):,}"


@pytest.mark.parametrize("field", ["carat_from", "carat_to", "price_from", "price_to"])
@pytest.mark.parametrize("typed", ["abc", "nan", "1e999"])
def test_a_wrong_end_says_so_and_is_left_out(client, live_models, recorded, field, typed):
    response = look(client, **{field: typed})
    error = "is not an amount: enter it like 2757.50" if "price" in field else "is not a number."
    assert f'id="{field}-error">“{typed}” {error}' in page(response)
    assert f'name="{field}" value="{typed}"' in page(response)
    assert shown_count(response) == len(recorded["price"])


def test_nothing_found_says_so(client, live_models):
    text = page(look(client, carat_from="4", carat_to="3"))
    assert "No stones match. Widen the filter." in text
    assert "Price a similar stone" not in text


def test_what_a_step_costs_is_what_the_live_forest_asks(client, live_models, small_forests):
    forest = small_forests["graded"]
    text = page(look(client, cut="Good", color="H"))
    stone = usual_stone(forest, 1.0) | {"cut": "Good", "color": "H", "clarity": "VS2"}
    better = {**stone, "color": "G"}
    price, dearer = forest.price(np.array([row_of(one, "graded") for one in (stone, better)]))
    row = re.search(r">1\xa0ct</a></th>(.*?)</tr>", text, re.S)[1]
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[0] == f"${round(price):,}"
    sign = "+" if dearer >= price else "−"
    assert cells[2] == f"{sign}${abs(round(dearer - price)):,}"
    assert not Prediction.objects.exists()


def test_the_best_grade_has_no_better(client, live_models):
    text = page(look(client, color="D"))
    row = re.search(r">1\xa0ct</a></th>(.*?)</tr>", text, re.S)[1]
    assert re.findall(r"<td>(.*?)</td>", row)[2] == "–"


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
