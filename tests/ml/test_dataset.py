"""The data set and how each scheme cleans it."""

import pandas as pd
import pytest

from ml import dataset
from ml.stones import CODES, GRADES


def test_coded_cleaning_gives_exactly_47_520_stones(raw):
    cleaned = dataset.clean(raw, "coded")
    assert len(cleaned.stones) == 47_520
    assert cleaned.dropped == {"zero dimension": 20, "outside the IQR fences": 6_400}


def test_graded_cleaning_drops_only_the_impossible_and_counts_it_by_cause(raw):
    cleaned = dataset.clean(raw, "graded")
    assert cleaned.dropped == {
        "zero dimension": 20,
        "heavier than solid diamond of its size": 3,
        "lighter than any cut of its size": 3,
        "outside the accepted bounds": 0,
    }
    assert len(cleaned.stones) == 53_940 - 26


def test_every_grade_has_one_code():
    for field, codes in CODES.items():
        coded = [grade for grades in codes.values() for grade in grades]
        assert sorted(coded) == sorted(GRADES[field])


def test_the_coded_stones_keep_what_was_recorded(raw):
    stones = dataset.clean(raw, "coded").stones
    row = stones.index[1000]
    assert stones.cut_grade[row] == raw.cut[row]
    assert stones.volume[row] == round(raw.x[row] * raw.y[row] * raw.z[row], 3)


def test_an_unknown_scheme_is_refused(raw):
    with pytest.raises(ValueError, match="unknown scheme 'gia'"):
        dataset.clean(raw, "gia")


def test_a_graded_stone_stays_on_its_side_when_data_is_added(raw):
    fewer = raw.iloc[:20_000]
    _, held_out = dataset.split(dataset.clean(raw, "graded").stones, "graded")
    _, held_out_of_fewer = dataset.split(dataset.clean(fewer, "graded").stones, "graded")
    assert list(held_out_of_fewer.index) == [row for row in held_out.index if row < 20_000]
    assert len(held_out) / 53_914 == pytest.approx(0.3, abs=0.01)


def test_all_listings_of_a_stone_fall_on_one_side(sample):
    turned = sample.rename(columns={"x": "y", "y": "x"})[list(dataset.COLUMNS)]
    both = pd.concat([sample, turned, sample.assign(price=1, cut="Fair")], ignore_index=True)
    training, held_out = dataset.split(both, "graded")
    assert not set(dataset.stone_keys(training)) & set(dataset.stone_keys(held_out))
    assert len(held_out) % 3 == 0
