"""Prices outside the training data rise with weight, color and clarity, and come from recorded stones."""

import numpy as np
import pytest

from ml import dataset
from ml.forest import PriceForest
from ml.forest.arrays import with_prefix
from ml.forest.beyond import Beyond
from ml.forest.shops import ShopStep
from ml.forest.trend import Trend
from ml.training.beyond import KNOTS, risen

RNG = np.random.default_rng(3)


@pytest.fixture
def forest(small_forests):
    return small_forests["graded"]


def ladder(cut=4, depth=61.8, table=56.0):
    """Stones of the same proportions at 40 weights, in all colors and clarities; float32 (40 * 7 *
    8, 9)."""
    stones = []
    for carat in np.geomspace(0.2, 25, 40):
        x = 6.45 * carat ** (1 / 3)
        for color, clarity in np.ndindex(7, 8):
            stones.append([carat, cut, color, clarity, depth, table, x, 0.998 * x, x * depth / 100])
    return np.array(stones, np.float32)


@pytest.mark.parametrize("make", [{}, {"cut": 0, "depth": 66.0}, {"cut": 2, "table": 63.0}])
def test_it_rises_in_weight_color_and_clarity(forest, make):
    stones = ladder(**make)
    lacking = np.array([answer.extrapolated for answer in forest.answer_many(stones)])
    prices, lacking = (a.reshape(40, 7, 8) for a in (np.log(forest.price(stones)), lacking))
    for axis in range(3):
        last = lacking.shape[axis] - 1
        both = np.delete(lacking, last, axis) & np.delete(lacking, 0, axis)
        rises = np.diff(prices, axis=axis)[both]
        assert len(rises) > 300
        assert rises.min() > -1e-12


def test_its_comparables_make_its_price(forest):
    stones = ladder()[-56::5]
    for row in stones:
        answer = forest.answer(row, 10_000)
        assert answer.extrapolated
        weight, adjusted = np.array(
            [(one.weight, one.adjusted_price) for one in answer.comparables]
        ).T
        assert weight.sum() == pytest.approx(1, abs=1e-9)
        assert np.exp(weight @ np.log(adjusted)) == pytest.approx(answer.price, rel=1e-9)
        assert answer.low <= answer.price <= answer.high


def test_the_order_of_the_diameters_makes_no_difference_there(forest):
    turned = [(a.turned, a.price) for a in map(forest.answer, ladder()[-56:]) if a.turned]
    assert turned
    assert all(other == price for other, price in turned)


def test_inside_the_support_the_trees_answer(forest, raw):
    arrays = {n: a for n, a in forest.arrays.items() if not n.startswith(("beyond_", "support_"))}
    trees = PriceForest(arrays, forest.metadata)
    stones = forest.matrix(dataset.clean(raw.iloc[5::31], "graded").stones)
    inside = ~np.array([answer.extrapolated for answer in forest.answer_many(stones)])
    assert inside.mean() > 0.8
    assert np.array_equal(forest.price(stones)[inside], trees.price(stones)[inside])


def test_comparables_that_are_adjusted_too_much_make_an_extrapolation(forest, raw):
    stones = forest.matrix(dataset.clean(raw.iloc[5::13], "graded").stones)
    adjusted = np.abs(forest.adjustments(stones)) > forest.support.adjusted
    lacking = np.array([answer.extrapolated for answer in forest.answer_many(stones)])
    assert adjusted.any()
    assert lacking[adjusted].all()


def test_the_adjustment_is_that_of_the_comparables(forest, raw):
    stones = forest.matrix(dataset.clean(raw.iloc[5::301], "graded").stones)
    stones = stones[stones[:, 6] <= stones[:, 7]]  # the first shop adds nothing
    recorded = forest.recorded_columns
    shop = recorded["x"] - recorded["y"]
    shops = ShopStep.of_arrays(with_prefix(forest.arrays, "shops_"))
    first = shops.first_shop_log(np.log(recorded["price"]), np.log(recorded["carat"]), shop)
    trend = first - forest.arrays["target"]
    for row, adjustment in zip(stones, forest.adjustments(stones), strict=True):
        some = forest.answer(row, 10_000).comparables
        mean = sum(one.weight * trend[one.row] for one in some)
        assert forest.trends(row[None])[0] - mean == pytest.approx(adjustment, abs=1e-3)


def test_a_table_is_made_to_rise_and_a_rising_one_stays_as_it_is():
    level = RNG.normal(size=(2, 3, 4, 5))
    made = risen(level)
    assert all(np.diff(made, axis=axis).min() >= 0 for axis in (1, 2, 3))
    assert np.array_equal(risen(made), made)
    assert made.min() >= level.min()
    assert made.max() <= level.max()


def test_between_knots_and_beyond_them_it_goes_straight():
    tables = {
        "knots": [0.0, 1.0],
        "level": np.array([[[[5.0, 7.0]]]]),
        "depth": [61.7],
        "table": [57.5],
    }
    beyond = Beyond(tables, Trend(np.zeros((1, 1, 1, 10)), [0.1, -0.2]))
    assert beyond.log_price([np.exp(0.5), 0, 0, 0, 61.7, 57.5]) == pytest.approx(6.0)
    assert beyond.log_price([np.exp(2.0), 0, 0, 0, 61.7, 57.5]) == pytest.approx(9.0)
    assert beyond.log_price([1.0, 0, 0, 0, 63.1, 59.7]) == pytest.approx(5.0 + 0.1 - 0.2)


def test_the_grid_reaches_to_the_ends_of_what_is_priced():
    assert np.exp(KNOTS[[0, -1]]) == pytest.approx([0.05, 30])
    assert np.all(np.diff(KNOTS) > 0)
