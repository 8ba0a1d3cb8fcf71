"""The distribution of a price: a hand-worked curve, then the small forests on real stones."""

import numpy as np
import pytest

from ml import dataset
from ml.forest import PriceForest
from ml.forest.quantiles import CURVE_LEVELS, Quantiles
from ml.training.calibration import learn_curve

# -1 at 0.1 and 1 at 0.9, linear between: 0.025 for each hundredth of the level.
STRAIGHT = Quantiles((CURVE_LEVELS - 0.5) / 0.4)
PRICE, LOW, HIGH = (np.array([usd]) for usd in (1000.0, 500.0, 1100.0))


@pytest.mark.parametrize(
    ("level", "price"),
    [
        (0.1, 500.0),
        (0.3, 1000 * 0.5**0.5),
        (0.5, 1000.0),
        (0.7, 1000 * 1.1**0.5),
        (0.9, 1100.0),
        (0.98, 1000 * 1.1**1.2),
        (0.9999, 1000 * 1.1 ** (0.499 / 0.4)),
    ],
)
def test_a_straight_curve_by_hand(level, price):
    assert STRAIGHT.prices(PRICE, LOW, HIGH, [level])[0, 0] == pytest.approx(price, rel=1e-12)
    if level <= 0.999:
        assert STRAIGHT.percentile(PRICE, LOW, HIGH, price) == pytest.approx(100 * level)


@pytest.mark.parametrize(("asked", "percentile"), [(1, 0.1), (1e9, 99.9), (1000, 50)])
def test_a_price_beyond_the_curve_is_at_its_end(asked, percentile):
    assert STRAIGHT.percentile(1000.0, 500.0, 1100.0, asked) == pytest.approx(percentile)


@pytest.mark.parametrize(("asked", "percentile"), [(999, 0.1), (1000, 50), (1001, 99.9)])
def test_a_range_without_width_separates_below_from_above(asked, percentile):
    assert STRAIGHT.percentile(1000.0, 1000.0, 1000.0, asked) == pytest.approx(percentile)


@pytest.mark.parametrize("levels", [[0], [1], [-0.1], [1.5], [np.nan], [0.5, 1], [[0.5]]])
def test_levels_that_are_no_ratios_between_0_and_1_are_refused(small_forests, sample, levels):
    stones = dataset.clean(sample, "coded").stones[:3]
    with pytest.raises(ValueError, match="give ratios over 0 and under 1"):
        small_forests["coded"].quantiles(stones, levels)


@pytest.fixture(params=["coded", "graded"])
def asked(request, raw, small_forests):
    """A forest of the sample, and other real stones."""
    stones = dataset.clean(raw.iloc[5::25], request.param).stones
    return small_forests[request.param], stones


def test_the_quantiles_do_not_fall_and_meet_the_range(asked):
    forest, stones = asked
    levels = np.arange(1, 100) / 100
    prices = forest.quantiles(stones, levels)
    assert prices.shape == (len(stones), 99)
    assert (np.diff(prices, axis=1) >= 0).all()
    ends = prices[:, [9, 89]]
    np.testing.assert_allclose(ends, forest.price_range(stones), rtol=1e-12)


def test_a_quantile_lies_at_its_percentile(asked):
    forest, stones = asked
    low, high = forest.price_range(stones).T
    price = forest.price(stones)
    stones = stones[(low < price) & (price < high)]
    for level in (0.02, 0.1, 0.37, 0.9, 0.99):
        prices = forest.quantiles(stones, [level])[:, 0]
        np.testing.assert_allclose(forest.percentile(stones, prices), 100 * level, rtol=1e-9)


def test_one_answer_has_the_percentile_that_many_have(asked):
    forest, stones = asked
    asked_prices = stones.price.to_numpy(np.float64)[:50]
    expected = forest.percentile(stones[:50], asked_prices)
    for row, price, percentile in zip(
        forest.matrix(stones[:50]), asked_prices, expected, strict=True
    ):
        answer = forest.answer(row)
        expected = None if answer.extrapolated else pytest.approx(percentile, rel=1e-9)
        assert forest.percentile_of(answer, price) == expected


def test_unseen_prices_lie_at_every_percentile_alike(asked):
    """The probability integral transform is flat: each tenth holds between half and twice its share."""
    forest, stones = asked
    counts, _ = np.histogram(forest.percentile(stones, stones.price), bins=10, range=(0, 100))
    assert (counts / len(stones)).min() > 0.05
    assert (counts / len(stones)).max() < 0.2


def test_a_forest_from_before_says_that_it_has_none(small_forests, sample):
    new = small_forests["coded"]
    arrays = {name: array for name, array in new.arrays.items() if name != "range_curve"}
    old, stones = PriceForest(arrays, new.metadata), dataset.clean(sample, "coded").stones[:3]
    np.testing.assert_array_equal(old.price_range(stones), new.price_range(stones))
    assert old.percentile_of(old.answer(old.matrix(stones)[0]), 1000) is None
    for ask in (lambda: old.quantiles(stones, [0.5]), lambda: old.percentile(stones, [1, 2, 3])):
        with pytest.raises(ValueError, match="trained before quantiles were learnt: train it anew"):
            ask()


def test_with_prices_on_one_side_only_the_curve_is_the_normal_distributions():
    curve = learn_curve(np.zeros(100), np.zeros(100), np.ones(100))
    at = dict(zip(CURVE_LEVELS.tolist(), curve, strict=True))
    assert (at[0.1], at[0.5], at[0.9]) == pytest.approx((-1, 0, 1))
    assert at[0.99] == pytest.approx(2.3263 / 1.2816, rel=1e-3)
