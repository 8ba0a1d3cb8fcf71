"""What the pages say, as properties of 1,000 recorded stones, priced in one call and not recorded."""

from itertools import cycle

import numpy as np
import pytest
from django.utils.translation import override

from ml.forest.matrix import row_of
from ml.stones import GRADES, PRICE
from predictor.models import ModelVersion, Prediction
from predictor.pages.quotes.asking import with_asking
from predictor.pages.quotes.comparison import compared
from predictor.pages.stone_form import parsing
from predictor.pages.stone_form.forms import as_filled
from predictor.pages.stones import SIZES, _costs, _steps
from predictor.pricing.serializers import validate
from predictor.wording.sentences import asking_sentence

pytestmark = pytest.mark.once

STONES = 1000


@pytest.fixture(scope="module")
def typed(small_forests):
    """Recorded graded stones as the form has them: [{field: text}, …]."""
    forest = small_forests["graded"]
    rows = np.random.default_rng(5).choice(len(forest.recorded_columns["price"]), STONES)
    return [as_filled(forest.recorded(row), "graded") for row in rows]


@pytest.fixture(scope="module")
def predictions(small_forests, typed):
    """Their answers."""
    version = ModelVersion(scheme="graded", number=1)
    stones = [validate(stone)[1] for stone in typed]
    matrix = np.array([row_of(stone, "graded") for stone in stones])
    return [
        Prediction.made(
            version, {"scheme": "graded", "price": a.price, "low": a.low, "high": a.high, **stone}
        )
        for stone, a in zip(stones, small_forests["graded"].answer_many(matrix), strict=True)
    ]


@pytest.fixture
def loaded(monkeypatch, small_forests):
    """The forest of the answers, without a database."""
    forest = small_forests["graded"]
    monkeypatch.setattr("predictor.pages.quotes.asking.forest_of", lambda version: forest)


def test_two_identical_stones_are_a_tie(predictions, loaded, in_english):
    for one, share in zip(predictions, cycle([None, 0.8, 1.0, 1.3]), strict=False):
        asking = share and one.predicted_price * share
        found = compared([one, one], [asking, asking], ["", ""])
        assert found["verdict"].startswith("A tie: ")
        assert not any(cell["best"] for row in found["rows"] for cell in row["cells"] if cell)
        assert len({name for _, name in found["columns"]}) == 2


def test_an_estimate_alone_is_never_marked_as_the_lowest(predictions, loaded, in_english):
    for one, other in zip(predictions[::2], predictions[1::2], strict=True):
        rows = compared([one, other], [None, None], ["", ""])["rows"]
        amounts = [row for row in rows if row["label"] in ("Our estimate", "Price per carat")]
        assert len(amounts) == 2
        assert not any(cell["best"] for row in amounts for cell in row["cells"])


def test_a_billion_costs_more_than_nearly_all_similar_stones(predictions, loaded, in_english):
    for one in predictions:
        sentence = asking_sentence(with_asking(one, PRICE.high))
        assert "more than 99.9% of similar stones cost less." in sentence


@pytest.mark.parametrize(
    "wrong",
    [lambda z: f"{z * 10:.2f}", lambda z: f"{z / 10:.3f}", lambda z: "abc", lambda z: ""],
    ids=["ten times", "a tenth", "no number", "empty"],
)
def test_a_wrong_height_is_blamed_for_the_depth_that_it_gives(typed, wrong):
    with override("en"):
        for stone in typed:
            sent = {**stone, "depth": "", "z": wrong(float(stone["z"]))}
            errors = parsing.read("graded", sent).all_errors()
            assert set(errors) - {"non_field_errors"} == {"z"}


@pytest.mark.parametrize("name", GRADES)
def test_no_column_of_the_costs_is_empty(small_forests, in_english, name):
    for grade in GRADES[name]:
        usual = {"cut": "Very Good", "color": "G", "clarity": "VS2", name: grade}
        costs = _costs(small_forests["graded"], tuple(usual.items()))
        assert len(costs) == len(SIZES)
        assert all(len(cost["steps"]) == len(_steps(usual, GRADES)) for cost in costs)
        assert all(step != "–" for cost in costs for step in cost["steps"])
