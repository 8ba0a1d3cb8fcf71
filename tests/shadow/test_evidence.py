"""Whether a shadow is better, worse or undecided, by actual prices: seldom wrong at any look, and which
prices count."""

import numpy as np
import pytest

from bench.shadows import evidence_by_look
from predictor.models import Review, Sample, SampledPrediction
from predictor.shadow.betting import (
    BETTER,
    LARGEST,
    NEEDED,
    UNDECIDED,
    WORSE,
    compared,
    evidence_above_zero,
)
from predictor.shadow.evidence import evidence_of
from predictor.shadow.pricing import Shadows

HISTORIES, LOOKS = 400, 1500


def errors(rng, count, alike=0.7):
    """The log errors of two equally good versions on the same stones, with heavy tails, as those of
    forests are; float64 (2, n). alike: their correlation."""
    both, one, other = rng.standard_t(3, (3, count)) * 0.05
    shared = np.sqrt(alike / (1 - alike))
    return np.array([one, other]) + shared * both


def test_two_equally_good_versions_get_a_verdict_in_at_most_1_of_100_histories():
    rng, wrong = np.random.default_rng(30), 0
    for _ in range(HISTORIES):
        live, shadow = np.abs(errors(rng, LOOKS))
        found = live - shadow
        wrong += max(evidence_by_look(found).max(), evidence_by_look(-found).max()) >= NEEDED
    assert wrong <= HISTORIES // 100


def test_the_evidence_is_that_of_the_last_look():
    live, shadow = np.abs(errors(np.random.default_rng(1), 300))
    found = live - shadow
    assert evidence_above_zero(found) == pytest.approx(evidence_by_look(found)[-1])
    assert evidence_above_zero(found[:0]) == 1


@pytest.mark.parametrize(("share", "verdict"), [(0.8, BETTER), (1, UNDECIDED), (1.25, WORSE)])
def test_a_clear_difference_is_found(share, verdict):
    rng = np.random.default_rng(2)
    live = errors(rng, 600)[0]
    shadow = live * share
    found = compared(1000 * np.exp(live), 1000 * np.exp(shadow), np.full(600, 1000.0))
    assert (found.verdict, found.outcomes) == (verdict, 600)
    assert found.live == pytest.approx(np.abs(live).mean())
    assert found.shadow == pytest.approx(np.abs(shadow).mean())
    assert max(found.better, found.worse) >= NEEDED or verdict == UNDECIDED


def test_one_price_that_is_far_away_decides_nothing():
    found = compared(np.array([1e6]), np.array([1000.0]), np.array([1000.0]))
    assert found.verdict == UNDECIDED
    assert found.better == pytest.approx(evidence_above_zero(np.array([LARGEST])))


# Which actual prices count


@pytest.fixture
def priced(request_price, shadow, at_once, small_forests):
    """Predictions with actual prices and a shadow's price: two of one stone, another one, and a training
    stone."""
    forest = small_forests["graded"]
    trained = {name: forest.recorded(0)[name] for name in forest.columns}
    rows = [
        request_price(carat=0.75),
        request_price(carat=0.75),
        request_price(carat=0.76),
        request_price(**trained),
    ]
    for row in rows:
        Review.objects.create(prediction=row, actual_price=row.price * 1.1)
    Shadows().catch_up()
    return rows


def draw(rows, **options):
    sample = Sample.objects.create(seed=1, population=100, **options)
    for place, row in enumerate(rows, start=1):
        SampledPrediction.objects.create(sample=sample, prediction=row, place=place, stands_for=25)


@pytest.mark.django_db
def test_only_random_samples_of_all_answers_count(priced, shadow):
    assert evidence_of(shadow).outcomes == 0
    draw(priced, query="?cut=Ideal")
    draw(priced, by_worth=True)
    assert evidence_of(shadow).outcomes == 0
    draw(priced[2:3])
    found = evidence_of(shadow)
    assert (found.outcomes, found.trained_on, found.repeated) == (1, 0, 0)
    assert found.live == pytest.approx(np.log(1.1))
    price = priced[2].shadow_price.price
    assert found.shadow == pytest.approx(abs(np.log(price / priced[2].price / 1.1)))


@pytest.mark.django_db
def test_a_stone_counts_once_and_not_if_a_version_was_trained_on_it(priced, shadow):
    draw(priced)
    found = evidence_of(shadow)
    assert (found.outcomes, found.trained_on, found.repeated) == (2, 1, 1)
