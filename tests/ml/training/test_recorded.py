"""How far prices are from answers by other listings of the same stone, and whether those are used."""

import math

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.forest.matrix import as_matrix
from ml.forest.recorded import AMBIGUOUS, SAME, TO_FIRST, TO_SECOND
from ml.forest.shops import ShopStep
from ml.training.recorded import learn_reach

STEP = ShopStep(np.log([1000.0]), np.empty(0), np.log([[1.25], [1.1]]))


@pytest.fixture(scope="module")
def stones(sample):
    """1,000 stones of the first shop, without other listings; prices outside the ambiguous ones."""
    clean = dataset.clean(sample, "graded").stones.head(1000)
    x, y = np.sort(clean[["x", "y"]].to_numpy(), axis=1).T
    clean = clean.assign(x=x, y=y + 0.01 * (x == y), z=np.arange(1000) / 100 + 2)
    return clean.assign(price=np.where(clean.price < 1000, 700.0, 5000.0))


def reach_of(frame, off, step=STEP):
    """The reach learned where the trees' answers are off by a log price."""
    price = frame.price.to_numpy(np.float64)
    return learn_reach(as_matrix(frame, "graded"), price, np.log(price) + off, step)


def turned(stones):
    price = stones.price.to_numpy()
    listed = price * np.exp(STEP.added(np.log(price), np.zeros(len(price))))
    return stones.assign(x=stones.y, y=stones.x, price=listed)


def test_listings_of_the_other_shop_are_used_with_their_own_spread(stones):
    noise = np.exp(np.random.default_rng(1).normal(0, 0.01, len(stones)))
    other = turned(stones)
    frame = pd.concat([stones, other.assign(price=other.price * noise)])
    reach = reach_of(frame, 0.1)
    assert reach[[TO_SECOND, TO_FIRST]] == pytest.approx(np.full((2, 2), 0.0128), abs=0.002)
    assert np.isnan(reach[[SAME, AMBIGUOUS]]).all()


def test_listings_further_away_than_the_trees_are_not_used(stones):
    noise = np.exp(np.random.default_rng(1).normal(0, 0.2, len(stones)))
    frame = pd.concat([stones, stones.assign(price=stones.price * noise)])
    assert np.isnan(reach_of(frame, 0.1)).all()
    assert reach_of(frame, 0.3)[SAME] == pytest.approx([0.256, 0.256], abs=0.03)


def test_prices_that_two_lead_to_have_a_range_of_their_own(stones):
    first = stones.assign(price=np.where(np.arange(len(stones)) % 2, 900.0, 1010.0))
    frame = pd.concat([first, turned(first)])
    right = reach_of(frame, 0.01)
    assert right[[TO_SECOND, AMBIGUOUS]].max() < 0.001
    misled = reach_of(frame, np.where(np.arange(len(frame)) % 3, 0.01, 0.2))
    assert misled[AMBIGUOUS] == pytest.approx([math.log(1.25 / 1.1), 1e-4], abs=1e-6)


def test_hardly_any_other_listings_are_not_used(stones):
    few = stones.head(49)
    assert np.isnan(reach_of(pd.concat([few, turned(few)]), 0.1)).all()


def test_exact_copies_still_have_a_range(stones):
    assert (reach_of(pd.concat([stones, stones]), 0.1)[SAME] == 1e-4).all()
