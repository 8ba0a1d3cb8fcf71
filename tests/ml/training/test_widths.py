"""Learning the factors of the range's width."""

import numpy as np

from ml.forest.matrix import FEATURES
from ml.training import widths
from ml.training.boosting import answers_of


def covered(tables, inputs, distance):
    """The ratio of distances that are at most their factor."""
    return np.mean(distance <= answers_of(tables, inputs))


def test_factors_that_follow_noise_are_enlarged_for_stones_that_are_new(monkeypatch):
    """All distances are noise here, so whatever the trees find in them is wrong."""
    monkeypatch.setattr(widths, "STONES_A_TREE", 20)
    generator = np.random.default_rng(1)
    inputs = generator.normal(size=(23_000, len(FEATURES))).astype(np.float32)
    distance = np.abs(generator.normal(size=23_000))
    known, new = slice(0, 3000), slice(3000, None)
    plain, enlarged = (
        make(inputs[known], distance[known], 0.9) for make in (widths._grown, widths._tables)
    )
    assert covered(plain, inputs[known], distance[known]) > 0.88
    less, more = (covered(some, inputs[new], distance[new]) for some in (plain, enlarged))
    assert less < 0.88
    assert less + 0.01 < more < 0.91


def test_where_folds_find_nothing_missing_the_factors_stay_as_they_are():
    inputs = np.zeros((3000, len(FEATURES)), np.float32)
    distance = np.ones(3000)
    tables, plain = (make(inputs, distance, 0.9) for make in (widths._tables, widths._grown))
    assert tables["value"].tolist() == plain["value"].tolist()
