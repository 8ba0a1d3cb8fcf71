"""A stone that is itself a training stone gets the price of its listing, carried to the asked shop."""

import math

import numpy as np
import pytest

from ml.forest import PriceForest
from ml.forest.recorded import AMBIGUOUS, KINDS, SAME, TO_FIRST, TO_SECOND, Recorded
from ml.forest.shops import ShopStep

#          carat cut col cla depth table  x     y     z
STONES = [
    [0.30, 4, 3, 4, 61.5, 56, 4.30, 4.28, 2.64],
    [0.70, 4, 3, 4, 61.5, 56, 5.70, 5.73, 3.51],
    [0.70, 2, 3, 4, 61.5, 56, 5.73, 5.70, 3.51],
    [0.31, 4, 3, 4, 61.5, 56, 4.33, 4.33, 2.66],
    [0.31, 1, 3, 4, 61.5, 56, 4.33, 4.33, 2.66],
]
PRICES = [1200.0, 2700.0, 2800.0, 500.0, 605.0]
STEP = ShopStep(np.log([1000.0]), np.empty(0), np.log([[1.25], [1.1]]))
REACH = np.array([[0.04, 0.05], [0.01, 0.02], [0.02, 0.03], [0.1, 0.2]])


def recorded(reach=REACH):
    return Recorded(np.array(STONES, np.float32), np.array(PRICES), STEP, reach)


def asked(row, **changes):
    stone = [*STONES[row]]
    for place, value in changes.items():
        stone[int(place[1:])] = value
    return np.array(stone, np.float32)


EXCHANGED = {"_6": 4.28, "_7": 4.30}

ANSWERS = {
    "the same listing": (asked(1), 3000, math.nan, SAME, [1], 2700.0),
    "the same listing under another cut": (asked(1, _1=0), 3000, math.nan, SAME, [1], 2700.0),
    "of both shops, the asked one's": (asked(2), 3000, 3100, SAME, [2], 2800.0),
    "several listings": (asked(3), 400, math.nan, SAME, [3, 4], math.sqrt(500.0 * 605)),
    "the likelier of two": (asked(0, **EXCHANGED), 950.0, math.nan, AMBIGUOUS, [0], 960.0),
    "the other of two": (asked(0, **EXCHANGED), 1080.0, 9.0, AMBIGUOUS, [0], 1200 / 1.1),
}


@pytest.mark.parametrize(
    ("row", "price", "turned", "kind", "rows", "answer"), ANSWERS.values(), ids=ANSWERS
)
def test_a_recorded_stone_gets_the_price_of_its_listings(row, price, turned, kind, rows, answer):
    found = recorded().of_one(row, price, turned)
    assert (found.listed.kind, found.listed.rows) == (kind, rows)
    assert found.price == pytest.approx(answer, rel=1e-12)
    assert np.log([found.price / found.low, found.high / found.price]) == pytest.approx(REACH[kind])


def test_a_listing_of_its_own_shop_is_exact():
    assert recorded().of_one(asked(2), 1.0, math.nan).price == 2800.0


def test_prices_are_carried_to_the_second_shop_and_the_other_order_is_carried_back():
    only_first = Recorded(np.array(STONES[1:2], np.float32), np.array([2700.0]), STEP, REACH)
    found = only_first.of_one(asked(2), 3000.0, 2900.0)
    assert (found.listed.kind, found.price) == (TO_SECOND, pytest.approx(2970))
    assert found.turned == 2700.0
    assert found.adjustment == pytest.approx(math.log(1.1))
    only_second = Recorded(np.array(STONES[2:3], np.float32), np.array([2800.0]), STEP, REACH)
    found = only_second.of_one(asked(1), 2500.0, 2600.0)
    assert (found.listed.kind, found.price) == (TO_FIRST, pytest.approx(2800 / 1.1))
    assert found.turned == 2800.0


OTHERS = [{"_0": 0.71}, {"_2": 4}, {"_3": 5}, {"_4": 61.6}, {"_5": 57}, {"_6": 5.71}, {"_8": 3.52}]


@pytest.mark.parametrize("change", OTHERS)
def test_a_stone_that_differs_in_anything_else_is_another_one(change):
    assert recorded().of_one(asked(1, **change), 3000.0, math.nan) is None


def test_a_kind_that_is_not_nearer_than_the_trees_does_not_answer():
    reach = REACH.copy()
    reach[SAME] = np.nan
    assert recorded(reach).of_one(asked(3), 400.0, math.nan) is None
    assert recorded(reach).of_one(asked(2), 400.0, math.nan).listed.kind == TO_SECOND
    assert recorded(np.full((KINDS, 2), np.nan)).of_one(asked(2), 400.0, math.nan) is None


# In a forest


@pytest.fixture(scope="module", params=[True, False], ids=["compiled", "numpy"])
def forest(small_forests, request):
    """The small graded forest, that looks up listings."""
    plain = small_forests["graded"]
    shops = {f"shops_{name}": array for name, array in STEP.arrays().items()}
    arrays = plain.arrays | shops | {"listings_reach": REACH}
    return PriceForest(arrays, plain.metadata, compiled=request.param)


@pytest.fixture(scope="module")
def stones(forest):
    """Twenty training stones, those with the diameters exchanged, and some that are not recorded."""
    columns = [forest.recorded_columns[name][:20] for name in forest.columns]
    known = np.column_stack(columns).astype(np.float32)
    turned, new = known.copy(), known.copy()
    turned[:, [6, 7]] = known[:, [7, 6]]
    new[:, 5] += 0.5
    return np.concatenate([known, turned, new])


def test_a_training_stone_is_priced_as_recorded(forest, stones):
    answers = forest.answers(stones, turned=True)
    assert answers.price[:20].tolist() == forest.recorded_columns["price"][:20].tolist()
    assert answers.listed[:40].tolist() == [*range(20), *range(20)]
    arrays = {name: array for name, array in forest.arrays.items() if name != "listings_reach"}
    by_trees = PriceForest(arrays, forest.metadata).answers(stones, turned=True)
    assert (answers.listed[40:] == -1).all()
    assert answers.price[40:].tolist() == by_trees.price[40:].tolist()
    assert by_trees.listed.tolist() == [-1] * 60


def test_one_stone_and_many_get_the_same_answer(forest, stones):
    together = forest.answers(stones, turned=True).each()
    assert [forest.answer(row) for row in stones] == [
        one._replace(comparables=()) for one in together
    ]
    assert not any(one.extrapolated for one in together[:40])
    assert all(one.low <= one.price <= one.high for one in together)


def test_both_orders_of_a_recorded_stone_name_each_others_price(forest, stones):
    together = forest.answers(stones[:40], turned=True)
    differ = stones[:20, 6] != stones[:20, 7]
    assert together.turned[:20][differ] == pytest.approx(together.price[20:][differ], rel=1e-12)
    assert together.turned[20:][differ] == pytest.approx(together.price[:20][differ], rel=1e-12)


def test_the_weight_is_the_listings(forest, stones):
    for place in (3, 23):
        answer = forest.answer(stones[place], 5)
        [one] = answer.comparables
        assert (one.row, one.weight, one.adjusted_price) == (3, 1.0, answer.price)
        assert one.price == forest.recorded_columns["price"][3]
        assert [one] == forest.comparables(stones[place : place + 1], None)
        means = forest.weighted_means(
            stones[place : place + 1], np.arange(len(forest.arrays["weight"]))[:, None]
        )
        assert means.tolist() == [[3.0]]


def test_ranges_and_quantiles_are_those_of_the_listing(forest, stones):
    answer = forest.answer(stones[3])
    assert forest.price_range(stones[3:4]).tolist() == [[answer.low, answer.high]]
    assert answer.price * math.exp(-0.04) == answer.low
    assert forest.quantiles(stones[3:4], [0.1, 0.5]).ravel()[0] == pytest.approx(answer.low)
