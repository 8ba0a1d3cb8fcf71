"""The tops of the trees that are looked up: a toy worked by hand, then real stones."""

import numpy as np
import pytest

from ml.gates import Gates, build, top_of


class Toy:
    """A tree of five nodes: x0 <= 1, else x1 <= 2; its leaves are nodes 1, 3 and 4."""

    children_left = np.array([1, -1, 3, -1, -1])
    children_right = np.array([2, -1, 4, -1, -1])
    feature = np.array([0, -2, 1, -2, -2])
    n_node_samples = np.array([10, 4, 6, 3, 3])


@pytest.fixture
def toy():
    thresholds = np.array([1, 0, 2, 0, 0], np.float32)
    top = top_of(Toy, np.array([10, 11, 12, 13, 14]), thresholds)
    arrays = build([top], features=2)
    return Gates({name.removeprefix("gate_"): array for name, array in arrays.items()})


@pytest.mark.parametrize(
    ("stone", "word"),
    [((0, 0), 11), ((1, 9), 11), ((1.5, 2), 13), ((1.5, 2.5), 14), ((9, -9), 13)],
)
def test_a_stone_leaves_the_toy_at_the_gate_that_the_splits_say(toy, stone, word):
    assert toy.of_one(np.array(stone, np.float32)).tolist() == [word]


def test_walking_on_from_the_gates_ends_in_the_leaves_of_the_whole_walk(small_forests, sample):
    forest = small_forests["graded"]
    assert forest._gates, "the graded forest's uneven trees are worth their gates"
    stones = forest.matrix(sample)[:500]
    assert [forest.answer(stone).price for stone in stones] == forest.price(stones).tolist()
