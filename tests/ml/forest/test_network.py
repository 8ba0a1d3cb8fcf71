"""The networks of a trend: a toy with hand-worked answers, then those of a forest of the sample."""

import pickle

import numpy as np
import pytest

from ml import dataset
from ml.forest import PriceForest, native
from ml.forest.arrays import with_prefix
from ml.forest.matrix import FEATURES, SHOP
from ml.forest.network import FULL, Networks, inputs_of

ONE = 2**12
"""An input of 1."""


@pytest.fixture(params=[True, False])
def toy(request):
    """Two networks over weight (0 at 1 ct, 1 at 2 ct) and shop (0 at -1, 1 at 1), of two units and one."""
    native.build()
    native.library.cache_clear()
    tables = {
        "feature": np.array([0, SHOP]),
        "low": np.array([1.0, -1.0]),
        "scale": np.array([ONE, ONE / 2]),
        "first": np.array([[[2, 0], [0, 3]], [[-1, 0], [1, 1]]], np.int16),
        "first_bias": np.array([[0, -ONE], [0, 7]], np.int32),
        "second": np.array([[[1, 2]], [[5, 1]]], np.int16),
        "second_bias": np.array([[10], [0]], np.int32),
        "third": np.array([[[1]], [[-2]]], np.int16),
        "third_bias": np.array([[100], [0]], np.int32),
        "shifts": np.array([2, 1]),
        "unit": np.array(0.5),
    }
    networks = Networks(tables, compiled=request.param)
    assert (networks.native is not None) == request.param
    return networks


def features(carat, shop):
    row = np.zeros((1, len(FEATURES)), np.float32)
    row[0, [0, SHOP]] = carat, shop
    return row


def by_hand(weight, shop):
    """The sum of both networks' outputs, from inputs of 0 to 1."""
    weight, shop = int(weight * ONE), int(shop * ONE)
    first = [min(2 * weight >> 2, FULL), max(3 * shop - ONE >> 2, 0)]
    other = [0, weight + shop + 7 >> 2]
    return 100 + (first[0] + 2 * first[1] + 10 >> 1) - 2 * (other[1] >> 1)


@pytest.mark.parametrize(
    ("carat", "shop", "weight", "here", "turned"),
    [(0.5, -1, 0, 0, 1), (1.0, 1, 0, 1, 0), (1.25, 1, 0.25, 1, 0), (3.0, 0, 1, 0.5, 0.5)],
)
def test_sums_are_those_worked_by_hand(toy, carat, shop, weight, here, turned):
    row, expected = features(carat, shop), [by_hand(weight, here), by_hand(weight, turned)]
    assert toy.sums_of_many(row, orders=2)[:, 0].tolist() == expected
    assert toy.sums_of_many(row)[:, 0].tolist() == expected[:1]
    assert toy.sum_of_one(row[0].tolist()) == expected[0]
    assert toy.log_price(expected[0]) == expected[0] / 2


def test_it_can_be_sent_to_another_process(toy):
    row = features(1.5, 1)
    again = pickle.loads(pickle.dumps(toy))  # noqa: S301
    assert again.sums_of_many(row) == toy.sums_of_many(row)


@pytest.fixture
def tables(small_forests):
    """Those of a forest of the sample."""
    return with_prefix(small_forests["graded"].arrays, "network_")


def test_numpy_and_c_give_the_same_sums_for_any_numbers(tables):
    """Also for features far from those that it was trained on; in one thread and in several."""
    generator = np.random.default_rng(2)
    size = generator.choice([0.01, 1, 100, 1e6], (5000, 1))
    rows = (generator.normal(size=(5000, len(FEATURES))) * size).astype(np.float32)
    compiled, plain = Networks(tables), Networks(tables, compiled=False)
    assert compiled.native
    sums = plain.sums_of_many(rows, 2)
    assert np.array_equal(compiled.sums_of_many(rows, 2), sums)
    assert np.array_equal(compiled.sums_of_many(rows, 2, threads=3), sums)
    assert [plain.sum_of_one(row.tolist()) for row in rows[:5]] == sums[0, :5].tolist()


def test_no_sum_can_reach_the_end_of_32_bits(tables):
    most = {"first": ONE, "second": FULL, "third": FULL}
    for layer, value in most.items():
        weights = np.abs(tables[layer].astype(np.int64)).sum(axis=2)
        assert (weights * value + np.abs(tables[f"{layer}_bias"].astype(np.int64))).max() < 2**31


def test_inputs_are_between_two_knots_and_end_there(tables):
    rows = np.vstack([features(carat, -1) for carat in (0.01, 0.7, 50)])
    inputs = inputs_of(tables, rows)[:, tables["feature"] == 0] / ONE
    assert inputs[0].tolist() == [0] * inputs.shape[1]
    assert inputs[2].tolist() == [1] * inputs.shape[1]
    assert sorted(inputs[1].tolist(), reverse=True) == inputs[1].tolist()


def test_a_forest_without_networks_answers_by_its_trees(small_forests, raw):
    """As those of before; the boosted trees had the whole trend then."""
    forest = small_forests["graded"]
    arrays = {n: array for n, array in forest.arrays.items() if not n.startswith("network_")}
    matrix = forest.matrix(dataset.clean(raw.iloc[5::301], "graded").stones)
    older = [PriceForest(arrays, forest.metadata, compiled) for compiled in (True, False)]
    answers = [some.answers(matrix, turned=True) for some in older]
    for one, other in zip(*answers, strict=True):
        np.testing.assert_array_equal(one, other)
    assert answers[0].each() == [older[0].answer(row) for row in matrix]
    assert not np.allclose(answers[0].price, forest.price(matrix), rtol=1e-3)
