"""A forest of a shop's list: the optional properties make prices, and report numbers stay private."""

import math

import numpy as np
import pytest

from bench.own_list import as_exported, make
from ml import dataset, training
from ml.forest import PriceForest, artifact
from ml.forest.keys import all_keys_of, keys_of
from ml.stones import report_key, stone_key
from ml.training.calibration import DESIGN_BITS, widening
from ml.training.exact import rounded
from ml.training.fitting import at_most
from ml.training.vocabulary import learn_vocabulary
from ml.vocabulary import DEFAULT, OPTIONAL, TRADE_GRADES

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def held_out(own_stones):
    return dataset.split(own_stones, "graded")[1]


def test_its_vocabulary_is_that_of_the_list(own_forest, own_stones):
    vocabulary = own_forest.vocabulary
    assert vocabulary.names == tuple(OPTIONAL)
    assert vocabulary.without_cut
    assert {*vocabulary.property_called("shape").stated} == {*own_stones["shape"]}
    origin = vocabulary.property_called("origin")
    assert origin.stated == ("Lab-grown", "Natural")  # by mean price
    assert origin.assumed == "Natural"
    assert vocabulary.property_called("fluorescence").assumed == ""
    for name, grades in vocabulary.grades.items():
        assert grades == tuple(one for one in TRADE_GRADES[name] if one in {*own_stones[name]})
    assert vocabulary.few["color"].keys() >= {"N"}
    low, usual, high = vocabulary.typical["Marquise"].ratio
    assert 1.4 < low < usual < high < 2.6


def test_one_stone_and_a_batch_have_the_same_answers(own_forest, held_out):
    matrix = own_forest.matrix(held_out.head(60))
    many = own_forest.answers(matrix, turned=True).each()
    assert [own_forest.answer(row) for row in matrix] == many
    assert {answer.turned for answer in many} == {None}
    plain = PriceForest(own_forest.arrays, own_forest.metadata, compiled=False)
    assert plain.answers(matrix).each() == many


def test_comparables_make_the_price(own_forest, held_out):
    for row in own_forest.matrix(held_out.head(20)):
        answer = own_forest.answer(row, 10_000)
        weights, prices = np.array([one[1::2] for one in map(_as_tuple, answer.comparables)]).T
        assert weights.sum() == pytest.approx(1)
        assert math.exp(weights @ np.log(prices)) == pytest.approx(answer.price)


def _as_tuple(one):
    return one.row, one.weight, one.price, one.adjusted_price


def test_the_properties_make_prices(own_forest, held_out):
    natural = held_out[held_out.origin == "Natural"]
    ratio = own_forest.price(natural.assign(origin="Lab-grown")) / own_forest.price(natural)
    assert 0.15 < np.median(ratio) < 0.35


def test_what_is_not_stated_is_the_assumed_level_or_has_its_own_price(own_forest, held_out):
    stone = held_out.iloc[0].to_dict()
    without = {name: value for name, value in stone.items() if name not in OPTIONAL}
    assumed = {one.name: one.assumed for one in own_forest.vocabulary.optional}
    np.testing.assert_array_equal(own_forest.row(without), own_forest.row(stone | assumed))


def test_training_stones_are_recorded_with_their_properties(own_forest, own_stones):
    trained_on = dataset.split(own_stones, "graded")[0]
    expected = trained_on.iloc[3].drop("report").to_dict()
    assert own_forest.recorded(3) == expected


def test_report_numbers_identify_stones_but_are_not_in_the_file(own_forest, own_stones, tmp_path):
    trained_on = dataset.split(own_stones, "graded")[0]
    keys = all_keys_of(own_forest)
    assert {report_key(number) for number in trained_on.report} <= keys
    assert {*keys_of(own_forest)} == {stone_key(one) for one in trained_on.to_dict("records")}
    artifact.save(own_forest, tmp_path / "own.forest")
    content = (tmp_path / "own.forest").read_bytes()
    assert not any(number.encode() in content for number in trained_on.report.head(50))


def test_a_stone_of_a_known_report_is_not_new_whatever_its_measures(own_forest, own_stones):
    trained_on, held_out = dataset.split(own_stones, "graded")
    changed = trained_on.head(5).assign(carat=9.99)
    assert dataset.is_among(changed, all_keys_of(own_forest)).all()
    assert not dataset.is_among(changed.assign(report=""), all_keys_of(own_forest)).any()
    assert len(training.unseen_by_both(own_stones, own_forest, own_forest)) == len(held_out)


def test_a_report_number_is_the_same_however_it_is_written():
    assert report_key("LG 123-456") == report_key("lg123456") != report_key("123456")


def test_of_a_long_list_the_same_stones_are_chosen(own_stones):
    some = at_most(own_stones, 100)
    assert len(some) == 100
    chosen = {*at_most(own_stones.iloc[:900], 100).report}
    assert {*some.report} & {*own_stones.report[:900]} <= chosen


def test_a_property_with_one_value_is_a_fact(own_stones):
    stones = own_stones.assign(origin="Natural", laboratory="GIA", shape="Round", polish="")
    found = learn_vocabulary(stones, stones)
    assert found.facts == {"shape": "Round", "origin": "Natural", "laboratory": "GIA"}
    assert found.names == ("symmetry", "fluorescence")


def test_the_projects_table_has_the_default_vocabulary(sample):
    assert learn_vocabulary(sample, sample) is DEFAULT


def test_the_generated_list_is_read_as_it_was_made(own_stones, tmp_path):
    path = tmp_path / "list.csv"
    as_exported(own_stones).to_csv(path, index=False)
    table = dataset.read_list(path)
    assert not table.left_out
    found = table.stones[own_stones.columns]
    assert found.drop(columns="price").equals(own_stones.drop(columns="price"))
    assert (found.price - own_stones.price).abs().max() <= 0.5


def test_the_ends_are_widened_where_the_regression_follows_few_stones():
    rng = np.random.default_rng(5)
    factors = {}
    for count in (300, 6000):
        design = rounded(rng.uniform(0, 1, (count, 40)), DESIGN_BITS)
        error = rounded(rng.normal(0, 0.1, count))
        factors[count] = widening(design, error, np.ones(count))
    assert (factors[300] > 1.1).all()
    assert factors[6000] == pytest.approx([1, 1], abs=0.05)


def test_an_end_that_over_90_percent_of_prices_are_below_is_the_answer_itself():
    """As in a list in which a few prices are a million times too high."""
    design, error = np.ones((500, 1)), np.where(np.arange(500) % 100 == 0, 10.0, -0.1)
    low, high = widening(design, error, np.ones(500))
    assert low == pytest.approx(1, abs=0.01)
    assert high == 0


def test_a_small_lists_ranges_hold_as_many_prices_as_they_say(own_forest):
    new = make(8000, 1000).stones
    answers = own_forest.answers(own_forest.matrix(new))
    inside = (answers.low <= new.price) & (new.price <= answers.high)
    assert 0.77 < inside.mean() < 0.88
