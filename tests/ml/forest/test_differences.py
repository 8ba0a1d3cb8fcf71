"""Why two prices differ: the parts sum to the difference, and each is what its name says."""

import numpy as np
import pytest
from hypothesis import settings

from ml import dataset
from ml.forest import PriceForest
from ml.forest.differences import PARTS, Differences
from ml.forest.keys import NoStoneKeys, keys_of
from ml.forest.matrix import renumbered
from ml.stones import SCHEMES

TOLERANCE = 1e-9
PAIRS = {200: 2_000, 2000: 100_000}
"""The pairs of prices that are compared, by the examples of Hypothesis's profile: `make fuzz` has more."""

SIDES = ("small", "other", "later")


@pytest.fixture(scope="session")
def forests(small_forests, other_forests, later_forests):
    """Forests of one table with two seeds, and of a table that changed: {name: {scheme: PriceForest}}."""
    return dict(zip(SIDES, (small_forests, other_forests, later_forests), strict=True))


@pytest.fixture(scope="session")
def differences(forests):
    """The Differences of a scheme's forests, by their names."""
    return lambda scheme, *names: Differences(*(forests[name][scheme] for name in names))


def stones(raw, scheme, forest, count):
    """Stones of the table and, every fourth, of random properties, also outside the training data."""
    rng = np.random.default_rng(11)
    matrix = forest.matrix(dataset.clean(raw, scheme).stones)
    drawn = matrix[rng.integers(len(matrix), size=count)].copy()
    for column in drawn.T:
        column[::4] = rng.permutation(matrix[:, 0] if column is drawn[:, 0] else column)[::4]
    drawn[::4, 0] *= rng.uniform(0.5, 4, len(drawn[::4])).astype(np.float32)
    return drawn


def log_ratio(before, after, matrix, other=None):
    return np.log(after.price(matrix if other is None else other) / before.price(matrix))


@pytest.mark.fuzz
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_parts_sum_to_the_difference_of_the_log_prices(raw, forests, differences, scheme):
    count = PAIRS[settings.default.max_examples] // 2
    for before, after in (("small", "later"), ("small", "other")):
        one, other = forests[before][scheme], forests[after][scheme]
        matrix = stones(raw, scheme, one, count)
        parts = differences(scheme, before, after).parts(matrix)
        assert np.abs(parts.sum(axis=1) - log_ratio(one, other, matrix)).max() < TOLERANCE
    assert (parts[:, PARTS.index("outside")] != 0).any() == (scheme == "graded")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_exchanging_the_forests_changes_only_the_signs(raw, forests, differences, scheme):
    matrix = stones(raw, scheme, forests["small"][scheme], 200)
    there = differences(scheme, "small", "later").parts(matrix)
    back = differences(scheme, "later", "small").parts(matrix)
    left, entered = PARTS.index("left"), PARTS.index("entered")
    back[:, [left, entered]] = back[:, [entered, left]]
    assert np.abs(there + back).max() < TOLERANCE


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_forest_has_no_difference_from_itself(raw, forests, differences, scheme):
    matrix = stones(raw, scheme, forests["small"][scheme], 100)
    assert np.abs(differences(scheme, "small", "small").parts(matrix)).max() < TOLERANCE


def test_two_forests_of_one_table_have_the_same_stones(raw, forests, differences):
    matrix = stones(raw, "graded", forests["small"]["graded"], 200)
    parts = differences("graded", "small", "other").parts(matrix)
    stones_of = [PARTS.index(name) for name in ("entered", "left", "recorded")]
    assert not parts[:, stones_of].any()
    for name in ("weights", "trend", "comparables"):
        assert np.abs(parts[:, PARTS.index(name)]).max() > 0.001


@pytest.mark.parametrize("scheme", SCHEMES)
def test_two_stones_of_one_forest_differ_by_trend_and_weights(raw, forests, differences, scheme):
    forest = forests["small"][scheme]
    matrix = stones(raw, scheme, forest, 200)
    other = matrix[::-1]
    parts = differences(scheme, "small", "small").parts(matrix, other)
    assert np.abs(parts.sum(axis=1) - log_ratio(forest, forest, matrix, other)).max() < TOLERANCE
    moved = forest.trends(other) - forest.trends(matrix)
    assert parts[:, PARTS.index("trend")] == pytest.approx(moved)
    assert not parts[:, [PARTS.index(name) for name in ("entered", "left", "recorded")]].any()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_stone_has_the_same_parts_and_names_the_stones(raw, forests, differences, scheme):
    one, later = forests["small"][scheme], forests["later"][scheme]
    matrix = stones(raw, scheme, one, 20)
    found = differences(scheme, "small", "later")
    for row, parts in zip(matrix, found.parts(matrix), strict=True):
        told = found.of_one(row, k=10_000)
        assert [*told.parts.values()] == pytest.approx(parts, abs=TOLERANCE)
        assert (told.before, told.after) == (one.price(row[None])[0], later.price(row[None])[0])
        assert sum(stone.before for stone in told.stones) == pytest.approx(1)
        assert sum(stone.after for stone in told.stones) == pytest.approx(1)
        for name in PARTS[:4]:
            of_kind = [stone for stone in told.stones if stone.kind == name]
            assert sum(stone.part for stone in of_kind) == pytest.approx(
                told.parts[name], abs=TOLERANCE
            )
            moved = {stone.key for stone in of_kind if stone.before != stone.after}
            assert told.counts[name] == len(moved)
        assert [abs(stone.part) for stone in told.stones] == sorted(
            (abs(stone.part) for stone in told.stones), reverse=True
        )


def test_each_stone_is_of_the_kind_that_the_two_tables_say(forests, differences):
    before, after = forests["small"]["graded"], forests["later"]["graded"]
    keys = [{*keys_of(one)} for one in (before, after)]
    matrix = before.matrix(_asked(before))
    told = differences("graded", "small", "later")
    kinds = {}
    for row in matrix:
        for stone in told.of_one(row, k=10_000).stones:
            kinds.setdefault(stone.kind, set()).add(stone.key)
    assert set(kinds) == {*PARTS[:4]}
    assert kinds["entered"] <= keys[1] - keys[0]
    assert kinds["left"] <= keys[0] - keys[1]
    assert kinds["recorded"] | kinds["weights"] <= keys[0] & keys[1]


def _asked(forest):
    columns = [forest.recorded_columns[name][::100] for name in forest.columns]
    return np.column_stack(columns).astype(np.float32)


def test_files_without_measurements_and_other_schemes_are_refused(forests):
    forest = forests["small"]["graded"]
    arrays = {name: array for name, array in forest.arrays.items() if name != "recorded_z"}
    with pytest.raises(NoStoneKeys, match="does not have the measurements"):
        Differences(forest, PriceForest(arrays, forest.metadata))
    with pytest.raises(ValueError, match="nothing in common"):
        Differences(forest, forests["small"]["coded"])


def test_the_listing_of_the_stone_itself_is_a_part(raw, forests):
    one = forests["small"]["graded"]
    own = PriceForest(one.arrays | {"listings_reach": np.full((4, 2), 0.01)}, one.metadata)
    matrix = np.concatenate([_asked(one), stones(raw, "graded", one, 50)])
    recorded = own.answers(matrix).listed >= 0
    assert recorded[: len(_asked(one))].all()
    found = Differences(one, own)
    parts = found.parts(matrix)
    assert np.abs(parts.sum(axis=1) - log_ratio(one, own, matrix)).max() < TOLERANCE
    assert not parts[~recorded, PARTS.index("listing")].any()
    told = found.of_one(matrix[0], k=10_000)
    assert sum(stone.after for stone in told.stones) == pytest.approx(1)
    assert [stone.after for stone in told.stones if stone.after] == [1.0]
    assert np.abs(Differences(own, own).parts(matrix)).max() < TOLERANCE


def test_lists_with_other_properties_and_grades_are_compared(own_forest, later_own_forest):
    both = own_forest, later_own_forest
    known = [one for one in map(own_forest.recorded, range(90)) if one["color"] != "K"]
    matrices = [forest.rows(known) for forest in both]
    assert matrices[0].shape[1] == matrices[1].shape[1] + 1
    parts = Differences(*both).parts(*matrices)
    ratio = np.log(both[1].price(matrices[1]) / both[0].price(matrices[0]))
    assert np.abs(parts.sum(axis=1) - ratio).max() < TOLERANCE
    turned = Differences(*reversed(both)).parts(*reversed(matrices))
    assert turned[:, PARTS.index("trend")] == pytest.approx(-parts[:, PARTS.index("trend")])


def test_levels_are_compared_by_name_not_by_number(own_forest, later_own_forest):
    stones = renumbered(
        own_forest.recorded_columns, own_forest.vocabulary, later_own_forest.vocabulary
    )
    recorded = [own_forest.recorded(row) for row in range(len(stones))]
    unknown = [later_own_forest.unknown_in(one) for one in recorded]
    is_k = np.array([("color", "K") in one for one in unknown])
    named_laboratory = np.array([("laboratory", None) in one for one in unknown])
    np.testing.assert_array_equal(np.isnan(stones).any(axis=1), is_k | named_laboratory)
    again = renumbered(
        later_own_forest.recorded_columns, later_own_forest.vocabulary, own_forest.vocabulary
    )
    stones = map(later_own_forest.recorded, range(len(again)))
    np.testing.assert_array_equal(again, own_forest.rows(stones))
