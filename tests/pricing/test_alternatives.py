"""The prices of alternatives to a stone: those that the forest gives them, in one batch."""

import numpy as np
import pytest

from ml.forest.matrix import row_of
from ml.stones import EXAMPLES, SCHEMES
from predictor.models import Prediction
from predictor.pricing.alternatives import MAGIC_SIZES, outlook, scaled
from predictor.pricing.face_up import face_up
from predictor.pricing.services import Caller, PricePredictor

CALLER = Caller("form")


def quoted(scheme="graded", **changes):
    stone = {name: str(value) for name, value in {**EXAMPLES[scheme][0], **changes}.items()}
    return PricePredictor().quote(stone, CALLER)


def price(forest, features, scheme):
    return float(forest.price(np.array([row_of(features, scheme)]))[0])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_change_costs_what_the_forest_asks_for_that_stone(live_models, small_forests, scheme):
    prediction, forest = quoted(scheme), small_forests[scheme]
    found = outlook(prediction, forest)
    assert found.changes
    for change in found.changes:
        asked = price(forest, change.features, scheme)
        assert change.price == int(asked)
        assert change.difference == int(asked) - prediction.predicted_price
        assert change.same == (abs(asked - prediction.price) <= found.wobble)
    assert Prediction.objects.count() == 1


def test_the_changes_are_one_step_away(live_models, small_forests):
    found = outlook(quoted(), small_forests["graded"])
    steps = [(change.field, change.value) for change in found.changes]
    assert steps == [
        ("color", "H"),
        ("color", "F"),
        ("clarity", "VS2"),
        ("clarity", "VVS2"),
        ("cut", "Premium"),
        ("carat", 0.5),
        ("carat", 0.9),
        ("order", (5.7, 5.73)),
    ]


def test_the_other_weights_have_the_same_proportions():
    stone = EXAMPLES["graded"][0]
    half = scaled(stone, 0.35)
    for name in "xyz":
        assert half[name] / stone[name] == pytest.approx(0.5 ** (1 / 3))
    assert (half["depth"], half["table"]) == (stone["depth"], stone["table"])
    assert scaled(EXAMPLES["coded"][0], 0.74)["volume"] == pytest.approx(2 * 60.063)


def test_the_wobble_is_the_most_that_a_hundredth_of_a_millimetre_moves(live_models, small_forests):
    prediction, forest = quoted(), small_forests["graded"]
    moved = [
        abs(
            price(forest, {**prediction.features, name: prediction.features[name] + off}, "graded")
            - prediction.price
        )
        for name in "xyz"
        for off in (-0.01, 0.01)
    ]
    assert outlook(prediction, forest).wobble == pytest.approx(max(moved))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_savings_save_what_they_say_by_the_least_step(live_models, small_forests, scheme):
    prediction, forest = quoted(scheme), small_forests[scheme]
    for share, some in outlook(prediction, forest).savings.items():
        assert len({change.field for change in some}) == len(some)
        for change in some:
            assert change.price <= prediction.predicted_price * (1 - share)
            if change.field == "carat":
                lighter = change.value + max(0.01, 0.01 * prediction.carat)
                assert change.value < prediction.carat
                if lighter < prediction.carat and lighter not in MAGIC_SIZES:
                    nearer = price(forest, scaled(prediction.features, round(lighter, 2)), scheme)
                    assert nearer > prediction.predicted_price * (1 - share)
            else:
                assert change.steps < 0


def test_the_visible_grade_more_is_the_cheapest_and_no_loupe_is_needed(live_models, small_forests):
    found = outlook(quoted(clarity="VS2", cut="Good"), small_forests["graded"])
    better = [c for c in found.changes if c.steps == 1 and c.field in ("color", "cut")]
    assert found.visible.price == min(change.price for change in better)
    best = quoted(color="D", cut="Ideal", clarity="VS1")
    assert outlook(best, small_forests["graded"]).visible is None


def test_a_stone_of_the_best_and_of_the_worst_grades_has_steps_on_one_side(
    live_models, small_forests
):
    best = outlook(quoted(color="D", cut="Ideal", clarity="IF"), small_forests["graded"])
    assert all(change.steps <= 0 for change in best.changes)
    worst = outlook(quoted(color="J", cut="Fair", clarity="I1"), small_forests["graded"])
    assert all(change.steps >= 0 for change in worst.changes)
    assert {"carat"} >= {change.field for some in worst.savings.values() for change in some}


def test_a_round_stone_has_no_other_order(live_models, small_forests):
    found = outlook(quoted(x=5.7, y=5.7), small_forests["graded"])
    assert "order" not in {change.field for change in found.changes}


def test_how_big_a_stone_looks_beside_recorded_ones(small_forests):
    forest, stone = small_forests["graded"], EXAMPLES["graded"][0]
    columns = forest.recorded_columns
    near = np.abs(columns["carat"] / 0.7 - 1) <= 0.02
    usual = float(np.median((columns["x"][near] + columns["y"][near]) / 2))
    found = face_up(stone, forest)
    assert (found.usual, found.stones) == (usual, int(near.sum()))
    assert found.diameter == pytest.approx(5.715)
    assert found.share == pytest.approx(5.715 / usual - 1)
    assert found.looks_like == pytest.approx(0.7 * (5.715 / usual) ** 3)


@pytest.mark.parametrize(("x", "kind"), [(5.9, "large"), (5.5, "small")])
def test_a_stone_spreads_or_hides_its_weight(small_forests, x, kind):
    assert face_up({**EXAMPLES["graded"][0], "x": x, "y": x}, small_forests["graded"]).kind == kind


@pytest.mark.parametrize("stone", [EXAMPLES["coded"][0], {**EXAMPLES["graded"][0], "carat": 25.0}])
def test_nothing_is_said_where_nothing_is_known(small_forests, stone):
    assert face_up(stone, small_forests["graded"]) is None
