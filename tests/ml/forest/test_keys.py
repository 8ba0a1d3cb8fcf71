"""The keys of a forest's training stones, made from the stones as recorded."""

import pytest

from ml import dataset
from ml.forest import PriceForest
from ml.forest.keys import NoStoneKeys, keys_of
from ml.stones import SCHEMES, stone_key


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_keys_are_those_of_the_training_stones(sample, small_forests, scheme):
    trained_on, _ = dataset.split(dataset.clean(sample, scheme).stones, scheme)
    assert keys_of(small_forests[scheme]) == dataset.stone_keys(trained_on)


def test_one_stones_key_is_that_among_many(sample):
    stones = sample.head(5)
    assert [*map(stone_key, stones.to_dict("records"))] == dataset.stone_keys(stones)


def test_a_file_without_measurements_has_no_keys(small_forests):
    forest = small_forests["coded"]
    arrays = {name: array for name, array in forest.arrays.items() if name != "recorded_x"}
    with pytest.raises(NoStoneKeys, match="does not have the measurements"):
        keys_of(PriceForest(arrays, forest.metadata))
