"""The step between the prices of two shops: looked up, and solved for the first shop's price."""

import math

import numpy as np
import pytest

from ml.forest.shops import ShopStep

CARATS = np.log([0.5])
EDGES = np.log([1000.0, 2000.0])
STEPS = np.log([[1.25, 1.25], [1.1, 1.05], [1.0, 0.98]])
STEP = ShopStep(EDGES, CARATS, STEPS)

ADDED = {
    (900, 0.4): 1.25,
    (1000, 0.4): 1.25,
    (1001, 0.5): 1.1,
    (1001, 0.51): 1.05,
    (2000, 0.4): 1.1,
    (9000, 3.0): 0.98,
}


@pytest.mark.parametrize(("stone", "ratio"), ADDED.items())
def test_the_step_depends_on_price_and_carat(stone, ratio):
    price, carat = map(math.log, stone)
    assert STEP.added_to_one(price, carat) == pytest.approx(math.log(ratio))


def test_one_stone_and_many_get_the_same_step():
    rng = np.random.default_rng(1)
    first, carat = rng.uniform(6, 9, 500), rng.uniform(-1.5, 1, 500)
    first[:2], carat[:1] = EDGES, CARATS
    one_by_one = [STEP.added_to_one(*one) for one in zip(first, carat, strict=True)]
    assert one_by_one == STEP.added(first, carat).tolist()


SOLVED = {
    "the first shop's price stays": (900, -1, None, 900),
    "equal diameters are the first shop's": (900, 0, None, 900),
    "one root": (800, 1, None, 640),
    "the lower of two roots by default": (1200, 1, None, 960),
    "the likelier of two roots": (1200, 1, 1090, 1200 / 1.1),
    "a price at the boundary": (1250, 1, None, 1000),
    "only the higher root is in its range": (1300, 1, 900, 1300 / 1.1),
}


@pytest.mark.parametrize(("price", "sign", "likely", "first"), SOLVED.values(), ids=SOLVED)
def test_the_first_shops_price_is_solved(price, sign, likely, first):
    likely = likely and np.log([float(likely)])
    found = STEP.first_shop_log(np.log([price]), np.log([0.4]), np.array([sign]), likely)
    assert np.exp(found) == pytest.approx([first])


def test_each_price_of_the_second_shop_is_found_again_from_the_first_shops():
    first = np.linspace(6, 9, 1001)
    carat = np.full_like(first, math.log(0.4))
    listed = first + STEP.added(first, carat)
    again = STEP.first_shop_log(listed, carat, np.ones_like(first), first)
    assert again == pytest.approx(first, abs=1e-12)


def test_a_price_that_no_first_price_gives_gets_the_nearest_one():
    rising = ShopStep(np.log([1000.0]), np.empty(0), np.log([[1.0], [1.2]]))
    found = rising.first_shop_log(np.log([1010.0, 1190]), np.zeros(2), np.ones(2))
    assert np.exp(found) == pytest.approx([1010, 1190 / 1.2])


def test_without_a_step_both_shops_ask_the_same():
    step, prices = ShopStep.none(), np.array([5.0, 9.0])
    assert step.added(prices, np.zeros(2)).tolist() == [0, 0]
    assert step.first_shop_log(prices, np.zeros(2), np.ones(2)).tolist() == [5, 9]


def test_a_step_is_the_same_from_its_arrays():
    again = ShopStep.of_arrays(STEP.arrays())
    assert again.added_to_one(math.log(1500), 0.0) == STEPS[1, 1]
