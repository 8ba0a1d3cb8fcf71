"""PriceForest: a toy with hand-worked answers, then properties on real stones, then invalid input."""

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.forest import PriceForest
from ml.forest.nodes import FEATURE, LEAF, PLACE, ordered
from ml.forest.ranges import KNOTS
from ml.forest.trend import KNOTS as TREND_KNOTS
from ml.forest.trend import Sizes


def split(feature, threshold, left):
    """The word of a node that splits: the left child is at index `left`, the right one just before it."""
    return feature << FEATURE | left << PLACE | int(ordered(np.float32([threshold]))[0])


def leaf(place, begins):
    """The word of a leaf: its index, and the index at which its list of members begins."""
    return LEAF | place << PLACE | begins


@pytest.fixture
def toy():
    """Six stones, two trees. Tree 1 splits at 1 ct, tree 2 at 1.5 ct.

    Prices 100 200 300 | 400 500 600; tree 1: {0, 1, 2} and {3, 4, 5}; tree 2, which drew stone 0
    twice: {0, 0, 1, 2, 3} and {4, 5}.
    """
    nodes = [0, split(0, 1.0, 3), leaf(2, 8), leaf(3, 0)]
    nodes += [0, split(0, 1.5, 7), leaf(6, 26), leaf(7, 16)]
    nodes += [0, leaf(9, 0)]  # the router: one cell
    first = [[3, 10, 20, 200, 0, 0, 1, 2], [3, 30, 40, 500, 0, 3, 4, 5]]
    second = [[5, 0, 0, 220, 0, 0, 0, 1, 2, 3], [2, 50, 60, 550, 0, 4, 5]]
    cuts, colors, clarities = Sizes.of("coded").grades
    price = np.array([100.0, 200, 300, 400, 500, 600])
    arrays = {
        "nodes": np.array(nodes, np.int64),
        "router": np.array(9),
        "starts": np.array([[1, 5]], np.int32),
        "members": np.concatenate(first + second).astype(np.uint16),
        "steps": np.array(1),
        "value": np.array([0.0, 1.0]),
        "target": price,
        "weight": np.ones(6),
        "trend_curves": np.zeros((cuts, colors, clarities, len(TREND_KNOTS))),
        "trend_slopes": np.zeros(2),
        "range_cut": np.zeros((cuts, 2)),
        "range_carat": np.zeros((colors, clarities, len(KNOTS), 2)),
        "range_price": np.zeros((colors, clarities, 2, 2)),
        "range_price_knots": np.log([1.0, 1000.0]),
        "range_disagreement": np.zeros(2),
        "range_offset": np.zeros(2),
        "range_floor": np.log([0.5, 1.0]),
        "range_step": np.array([0.0, np.log(2) / 100]),
        "recorded_price": price,
    }
    return PriceForest(arrays, {"scheme": "coded"})


def coded_stone(carat):
    return np.float32([[carat, 3, 1, 2, 61, 57, carat * 163]])


@pytest.mark.parametrize(
    ("carat", "price"),
    [
        (0.5, (200 + 220) / 2),  # (100+200+300)/3; (100+100+200+300+400)/5
        (1.0, (200 + 220) / 2),  # a value at the threshold goes left
        (1.2, (500 + 220) / 2),
        (2.0, (500 + 550) / 2),
    ],
)
def test_a_price_is_the_mean_over_trees_of_the_mean_of_the_leaf(toy, carat, price):
    assert toy.price(coded_stone(carat)) == pytest.approx([price], rel=1e-12)


def test_the_weights_are_those_worked_by_hand(toy):
    weights = {c.row: c.weight for c in toy.comparables(coded_stone(0.5), None)}
    third, fifth = 1 / 6, 1 / 10  # half a tree's weight, divided by 3 and by 5
    expected = {0: third + 2 * fifth, 1: third + fifth, 2: third + fifth, 3: fifth}
    assert weights == pytest.approx(expected, rel=1e-12)


def test_comparables_come_heaviest_first_and_no_more_than_asked(toy):
    assert [c.row for c in toy.comparables(coded_stone(0.5), 2)] == [0, 1]


def test_the_range_is_the_mean_of_what_the_leaves_say(toy):
    # The leaves' steps for `high` at 0.5 ct are 20 and 0; their mean of 10 is a tenth of log 2.
    low, high = toy.price_range(coded_stone(0.5))[0]
    assert low == pytest.approx(210 * 0.5)
    assert high == pytest.approx(210 * 2**0.1)


@pytest.fixture(scope="module", params=["coded", "graded"])
def asked(request, raw, small_forests):
    """A forest of the sample, and 4,000 other real stones as its matrix."""
    scheme = request.param
    stones = dataset.clean(raw.iloc[5::13], scheme).stones[:4000]
    forest = small_forests[scheme]
    return forest, forest.matrix(stones)


def mean_of(forest, comparables):
    weight = np.array([c.weight for c in comparables])
    adjusted = np.array([c.adjusted_price for c in comparables])
    if forest.scheme == "coded":
        return weight @ adjusted
    return np.exp(weight @ np.log(adjusted))


def test_the_price_is_the_weighted_mean_of_the_comparables_adjusted_prices(asked):
    forest, matrix = asked
    for row in matrix[:2000]:
        answer = forest.answer(row, k=10_000)
        assert mean_of(forest, answer.comparables) == pytest.approx(answer.price, rel=1e-9)
        assert sum(c.weight for c in answer.comparables) == pytest.approx(1, rel=1e-9)
        rows = [c.row for c in answer.comparables]
        assert len(rows) == len(set(rows))


def test_the_range_holds_the_price_and_is_positive(asked):
    forest, matrix = asked
    for answer in forest.answer_many(matrix):
        assert 0 < answer.low <= answer.price <= answer.high < np.inf
    price, (low, high) = forest.price(matrix), forest.price_range(matrix).T
    assert np.all((low <= price) & (price <= high))


def test_one_by_one_and_in_a_batch_the_answers_are_the_same(asked):
    forest, matrix = asked
    batch, prices = forest.answer_many(matrix[:500], turned=True), forest.price(matrix[:500])
    for row, answer, price in zip(matrix, batch, prices, strict=False):
        assert forest.answer(row) == answer
        assert price == pytest.approx(answer.price, rel=1e-12)


def test_the_other_order_of_the_diameters_has_the_price_that_it_would_be_answered(asked):
    forest, matrix = asked
    for row in matrix[:500]:
        turned = row.copy()
        if forest.scheme == "graded":
            turned[[6, 7]] = row[[7, 6]]
        expected = None if np.array_equal(turned, row) else forest.answer(turned).price
        assert forest.answer(row).turned == expected
    assert {answer.turned for answer in forest.answer_many(matrix[:50])} == {None}


def test_a_comparable_is_a_recorded_stone(small_forests, sample):
    forest = small_forests["graded"]
    training, held_out = dataset.split(dataset.clean(sample, "graded").stones, "graded")
    for comparable in forest.comparables(held_out[:1], 5):
        recorded = training.iloc[comparable.row].to_dict()
        assert forest.recorded(comparable.row) == recorded
        assert comparable.price == recorded["price"]


def test_a_far_larger_stone_still_gets_a_sane_price(small_forests):
    stone = pd.DataFrame(
        [
            dict(
                carat=c,
                cut="Ideal",
                color="G",
                clarity="VS2",
                depth=61.8,
                table=57.0,
                x=s,
                y=s,
                z=s * 0.618,
            )
            for c, s in [(2.0, 8.1), (10.0, 13.9), (30.0, 20.0)]
        ]
    )
    prices = small_forests["graded"].price(stone)
    assert 5_000 < prices[0] < prices[1] < prices[2] < 10_000_000


GRADED = dict(
    carat=1.0, cut="Ideal", color="G", clarity="VS2", depth=61.8, table=57.0, x=6.4, y=6.4, z=3.95
)


@pytest.mark.parametrize(
    ("stones", "why"),
    [
        (pd.DataFrame([GRADED]).drop(columns="x"), "missing column x"),
        (pd.DataFrame([GRADED, GRADED | {"cut": "Great"}]), "row 1, column cut: unknown grade"),
        (pd.DataFrame([GRADED | {"depth": np.nan}]), "row 0, column depth: nan is not possible"),
        (pd.DataFrame([GRADED | {"z": np.inf}]), "row 0, column z: inf is not possible"),
        (pd.DataFrame([GRADED | {"carat": 0.0}]), "row 0, column carat: 0.0 is not possible"),
        (pd.DataFrame([GRADED | {"table": "wide"}]), "column table: holds something that is no"),
        (pd.DataFrame([GRADED])[:0], "no stones"),
        (np.zeros((3, 7), np.float32), r"a matrix of shape \(3, 7\); expected \(n, 9\)"),
        (np.zeros(9, np.float32), r"a matrix of shape \(9,\)"),
        (np.float32([[1, 9, 3, 3, 61, 57, 6, 6, 4]]), "row 0, column cut: 9.0 is not possible"),
        (np.float32([[1, 1.5, 3, 3, 61, 57, 6, 6, 4]]), "row 0, column cut: 1.5 is not possible"),
    ],
)
@pytest.mark.parametrize("ask", ["price", "price_range"])
def test_bad_stones_are_refused_by_row_and_column(small_forests, ask, stones, why):
    with pytest.raises(ValueError, match=why):
        getattr(small_forests["graded"], ask)(stones)
