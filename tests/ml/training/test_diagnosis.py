"""The figures of the model card: hand-worked ones, and those of a forest checked against its answers."""

import json

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.forest.keys import keys_of
from ml.stones import SCHEMES
from ml.training import diagnosis
from ml.training.diagnosis import Judged


def judged(price, answer, low=None, high=None):
    ends = (answer if end is None else end for end in (low, high))
    return Judged(*(np.array(column, np.float64) for column in (price, answer, *ends)))


def stones(carats, grades=None):
    """Stones that differ only in carat, and in color if grades are given."""
    alike = {"cut": "Ideal", "clarity": "VS1", "depth": 61.0, "table": 56.0}
    colors = grades or ["G"] * len(carats)
    return pd.DataFrame({"carat": carats, "color": colors, "x": 5.0, "y": 5.0, "z": 3.0, **alike})


@pytest.fixture(scope="module")
def held_out(sample):
    return {
        scheme: dataset.split(dataset.clean(sample, scheme).stones, scheme)[1] for scheme in SCHEMES
    }


@pytest.fixture(scope="module")
def graded(small_forests):
    return small_forests["graded"].metadata["card"]


@pytest.fixture
def no_small_bands(monkeypatch):
    monkeypatch.setattr(diagnosis, "MIN_STONES", 1)


@pytest.mark.usefixtures("no_small_bands")
def test_a_band_is_worked_by_hand():
    # errors +10, -20, +40; the second price is below its range
    answers = judged([100, 200, 400], [110, 180, 440], [90, 210, 400], [120, 220, 460])
    bands = diagnosis.bands(stones([0.3, 0.4, 1.0], ["D", "E", "E"]), answers)
    assert [band for band in bands if band["by"] == "carat"] == [
        {
            "by": "carat",
            "from": None,
            "to": 0.5,
            "count": 2,
            "mae": 15.0,
            "mae_error": 5.0,
            "mape": 0.1,
            "bias": -5.0,
            "coverage": 0.5,
        },
        {
            "by": "carat",
            "from": 1.0,
            "to": 1.5,
            "count": 1,
            "mae": 40.0,
            "mae_error": 0.0,
            "mape": 0.1,
            "bias": 40.0,
            "coverage": 1.0,
        },
    ]
    colors = {band["grade"]: band for band in bands if band["by"] == "color"}
    assert list(colors) == ["E", "D"]
    assert (colors["E"]["mae"], colors["E"]["bias"], colors["E"]["coverage"]) == (30.0, 10.0, 0.5)


def test_a_carat_on_the_border_belongs_to_the_band_that_it_begins(monkeypatch):
    monkeypatch.setattr(diagnosis, "MIN_STONES", 1)
    bands = diagnosis.bands(stones([0.49, 0.5, 2.0]), judged([100] * 3, [100] * 3))
    carats = [(band["from"], band["to"]) for band in bands if band["by"] == "carat"]
    assert carats == [(None, 0.5), (0.5, 0.7), (2.0, None)]


def test_bands_of_few_stones_are_left_out():
    few = diagnosis.MIN_STONES - 1
    colors = ["D"] * few + ["E"] * (few + 1)
    answers = judged([100] * len(colors), [100] * len(colors))
    bands = diagnosis.bands(stones([1.0] * len(colors), colors), answers)
    assert [band["grade"] for band in bands if band["by"] == "color"] == ["E"]


def test_deciles_are_worked_by_hand():
    price = np.arange(100.0, 300.0, 10)
    answers = judged(price, price + 1, price - 10, np.where(price < 120, price - 5, price + 10))
    first, *others = diagnosis.deciles(answers, answers.answer)
    assert (first["from"], first["to"], first["count"]) == (101.0, 111.0, 2)
    assert first["coverage"] == 0
    assert first["width"] == pytest.approx((5 / 101 + 5 / 111) / 2)
    assert first["actual"] == pytest.approx([101, 105, 109])
    assert [decile["coverage"] for decile in others] == [1] * 9


def test_the_histogram_holds_every_stone_once(graded, held_out):
    cells = graded["density"]["cells"]
    assert sum(count for _, _, count in cells) == len(held_out["graded"])
    assert all(0 <= step < diagnosis.BINS for cell in cells for step in cell[:2])


def test_the_histograms_ends_are_its_first_and_last_step():
    found = diagnosis.density(judged([100, 1000], [100, 1000]))
    last = diagnosis.BINS - 1
    assert found == {
        "bins": diagnosis.BINS,
        "from": 100.0,
        "to": 1000.0,
        "cells": [[0, 0, 1], [last, last, 1]],
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_held_out_stone_lies_in_one_tenth(small_forests, held_out, scheme):
    forest, stones = small_forests[scheme], held_out[scheme]
    counts = forest.metadata["card"]["tenths"]
    percentile = forest.percentile(stones, stones.price)
    assert len(counts) == 10
    assert sum(counts) == len(stones)
    assert counts[0] == (percentile < 10).sum()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_interval_holds_its_score(small_forests, scheme):
    made = small_forests[scheme].metadata
    for name, (low, high) in made["card"]["intervals"]["scores"].items():
        assert low < made["scores"][name] < high, name
    assert set(made["card"]["intervals"]["scores"]) == set(made["scores"]) - {"stones"}


def test_listings_of_one_stone_are_drawn_together():
    rng = np.random.default_rng(1)
    price = rng.uniform(500, 5000, 300)
    once = judged(price, price + rng.normal(0, 100, 300))
    twice = once[np.repeat(np.arange(300), 2)]
    alone = diagnosis.intervals(once, list(range(300)), 3)
    together = diagnosis.intervals(twice, [key for key in range(300) for _ in "ab"], 3)
    assert together["stones"] == alone["stones"] == 300
    for name, ends in alone["scores"].items():
        assert together["scores"][name] == pytest.approx(ends)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_without_stones_listed_in_training_leave_just_those_out(
    small_forests, held_out, scheme
):
    forest, rows = small_forests[scheme], held_out[scheme]
    trained = {*keys_of(forest)}
    strangers = rows[[key not in trained for key in dataset.stone_keys(rows)]]
    unseen = forest.metadata["card"]["unseen"]
    assert unseen["stones"] == len(strangers)
    error = forest.price(strangers) - strangers.price
    assert unseen["mae"] == pytest.approx(error.abs().mean())
    assert (len(strangers) == len(rows)) == (scheme == "graded")


def test_size_matters_most_and_among_single_inputs_of_the_graded_forest_carat(small_forests):
    for scheme in SCHEMES:
        *single, size = small_forests[scheme].metadata["card"]["importance"]["inputs"]
        assert [name for one in single for name in one["inputs"]] == list(SCHEMES[scheme])
        largest = max(single, key=lambda one: one["increase"])
        assert size["increase"] > 0.9 * largest["increase"]
        assert largest["inputs"] == (["carat"] if scheme == "graded" else ["volume"])
        assert all(one["from"] <= one["increase"] <= one["to"] for one in [*single, size])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_forest_and_stones_give_the_same_card(small_forests, held_out, scheme):
    forest = small_forests[scheme]
    stored = dict(forest.metadata["card"])
    stored.pop("faults")
    again = diagnosis.diagnose(forest, held_out[scheme])
    assert json.dumps(again) == json.dumps(stored)


def test_the_table_has_its_documented_faults(raw):
    assert diagnosis.faults(raw) == {
        "depth_disagrees": 80,
        "copies": 146,
        "listed_again": 10_521,
        "price_gap": [1454.0, 1546.0],
    }
