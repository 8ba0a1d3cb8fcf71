"""Stones that two shops list, and the step between their prices that is learned from them."""

import math

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.forest.matrix import as_matrix, of_each
from ml.training import shops
from ml.training.trends import Stones, in_first_shop


def table_of(stones):
    """The graded columns and the log prices of some recorded stones."""
    return as_matrix(stones, "graded").astype(np.float64), of_each(math.log, stones.price)


@pytest.fixture(scope="module")
def possible(raw):
    return dataset.clean(raw, "graded").stones


def test_listings_of_one_stone_are_those_with_its_key(possible):
    numbers = shops.stone_numbers(table_of(possible)[0])
    keys = dataset.stone_keys(possible)
    assert len({*keys}) == len({*numbers.tolist()})
    assert len({*zip(keys, numbers.tolist(), strict=True)}) == len({*keys})


def test_a_stone_that_both_shops_list_is_a_pair_whatever_its_cut_and_price(sample):
    stone = sample.iloc[[5]]
    turned = stone.assign(x=stone.y, y=stone.x, cut="Fair", price=1)
    table, _ = table_of(pd.concat([sample.iloc[[0]], stone, turned]))
    found = np.ravel(shops.pairs(table))
    assert sorted(found.tolist()) == [1, 2]
    assert shops.shop_of(table[found]).tolist() == [-1, 1]


def test_hardly_any_pairs_give_no_step(sample):
    assert len(shops.pairs(table_of(sample)[0])[0]) < shops.STEPS * shops.FEWEST
    assert not shops.learn_step(*table_of(sample)).values.any()


STEPS = {(500, 0.3): 1.283, (1100, 0.4): 1.069, (1400, 0.4): 1.047, (1400, 0.6): 1.075}
STEPS |= {(2000, 0.6): 1.053, (2500, 0.7): 1.009, (4000, 0.9): 0.983, (4000, 1.1): 1.018}
STEPS |= {(15_000, 2.0): 1.009}


def test_the_tables_prices_differ_between_shops_by_the_documented_steps(possible):
    table, log_price = table_of(possible)
    step, (first, second) = shops.learn_step(table, log_price), shops.pairs(table)
    found = {one: math.exp(step.added_to_one(*map(math.log, one))) for one in STEPS}
    assert found == pytest.approx(STEPS, abs=0.001)
    difference = log_price[second] - log_price[first]
    left = np.abs(difference - step.added(log_price[first], of_each(math.log, table[first, 0])))
    assert len(left) == 10_076
    assert 1 - (left**2).sum() / ((difference - difference.mean()) ** 2).sum() > 0.996
    assert np.mean(left < 0.001) > 0.95


def test_of_two_prices_that_the_first_shop_may_ask_the_likelier_is_taken(possible):
    stones = Stones.of(possible, "graded")
    log_price, log_carat, shop = stones.log_price, stones.log_carat, shops.shop_of(stones.table)
    step, (first, second) = shops.learn_step(stones.table, log_price), shops.pairs(stones.table)
    listed = zip(log_price[second].tolist(), log_carat[second].tolist(), strict=True)
    two = np.array([len(step.roots(*one)) > 1 for one in listed])
    assert two.sum() > 1000

    def right(found):
        return np.mean(np.abs(found[second] - log_price[first])[two] < 0.02)

    assert right(step.first_shop_log(log_price, log_carat, shop)) < 0.7
    assert right(in_first_shop(stones, log_price, step, shop)[0]) > 0.8


def test_what_a_shop_adds_to_an_estimate_is_the_mean_of_the_step_around_it():
    step = shops.ShopStep(np.array([7.0]), np.array([]), np.array([[0.2], [0.1]]))
    expected = shops.expected_step(step, 0.1)
    added = expected.added(np.array([5.0, 6.9, 7.0, 7.1, 9.0]), np.zeros(5))
    below = (1 + math.erf(1 / math.sqrt(2))) / 2  # of a normal distribution: one deviation below
    by_hand = [0.2, 0.1 + 0.1 * below, 0.15, 0.2 - 0.1 * below, 0.1]
    assert added == pytest.approx(by_hand, abs=2e-3)
    assert np.abs(np.diff(expected.values[:, 0])).max() < 0.003
    assert shops.expected_step(shops.ShopStep.none(), 0.1).added(np.zeros(1), np.zeros(1)) == 0
