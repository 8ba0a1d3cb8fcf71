"""The coherence of prices, and coverage in slabs of the data: toy models whose faults are known."""

import numpy as np
import pytest

from ml import dataset
from ml.training.coherence import coherence
from ml.training.conditional import brier_gain, worst_slab


@pytest.fixture(scope="module")
def matrix(sample, small_forests):
    return small_forests["graded"].matrix(dataset.clean(sample, "graded").stones)


def asked(price, matrix):
    found = coherence(price, matrix, "graded", 1)
    return {name: round(value, 2) for name, value in found.items()}


def test_a_price_that_rises_with_all_that_is_better_never_falls(matrix):
    found = asked(lambda m: m[:, 0] * (1 + m[:, 2] + m[:, 3]), matrix)
    assert found == {
        "stones": 2000,
        "color": 0,
        "clarity": 0,
        "carat 1%": 0,
        "carat 5%": 0,
        "carat 10%": 0,
        "wobble": 0,
    }


def test_each_fault_is_counted_by_itself(matrix):
    assert asked(lambda m: 20 - 2 * m[:, 2], matrix)["color"] == 1
    assert asked(lambda m: 20 - 2 * m[:, 3], matrix)["clarity"] == 1
    lighter = asked(lambda m: 1 / m[:, 0], matrix)
    assert (lighter["carat 1%"], lighter["carat 5%"], lighter["carat 10%"]) == (0, 1, 1)
    assert asked(lambda m: 100 - m[:, 2] * 0.1, matrix)["color"] == 0  # 0.1 %: too little to count


def test_a_price_that_is_all_in_the_last_hundredth_of_a_millimetre_wobbles(matrix):
    found = coherence(lambda m: 1500 + 1000 * np.sign(np.sin(400 * m[:, 6])), matrix, "graded", 1)
    assert found["wobble"] > 0.5


def test_coded_stones_are_measured_by_their_volume(sample, small_forests):
    stones = dataset.clean(sample, "coded").stones
    measurements = stones[["x", "y", "z"]].to_numpy()
    found = coherence(
        lambda m: m[:, 6], small_forests["coded"].matrix(stones), "coded", 1, measurements
    )
    assert found["carat 1%"] == 0
    assert 0 < found["wobble"] < 0.02


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(1).standard_normal((6000, 4))


def covered(ratios):
    return np.random.default_rng(2).random(len(ratios)) < ratios


def test_where_everyone_is_covered_alike_no_slab_and_no_classifier_finds_otherwise(inputs):
    inside = covered(np.full(len(inputs), 0.8))
    assert worst_slab(inputs, inside, 1)["coverage"] > 0.76
    brier = brier_gain(inputs, inside, 1)
    assert abs(brier["gain"]) < 0.004


def test_a_group_that_is_covered_less_is_found_and_measured(inputs):
    inside = covered(np.where(inputs[:, 0] > 1, 0.4, 0.86))
    slab = worst_slab(inputs, inside, 1)
    assert slab["coverage"] < 0.6
    assert slab["share"] > 0.05
    assert np.argmax(np.abs(slab["direction"])) == 0
    brier = brier_gain(inputs, inside, 1)
    assert brier["gain"] > 0.01
    assert brier["gain"] > 5 * brier["error"]


def test_too_few_stones_are_not_classified(inputs):
    assert brier_gain(inputs[:1999], covered(np.full(1999, 0.8)), 1) is None
