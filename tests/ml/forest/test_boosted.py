"""The boosted trend: a toy with hand-worked answers, then properties of forests that have one; forests from
before they had one."""

import pickle

import numpy as np
import pytest

from ml import dataset
from ml.forest import PriceForest, masks, native
from ml.forest.arrays import with_prefix
from ml.forest.asked import exchanged
from ml.forest.boosted import Boosted
from ml.forest.matrix import FEATURES, SHOP, features_of_many, features_of_one
from ml.forest.nodes import FEATURE, LEAF, LOW, PLACE, keys_of_many, ordered, walk
from ml.forest.ranges import KNOTS
from ml.forest.trend import KNOTS as TREND_KNOTS
from ml.forest.trend import Sizes
from ml.training import boosting
from ml.training.trends import Stones, folds_of, nobody


def split(feature, threshold, left):
    """The word of a node that splits: the left child is at index `left`, the right one just before it."""
    return feature << FEATURE | left << PLACE | int(ordered(np.float32([threshold]))[0])


def leaf(place, value):
    return LEAF | place << PLACE | value


@pytest.fixture(params=[True, False])
def toy(request):
    """Two trees: one splits at 1 ct (10 and 20), the other on the shop (4 up to 0, else 7)."""
    first = [0, split(0, 1.0, 3), leaf(2, 20), leaf(3, 10)]
    second = [0, split(SHOP, 0.5, 7), leaf(6, 7), leaf(7, 4)]
    tables = {
        "nodes": np.array(first + second, np.int64),
        "roots": np.array([1, 5], np.int32),
        "shared": np.array(1),
        "value": np.array([-1.0, 0.5]),
    }
    return Boosted(tables, compiled=request.param)


def features(carat, shop):
    row = np.zeros((1, len(FEATURES)), np.float32)
    row[0, [0, SHOP]] = carat, shop
    return row


@pytest.mark.parametrize(
    ("carat", "shop", "shared", "own", "turned"),
    [(0.5, -1, 10, 4, 7), (1.0, 1, 10, 7, 4), (1.1, 1, 20, 7, 4), (3.0, -1, 20, 4, 7)],
)
def test_sums_are_those_worked_by_hand(toy, carat, shop, shared, own, turned):
    row = features(carat, shop)
    assert toy.sums_of_many(row, orders=2).tolist() == [[shared + own], [shared + turned]]
    assert toy.sums_of_many(row).tolist() == [[shared + own]]
    assert toy.sum_of_one(row[0].tolist(), toy.shared) == shared
    assert toy.log_price(shared + own) == -1 + (shared + own) / 2


def test_it_can_be_sent_to_another_process(toy):
    row = features(0.5, 1)
    again = pickle.loads(pickle.dumps(toy))  # noqa: S301
    assert again.sums_of_many(row) == toy.sums_of_many(row)


@pytest.mark.parametrize("every", [1, 3, 128])
def test_masks_lead_to_the_leaves_of_the_words(small_forests, monkeypatch, every):
    """Every leaf, however many splits there are between two rows; walk.c has rows of 128."""
    tables = with_prefix(small_forests["graded"].arrays, "boosted_")
    nodes, roots = np.asarray(tables["nodes"]), np.asarray(tables["roots"])
    monkeypatch.setattr(masks, "EVERY", every)
    found = masks.masks_of(nodes, roots)
    rows = np.random.default_rng(1).normal(size=(20, len(FEATURES))).astype(np.float32)
    for row in rows * 10:
        leaves = np.full(len(roots), masks.ALL)
        for feature, value in enumerate(ordered(row).tolist()):
            leaves &= of_feature(found, feature, value, every)
        leaf = np.log2(leaves & -leaves.astype(np.int64)).astype(int)
        words = walk(nodes, roots, np.repeat(keys_of_many(row[None]), len(roots), axis=0))
        assert found["values"][np.arange(len(roots)), leaf].tolist() == (words & LOW).tolist()


def of_feature(found, feature, value, every):
    """What one feature's splits leave of the masks, by its last row and the splits after it."""
    first, end = found["first_rows"][feature : feature + 2]
    row = first + np.searchsorted(found["reached"][first + 1 : end], value)
    leaves = found["rows"][row].copy()
    for split in range(*found["begins"][feature : feature + 2])[(row - first) * every :]:
        if found["thresholds"][split] < value:
            leaves[found["trees"][split]] &= found["masks"][split]
    return leaves


def test_a_tree_of_more_leaves_than_a_mask_has_bits_is_refused():
    """A comb: each left child is a leaf, each right child splits again."""
    words, left = [0, split(0, 1.0, 3)], 3
    for _ in range(masks.MOST_LEAVES - 1):
        words += [split(0, 1.0, left + 2), leaf(left, 0)]
        left += 2
    words += [leaf(left - 1, 0), leaf(left, 0)]
    with pytest.raises(ValueError, match="a boosted tree of 33 leaves; at most 32"):
        masks.masks_of(np.array(words), np.array([1]))


def test_the_features_are_those_worked_by_hand():
    stone = [1.0, 4, 3, 2, 61.5, 57.3, 6.5, 6.4, 4.0]
    found = dict(zip(FEATURES, features_of_one(stone, 8.5), strict=True))
    assert found["smaller diameter"] == 6.4
    assert found["larger diameter"] == 6.5
    assert found["volume"] == pytest.approx(166.4)
    assert found["fill"] == pytest.approx(1 / 166.4)
    assert found["asymmetry"] == pytest.approx(6.5 / 6.4)
    assert found["table's decimals"] == 30
    assert found["ridge trend"] == 8.5
    assert found["shop"] == 1
    matrix = np.array([stone, stone], np.float32)
    matrix[1, 6] = 6.4
    many = features_of_many(matrix, np.array([8.5, 8.5]))
    assert many[:, SHOP].tolist() == [1, 0]
    rounded = np.float32(features_of_one(matrix[0].tolist(), 8.5))
    np.testing.assert_array_equal(many[0], rounded)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([3.0, 1.0, 1.0, 2.0], [1.5, 2.5]),
        ([7.0, 7.0], []),
        ([*range(255)], [i + 0.5 for i in range(254)]),
        ([*range(256)], [*range(1, 255)]),
    ],
)
def test_bins_are_those_worked_by_hand(values, edges):
    column = np.array(values, np.float64)
    bins = boosting.Bins.of(column[:, None], np.ones(len(column)))
    assert bins.edges[0].tolist() == edges
    assert bins.numbers(column[:, None])[:, 0].tolist() == [
        sum(edge < value for edge in edges) for value in values
    ]


def test_the_trees_are_those_that_scikit_learn_grows_from_the_values(few):
    known = Stones.of(dataset.clean(few, "graded").stones, "graded")
    rows = features_of_many(known.matrix, known.log_price)
    target, weight, fold = known.log_price % 1, np.sqrt(known.price), folds_of(known, 7)
    theirs = boosting._regressor(FEATURES, boosting.iterations_of(len(fold)), 7)
    theirs.fit(rows[fold != 0].astype(np.float64), target[fold != 0], weight[fold != 0])
    own = boosting.grow(rows, FEATURES, target, weight, fold, 7, nobody).own[fold == 0]
    np.testing.assert_allclose(own, theirs.predict(rows[fold == 0]), atol=1e-6)


@pytest.fixture
def stones(raw):
    return dataset.clean(raw.iloc[3::150], "graded").stones


def test_in_the_other_order_only_the_shop_is_another(stones, small_forests):
    matrix = small_forests["graded"].matrix(stones)
    here, there = (
        features_of_many(some, np.zeros(len(some))) for some in (matrix, exchanged(matrix))
    )
    np.testing.assert_array_equal(here[:, :SHOP], there[:, :SHOP])
    np.testing.assert_array_equal(here[:, SHOP], -there[:, SHOP])


def test_training_stones_get_their_trend_from_trees_that_have_not_seen_them(few):
    known = Stones.of(dataset.clean(few, "graded").stones, "graded")
    fold, weight = folds_of(known, 7), np.ones(len(known.price))
    rows, target = features_of_many(known.matrix, known.log_price), known.log_price % 1
    other = np.where(fold == 2, target + 1, target)
    one, two = (
        boosting.grow(rows, FEATURES, some, weight, fold, 7, nobody).own for some in (target, other)
    )
    np.testing.assert_array_equal(one[fold == 2], two[fold == 2])
    assert np.median(two[fold != 2] - one[fold != 2]) > 0.1


def test_listings_of_one_stone_are_in_one_fold(raw):
    stones = dataset.clean(raw, "graded").stones.iloc[:20_000]
    fold = folds_of(Stones.of(stones, "graded"), 1)
    assert np.bincount(fold).min() > 3000
    folds = {}
    for key, one in zip(dataset.stone_keys(stones), fold.tolist(), strict=True):
        folds.setdefault(key, set()).add(one)
    assert {len(some) for some in folds.values()} == {1}


def test_a_forest_from_before_answers_by_its_ridge_trend():
    """One tree that splits on the ridge trend at 5, one on x at 6 mm; targets 0 and 0.1."""
    forests = [_from_before(compiled) for compiled in (True, False)]
    row = np.float32([[0.7, 4, 3, 4, 61.5, 56.0, 5.73, 6.1, 3.51]])
    for forest in forests:
        answer = forest.answer(row[0], k=4)
        assert answer.price == pytest.approx(np.exp(6 + (0.3 + 0.1) / 2))
        assert answer.turned == pytest.approx(np.exp(6 + (0.3 + 0.2) / 2))
        adjusted = {one.row: one.adjusted_price for one in answer.comparables}
        assert adjusted == pytest.approx({0: np.exp(6.1), 1: np.exp(6.3)})
        assert forest.answers(row, turned=True).each() == [forest.answer(row[0])]
        assert forest.trends(row) == pytest.approx([6.0])
    assert forests[0].answer(row[0], 4) == forests[1].answer(row[0], 4)


def _from_before(compiled):
    native.build()
    native.library.cache_clear()
    cuts, colors, clarities = Sizes.of("graded").grades
    nodes = [0, split(12, 5.0, 3), leaf(2, 0), leaf(3, 6)]
    nodes += [0, split(6, 6.0, 7), leaf(6, 18), leaf(7, 12)]
    nodes += [0, leaf(9, 0)]
    units = [300, 0, 100, 200]  # of 1 / 1000: the leaves' means
    members = [[1, 0, 0, units[0], 0, 1], [1, 0, 0, units[1], 0, 0]]
    members += [[1, 0, 0, units[2], 0, 0], [1, 0, 0, units[3], 0, 1]]
    arrays = {
        "nodes": np.array(nodes, np.int64),
        "router": np.array(9),
        "starts": np.array([[1, 5]], np.int32),
        "members": np.concatenate(members).astype(np.uint16),
        "steps": np.array(1),
        "value": np.array([0.0, 0.001]),
        "target": np.array([0.1, 0.3]),
        "weight": np.ones(2),
        "trend_curves": np.full((cuts, colors, clarities, len(TREND_KNOTS)), 6.0),
        "trend_slopes": np.zeros(2),
        "range_cut": np.zeros((cuts, 2)),
        "range_carat": np.zeros((colors, clarities, len(KNOTS), 2)),
        "range_price": np.zeros((colors, clarities, 2, 2)),
        "range_price_knots": np.log([1.0, 1000.0]),
        "range_disagreement": np.zeros(2),
        "range_offset": np.zeros(2),
        "range_floor": np.log([0.5, 2.0]),
        "range_step": np.zeros(2),
        "recorded_price": np.array([500.0, 600.0]),
    }
    return PriceForest(arrays, {"scheme": "graded"}, compiled)
