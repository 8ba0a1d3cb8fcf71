"""Which stones of a list a version with another vocabulary can price, and what the gate compares then."""

from types import SimpleNamespace

import pandas as pd
import pytest

from ml import dataset
from ml.stones import BASIS, EXAMPLES
from ml.vocabulary import DEFAULT, Property, Vocabulary
from predictor.retraining import gate

pytestmark = pytest.mark.once
STONE = EXAMPLES["graded"][0]
OWN = Vocabulary(
    grades={"cut": ("Good", "Ideal"), "color": ("K", "G"), "clarity": ("VS1",)},
    without_cut=True,
    optional=(Property("shape", ("", "Oval", "Round"), assumed="Round"),),
    facts={"laboratory": "GIA"},
)


@pytest.mark.parametrize(
    ("change", "default", "own"),
    [
        ({}, True, True),
        ({"color": "K"}, False, True),
        ({"color": "D"}, True, False),
        ({"cut": ""}, False, True),
        ({"shape": "Oval"}, False, True),
        ({"shape": "Heart"}, False, False),
        ({"shape": "Round", "origin": "Natural"}, True, True),
        ({"origin": "Lab-grown"}, False, False),
        ({"laboratory": "IGI"}, True, False),
        ({"laboratory": ""}, True, True),
    ],
)
def test_a_version_knows_stones_of_its_grades_levels_and_facts(change, default, own):
    stones = pd.DataFrame([STONE | change])
    assert dataset.known_by(stones, DEFAULT).tolist() == [default]
    assert dataset.known_by(stones, OWN).tolist() == [own]


def test_of_coded_stones_the_recorded_grades_are_looked_at(sample):
    coded = dataset.clean(sample, "coded").stones
    assert dataset.known_by(coded, DEFAULT).all()
    unknown = coded.assign(color_grade="K")
    assert not dataset.known_by(unknown, DEFAULT).any()


def test_the_gate_compares_stones_that_both_versions_know(
    own_forest, own_stones, small_forests, monkeypatch
):
    monkeypatch.setattr(gate, "load", lambda version: small_forests["graded"])
    monkeypatch.setattr(gate, "MIN_COMPARED", 10)
    live = SimpleNamespace(basis=BASIS, number=1, currency="USD", scores={"mae": 1e6})
    verdict = gate.judge(own_forest, own_stones, live)
    held_out = dataset.split(own_stones, "graded")[1]
    count = int(dataset.known_by(held_out, DEFAULT).sum())
    assert 10 < count < len(held_out)
    assert f"on {count} of {len(held_out)} new stones" in verdict.why
    assert {scores["stones"] for scores in verdict.compared.values()} == {count}
    monkeypatch.setattr(gate, "MIN_COMPARED", 300)
    verdict = gate.judge(own_forest, own_stones, live)
    assert verdict.why == f"only {count} stones are new to both and known to both; 300 are needed"
