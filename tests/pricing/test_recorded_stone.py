"""A stone that is itself in the training data: the answer, its record, pages and files say so."""

import json

import numpy as np
import pytest

from ml.forest import PriceForest
from ml.forest.matrix import row_of
from predictor.models import Prediction
from predictor.pricing.warnings import sentence
from predictor.replay.differences import parts_of, why
from predictor.replay.services import answers_of, verify
from predictor.versions.activation import activate
from predictor.versions.live import forest_of
from predictor.versions.store import register

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]
REACH = np.full((4, 2), 0.01)
STEP = {
    "shops_log_edges": np.log([1000.0]),
    "shops_carat_edges": np.empty(0),
    "shops_values": np.log([[1.25], [1.1]]),
}


@pytest.fixture
def version(live_models, small_forests, fresh_registry):
    """An active graded version that looks up whether a stone is recorded itself."""
    forest = small_forests["graded"]
    arrays = forest.arrays | STEP | {"listings_reach": REACH}
    version = register(PriceForest(arrays, forest.metadata), "tests")
    activate(version)
    fresh_registry._checked = None
    return version


@pytest.fixture
def row_number(small_forests):
    """The row of a training stone of the first shop."""
    recorded = small_forests["graded"].recorded_columns
    return int(np.flatnonzero(recorded["x"] < recorded["y"])[3])


@pytest.fixture
def stone(small_forests, row_number):
    """That stone as recorded."""
    return small_forests["graded"].recorded(row_number)


def ask(client, stone, **changes):
    asked = {name: value for name, value in {**stone, **changes}.items() if name != "price"}
    return client.get("/api/predict", asked).json()


def test_the_answer_and_its_record_name_the_listing(client, version, stone, row_number):
    answer = ask(client, stone, cut="Fair", include="comparables")
    row, price = Prediction.objects.get(), int(stone["price"])
    assert answer["predicted_price"] == row.predicted_price == price
    assert answer["recorded_stone"] == row.recorded_stone == {"row": row_number, "price": price}
    [warning] = [one for one in answer["warnings"] if one["code"] == "recorded_stone"]
    assert (warning["row"], warning["listed"], warning["value"]) == (row_number, price, price)
    assert warning["message"] == (
        f"the data has this stone itself, listed at ${price:,}: the price comes from that listing, "
        "not from similar stones."
    )
    [comparable] = answer["comparables"]
    assert (comparable["weight"], comparable["price"]) == (1.0, price)
    assert answer["price_range"]["low"] == int(price * np.exp(-0.01))
    again = client.get(row.get_absolute_url(), headers={"accept": "application/json"})
    assert again.json() == {name: answer[name] for name in answer if name != "comparables"}
    assert verify(Prediction.objects.all()).different == 0


def test_a_listing_of_the_other_shop_is_carried_over(client, version, stone, row_number):
    turned = {"x": stone["y"], "y": stone["x"]}
    answer, row = ask(client, stone, **turned), None
    row, price = Prediction.objects.get(), stone["price"]
    ratio = 1.25 if price <= 1000 else 1.1
    assert answer["predicted_price"] == row.predicted_price == pytest.approx(ratio * price, abs=1)
    assert answer["recorded_stone"] == {"row": row_number, "price": int(price)}
    by_code = {one["code"]: one for one in row.warnings}
    assert by_code["recorded_stone"]["percent"] == round(100 * (ratio - 1))
    assert by_code["diameter_order"]["here"] == row.predicted_price
    assert by_code["diameter_order"]["price"] == int(price)
    assert sentence(by_code["recorded_stone"]) == (
        f"the data has this stone itself, listed by another shop at ${price:,.0f}: the price comes from "
        f"that listing and the usual difference between the two shops (+{100 * (ratio - 1):.0f}%)."
    )
    assert sentence(by_code["diameter_order"]).startswith(
        "two shops list the same stones at different prices, and the order of x and y shows the shop: in "
        f"this order the price is ${row.predicted_price:,}, with x and y exchanged ${price:,.0f} ("
    )


def test_another_stone_has_no_such_field(client, version, stone):
    answer = ask(client, stone, table=stone["table"] + 0.3)
    assert "recorded_stone" not in answer
    assert Prediction.objects.get().recorded_stone is None


def test_a_list_and_the_inference_protocol_name_it(client, version, stone):
    del stone["price"]
    stones = [stone, {**stone, "table": stone["table"] + 0.3}]
    answers = client.post("/api/predict", stones, "application/json").json()
    assert ["recorded_stone" in one for one in answers] == [True, False]
    inputs = [
        {
            "name": name,
            "shape": [1],
            "datatype": "BYTES" if isinstance(value, str) else "FP64",
            "data": [value],
        }
        for name, value in stone.items()
    ]
    asked = {"inputs": inputs, "outputs": [{"name": "recorded_stone"}]}
    answer = client.post("/v2/models/graded/infer", asked, "application/json").json()
    assert json.loads(answer["outputs"][0]["data"][0]) == answers[0]["recorded_stone"]


@pytest.mark.parametrize(
    ("language", "text"), [("en", "the data has this stone itself"), ("pl", "dokładnie ten kamień")]
)
def test_pages_the_admin_and_exports_show_it(
    admin_client, version, stone, row_number, language, text
):
    answer = ask(admin_client, stone)
    accept = {"accept-language": language}
    page = admin_client.get(answer["url"], headers=accept).content.decode()
    assert text in page.lower()
    record = f"/admin/predictor/prediction/{answer['id']}/change/"
    assert text in admin_client.get(record, headers=accept).content.decode().lower()
    export = admin_client.get("/admin/predictor/prediction/export/csv/")
    assert f"row {row_number}: {int(stone['price'])}" in b"".join(export.streaming_content).decode()


# A stone that is priced as another one


@pytest.fixture
def flawless(version, small_forests):
    """A recorded IF stone as if it were FL, {name: value} without its price; and the row."""
    recorded = small_forests["graded"].recorded_columns
    row = int(np.flatnonzero((recorded["clarity"] == 7) & (recorded["x"] < recorded["y"]))[0])
    stone = small_forests["graded"].recorded(row)
    del stone["price"]
    return {**stone, "clarity": "FL"}, row


def test_a_flawless_stone_is_not_the_one_that_the_data_has_as_if(client, flawless, small_forests):
    stone, _ = flawless
    by_trees = small_forests["graded"].answer(row_of({**stone, "clarity": "IF"}, "graded"))
    answer = ask(client, stone, assume="true", include="comparables")
    row = Prediction.objects.get()
    assert answer["predicted_price"] == row.predicted_price == int(by_trees.price)
    assert (row.low, row.high) == (by_trees.low, by_trees.high)
    assert (row.recorded_stone, "recorded_stone" in answer) == (None, False)
    assert len(answer["comparables"]) > 1
    assert ask(client, stone, clarity="IF")["recorded_stone"]["row"] == flawless[1]
    assert verify(Prediction.objects.all()).different == 0


def test_in_a_list_it_is_another_stone_too(client, flawless):
    stone, row = flawless
    stones = [stone, {**stone, "clarity": "IF"}, {**stone, "cut": "Excellent", "clarity": "IF"}]
    asked = {"query_params": {"assume": "true"}}
    answers = client.post("/api/predict", stones, "application/json", **asked).json()
    alone = ask(client, stone, assume="true")
    assert answers[0]["predicted_price"] == alone["predicted_price"]
    assert [one.get("recorded_stone", {}).get("row") for one in answers] == [None, row, row]
    [cut] = answers[2]["assumed"]
    assert cut["price_as"] == {"Premium": answers[1]["predicted_price"]}
    assert verify(Prediction.objects.all()).different == 0


def test_what_it_costs_as_another_cut_is_no_listing_either(client, flawless, small_forests):
    stone, _ = flawless
    [cut, _] = ask(client, stone, cut="Excellent", assume="true")["assumed"]
    premium = {**stone, "cut": "Premium", "clarity": "IF"}
    by_trees = small_forests["graded"].answer(row_of(premium, "graded"))
    assert cut["price_as"] == {"Premium": int(by_trees.price)}


def test_its_page_and_another_version_price_it_by_similar_stones(
    client, flawless, version, other_forests
):
    stone, _ = flawless
    page = client.get(ask(client, stone, assume="true")["url"]).content.decode()
    assert "this stone itself" not in page
    row, other = Prediction.objects.get(), register(other_forests["graded"], "tests")
    parts = why(row, other).parts
    assert parts["listing"] == 0
    assert sum(parts.values()) == pytest.approx(np.log(other_price(row, other) / row.price))
    assert parts_of([row], other)[0] == pytest.approx([*parts.values()])


def other_price(row, version):
    [found] = answers_of(forest_of(version), [row])
    return found.price
