"""The range is as wide as the prices of each kind of stone are spread, not only of all together."""

import math

import numpy as np
import pytest

from ml.forest import PriceForest
from ml.forest.matrix import FEATURES, SHOP, features_of_many
from ml.forest.widths import PRICE, WIDTH, Widths, inputs_of
from ml.training.calibration import Unseen
from ml.training.widths import ends_of, learn_widths

STONES = 6000
LOW, HIGH = np.full(STONES, -0.128), np.full(STONES, 0.128)
"""The ends of 80 % of a normal distribution whose standard deviation is 0.1."""


@pytest.fixture(scope="module")
def learned():
    """(tables, matrix, unseen, error): the second shop's prices are spread twice as far as the first's."""
    rng = np.random.default_rng(26)
    matrix = np.column_stack(
        [
            rng.uniform(0.3, 2, STONES),
            *(rng.integers(0, levels, STONES) for levels in (5, 7, 8)),
            rng.uniform(58, 64, STONES),
            rng.uniform(54, 60, STONES),
            *rng.uniform(4, 8, (3, STONES)),
        ]
    ).astype(np.float32)
    log_price = rng.uniform(6, 9, STONES)
    nothing = np.zeros(STONES)
    unseen = Unseen(np.zeros((STONES, 15)), nothing, nothing, log_price, log_price)
    error = rng.normal(0, np.where(matrix[:, 6] > matrix[:, 7], 0.12, 0.06))
    return learn_widths(matrix, unseen, LOW, HIGH, error, 0.1), matrix, unseen, error


def test_each_kind_of_stone_is_covered_nearly_as_often(learned):
    tables, matrix, unseen, error = learned
    second = matrix[:, 6] > matrix[:, 7]
    low, high = ends_of(tables, matrix, unseen, LOW, HIGH)
    before, after = (error >= LOW) & (error <= HIGH), (low <= error) & (error <= high)
    for kind in (second, ~second):
        assert not 0.73 < before[kind].mean() < 0.87
        assert 0.75 < after[kind].mean() < 0.85
    assert (high - low)[second].mean() > 1.5 * (high - low)[~second].mean()


@pytest.mark.parametrize("compiled", [True, False])
def test_one_stone_and_many_have_the_same_ends(learned, compiled):
    tables, matrix, unseen, _ = learned
    widths = Widths(tables, compiled)
    features = features_of_many(matrix[:50], np.zeros(50))
    together = widths.of_many(features, unseen.log_price[:50], LOW[:50], HIGH[:50])
    for place, row in enumerate(features.tolist()):
        low, high = widths.of_one(row, float(unseen.log_price[place]), -0.128, 0.128)
        assert (low, high) == (together[0][place], together[1][place])
        assert low <= 0 <= high


def test_the_trees_see_the_price_and_the_width_of_the_formula():
    features = np.arange(2 * len(FEATURES), dtype=np.float32).reshape(2, -1)
    inputs = inputs_of(features, np.array([7.0, 8.0]), np.array([-0.25, 0]), np.array([0.25, 0.5]))
    assert inputs[:, PRICE].tolist() == [7, 8]
    assert inputs[:, WIDTH].tolist() == [0.5, 0.5]
    assert inputs[:, SHOP].tolist() == features[:, SHOP].tolist()


@pytest.mark.parametrize("compiled", [True, False])
def test_a_forest_without_them_has_the_range_of_its_formula(small_forests, compiled):
    """An older file keeps its ranges; the prices are the same."""
    new = small_forests["graded"]
    assert "widths_low_nodes" in new.arrays
    arrays = {name: one for name, one in new.arrays.items() if not name.startswith("widths_")}
    old = PriceForest(arrays, new.metadata, compiled)
    matrix = np.column_stack([new.recorded_columns[name][:50] for name in new.columns])
    matrix = matrix.astype(np.float32)
    before, after = old.answers(matrix), new.answers(matrix)
    assert before.price.tolist() == after.price.tolist()
    assert before.low.tolist() != after.low.tolist()
    assert [old.answer(row) for row in matrix] == old.answer_many(matrix, turned=True)
    for price, low, high in zip(before.price, before.low, before.high, strict=True):
        assert math.log(low / price) <= 0 <= math.log(high / price)
