"""Training the networks of a trend: their inputs, gradients, what they learn, and exact sums."""

import numpy as np
import pytest

from ml import dataset
from ml.forest.matrix import FEATURES, features_of_many
from ml.forest.network import FULL, INPUT_BITS, LAYERS, Networks, inputs_of
from ml.training import networks
from ml.training.networks import (
    ERROR_PLACES,
    FAR,
    HEAVIEST,
    INPUT_PLACES,
    ROOM,
    UNITS,
    Network,
    encoding_of,
    packed,
)
from ml.training.trends import Stones, folds_of, nobody


@pytest.fixture
def stones(few):
    return Stones.of(dataset.clean(few, "graded").stones, "graded")


@pytest.fixture
def rows(stones):
    return features_of_many(stones.matrix, stones.log_price)


def test_an_input_is_a_piece_of_a_feature():
    columns = {"carat": [1.0, 2, 3, 5], "color": [1, 1, 3, 3], "table's decimals": [0, 10, 0, 20]}
    rows = np.zeros((4, len(FEATURES)), np.float32)
    for name, values in columns.items():
        rows[:, FEATURES.index(name)] = values
    tables = encoding_of(rows, FEATURES)
    found = [FEATURES[column] for column in tables["feature"]]
    assert found == ["carat"] * 3 + ["color"] * 2 + ["table's decimals"]
    assert tables["low"].tolist() == [1, 2, 3, 1, 2, 0]
    asked = rows[:1].copy()
    asked[0, 0] = 4
    assert (inputs_of(tables, asked)[0] / 2**INPUT_BITS).tolist() == [1, 1, 0.5, 0, 0, 0]


def test_gradients_are_those_of_the_loss():
    generator = np.random.default_rng(1)
    inputs, target = np.rint(generator.normal(size=(20, 5)) * 8) / 8, generator.normal(size=20)
    network = Network(5, generator)

    def loss():
        error = np.abs(network.outputs(inputs)[-1][:, 0] - target)
        return np.where(error < FAR, error**2 / 2, FAR * (error - FAR / 2)).mean()

    arrays, step = [*network.weights, *network.biases], 2.0**-9
    for array, gradient in zip(arrays, network._gradients(inputs, target), strict=True):
        assert gradient.shape == array.shape
        for place in range(0, array.size, array.size // 6 + 1):
            before = array.flat[place]
            array.flat[place] = before + step
            more = loss()
            array.flat[place] = before - step
            less = loss()
            array.flat[place] = before
            assert gradient.flat[place] == pytest.approx((more - less) / (2 * step), abs=2e-2)
    assert max(np.abs(some).max() for some in network._gradients(inputs, target)) > 0.1


def test_it_learns_a_curve_and_an_interaction():
    generator = np.random.default_rng(2)
    rows = np.zeros((4000, len(FEATURES)), np.float32)
    rows[:, 0], rows[:, 2] = generator.uniform(0.3, 2, 4000), generator.integers(0, 7, 4000)
    target = 0.3 * np.sin(3 * rows[:, 0]) + 0.02 * rows[:, 2] * rows[:, 0]
    fold = generator.integers(0, 5, 4000)
    own = networks.train(rows, FEATURES, target, fold, 1, nobody).own / networks.SHARE
    assert np.abs(own - target).mean() < 0.1 * np.abs(target - target.mean()).mean()


def test_training_stones_get_their_trend_from_networks_that_have_not_seen_them(rows, stones):
    fold, target = folds_of(stones, 7), stones.log_price % 1
    one, two = (
        networks.train(rows, FEATURES, some, fold, 7, nobody).own
        for some in (target, np.where(fold == 2, target + 1, target))
    )
    np.testing.assert_array_equal(one[fold == 2], two[fold == 2])
    assert np.median(two[fold != 2] - one[fold != 2]) > 0.05


def test_a_stone_that_is_asked_for_gets_the_mean_of_all_networks(rows, stones):
    fold = folds_of(stones, 7)
    tables = networks.train(rows, FEATURES, stones.log_price % 1, fold, 7, nobody).tables
    single = [Networks(networks._alone(tables, net)) for net in range(5)]
    each = [network.log_price(network.sums_of_many(rows)[0]) for network in single]
    together = Networks(tables)
    mean = together.log_price(together.sums_of_many(rows)[0])
    np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 1e4])
def test_weights_of_any_size_have_room_in_16_bits_and_their_sums_in_31(size):
    generator = np.random.default_rng(3)
    shapes = [(60, UNITS[0]), UNITS, (UNITS[1], 1)]
    weights = [generator.normal(size=shape) * size for shape in shapes]
    tables = packed([(weights, [np.full(shape[1], 100 * size) for shape in shapes])])
    for layer, most in zip(LAYERS, (2**INPUT_BITS, FULL, FULL), strict=True):
        sums = np.abs(tables[layer].astype(np.int64)).sum(axis=2) * most
        assert np.abs(tables[layer]).max() <= FULL
        assert (sums + np.abs(tables[f"{layer}_bias"].astype(np.int64))).max() < 2**31


def test_a_sum_has_room_in_31_bits_also_if_rounding_makes_all_weights_larger():
    """Sums and bias just under 2**10, with ten places: half of the weights are rounded up."""
    weights = [np.zeros(shape) for shape in ((1, UNITS[0]), UNITS, (UNITS[1], 1))]
    biases = [np.zeros(UNITS[0]), np.full(UNITS[1], np.nextafter(2.0**10, 0)), np.zeros(1)]
    weights[1][::2], weights[1][1::2] = 341.51 / 2**10, 341.17 / 2**10
    tables = packed([(weights, biases)])
    sums = np.abs(tables["second"].astype(np.int64)).sum(axis=2) * FULL
    assert (sums + tables["second_bias"]).max() == 2**31 - 1


def test_the_largest_sums_of_training_are_exact():
    """540 of the largest inputs times the largest errors of the first layer, which odd numbers fill up."""
    unit = 2.0**INPUT_PLACES, 2.0**ERROR_PLACES
    most = int(1 / ROOM * unit[0]) | 1, int(FAR * HEAVIEST**2 * UNITS[1] * unit[1]) | 1
    assert 540 * most[0] * most[1] < 2**53
    inputs, errors = (np.full(540, value) / part for value, part in zip(most, unit, strict=True))
    assert inputs @ errors * unit[0] * unit[1] == 540 * most[0] * most[1]


def test_whole_numbers_that_give_another_price_are_refused():
    networks._check(np.zeros(2), np.array([0.0, 0.009]))
    with pytest.raises(RuntimeError, match=r"differs by 0\.02 in log price"):
        networks._check(np.zeros(2), np.array([0.0, 0.02]))


def test_whole_numbers_differ_more_where_prices_are_far_apart():
    """As in a list of 5,000 stones whose prices are random, from 1 to 1e9."""
    networks._check(np.array([0.012, 6.0]), np.array([0.0, 6.02]))
    with pytest.raises(RuntimeError, match=r"differs by 0\.07 in log price"):
        networks._check(np.array([0.07, 6.0]), np.array([0.0, 6.0]))
