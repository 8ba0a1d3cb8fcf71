"""The e-process: hand-worked evidence, few false alarms however often it is evaluated, changes found."""

import math
from itertools import product

import numpy as np
import pytest

from predictor.monitoring.eprocess import (
    ALPHA,
    BETS,
    log_bets_on_mean,
    log_bets_on_shares,
    log_evidence,
    rejected,
)

ALARM = math.log(1 / ALPHA)


def test_a_bet_on_shares_is_worked_by_hand():
    # Two equal bins: the evidence after one observation is 1, after two equal ones (3/4) / (1/2) = 3/2.
    shares = np.array([0.5, 0.5])
    assert log_bets_on_shares(np.array([[1, 0]]), shares) == pytest.approx([0.0])
    assert log_bets_on_shares(np.array([[2, 0]]), shares) == pytest.approx([math.log(1.5)])
    begun_each_day = log_bets_on_shares(np.array([[1, 0], [2, 0]]), shares)
    assert begun_each_day[1] == pytest.approx(math.log(1.5))
    assert begun_each_day[0] == pytest.approx(math.log(1.5 * (5 / 6) / 0.5))


def test_a_bet_on_a_mean_is_worked_by_hand():
    found = log_bets_on_mean(np.array([1.0, 0.0]), np.array([0, 1]), 0.25)
    second = np.log1p(-BETS)
    first = np.log1p(BETS * 3) + second
    assert found == pytest.approx([np.log(np.exp(one).mean()) for one in (first, second)])


def test_evidence_is_one_where_nothing_was_observed():
    assert log_evidence(np.zeros(7))[0] == pytest.approx(0)


def test_a_day_without_observations_adds_nothing():
    shares = np.array([0.2, 0.3, 0.5])
    assert log_bets_on_shares(np.zeros((3, 3), int), shares) == pytest.approx([0, 0, 0])


def test_what_a_bet_on_shares_wins_is_one_on_average_where_nothing_changed():
    """Over all possible observations: two days with two each."""
    shares, expected = np.array([0.2, 0.3, 0.5]), 0.0
    for seen in product(range(3), repeat=4):
        counts = np.zeros((2, 3), int)
        np.add.at(counts, ([0, 0, 1, 1], seen), 1)
        won = math.exp(log_evidence(log_bets_on_shares(counts, shares))[0])
        expected += np.prod(shares[[*seen]]) * won
    assert expected == pytest.approx(1)


def test_what_a_bet_on_a_mean_wins_is_one_on_average_where_it_is_that_mean():
    expected = 0.0
    for seen in product((0.0, 1.0), repeat=4):
        bets = log_bets_on_mean(np.array(seen), np.array([0, 0, 1, 2]), 0.2)
        chance = math.prod(0.2 if one else 0.8 for one in seen)
        expected += chance * math.exp(log_evidence(bets)[0])
    assert expected == pytest.approx(1)


def test_over_many_looks_hardly_any_history_without_a_change_gives_an_alarm():
    rng, shares, false = np.random.default_rng(5), np.full(10, 0.1), 0
    for _ in range(200):
        counts = rng.multinomial(20, shares, 60)
        looks = [
            log_evidence(log_bets_on_shares(counts[: day + 1], shares))[0] for day in range(60)
        ]
        false += max(looks) >= ALARM
    assert false <= 6  # 1 % of 200 are two; more than six happen in half a percent of the runs


@pytest.mark.parametrize("quiet", [0, 30, 200])
def test_a_change_is_found_with_its_day_however_long_it_was_quiet(quiet):
    rng, shares = np.random.default_rng(7), np.full(5, 0.2)
    moved = np.array([0.4, 0.3, 0.1, 0.1, 0.1])
    counts = np.vstack([rng.multinomial(50, shares, quiet), rng.multinomial(50, moved, 5)])
    found, began = log_evidence(log_bets_on_shares(counts, shares))
    assert found > ALARM
    assert abs(began - quiet) <= 1


def test_a_risk_that_rose_is_found_and_one_that_fell_is_not():
    rng = np.random.default_rng(9)
    days = np.repeat(np.arange(20), 10)
    worse = (rng.random(200) < np.where(days < 10, 0.2, 0.5)) * 1.0
    found, began = log_evidence(log_bets_on_mean(worse, days, 0.2))
    assert found > ALARM
    assert abs(began - 10) <= 4
    better = (rng.random(200) < 0.05) * 1.0
    assert log_evidence(log_bets_on_mean(better, days, 0.2))[0] < 0.1


@pytest.mark.parametrize(
    ("evidence", "names"),
    [
        ({"a": 0, "b": 0}, []),
        ({"a": 199, "b": 0}, []),
        ({"a": 200, "b": 0}, ["a"]),
        ({"a": 100, "b": 100}, ["a", "b"]),
        ({"a": 300, "b": 99}, ["a"]),
        ({"a": 150, "b": 120, "c": 99}, []),
        ({"a": 150, "b": 150, "c": 1}, ["a", "b"]),
    ],
)
def test_many_hypotheses_share_the_one_percent(evidence, names):
    logs = {name: math.log(max(one, 1e-9)) for name, one in evidence.items()}
    assert sorted(rejected(logs)) == names
