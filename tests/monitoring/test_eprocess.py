"""The e-processes: hand-worked evidence, its mean without a change, changes found."""

import math
from itertools import product

import numpy as np
import pytest

from predictor.monitoring.eprocess import (
    BETS,
    LEVEL,
    TILTS,
    Reference,
    _most_likely,
    log_evidence,
    log_tests_of_mean,
    log_tests_of_shares,
    rejected,
)

pytestmark = pytest.mark.once

ALARM = math.log(1 / LEVEL)
SMALLEST = (0.01, 0.1)


def even(bins, total=30_000, smallest=SMALLEST, pairs=False):
    return Reference.of(np.full(bins, total / bins), np.ones(bins), smallest, pairs)


def test_the_evidence_of_six_stones_in_a_bin_is_worked_by_hand():
    """The reference: 9 of 18 stones are in the bin. Unchanged is a share of up to 0.1 more than its own."""
    reference = even(2, total=18, smallest=(0.1, 0))
    # The most likely p solves 9/p - 9/(1-p) + 6/(p+0.1) = 0, so -24p² + 13.2p + 0.9 = 0.
    p = (13.2 + math.sqrt(13.2**2 + 4 * 24 * 0.9)) / 48
    highest = p**9 * (1 - p) ** 9 * (p + 0.1) ** 6
    # Each share is as likely before: the mean of p⁹(1-p)⁹ is 9! 9! / 19!.
    before = math.factorial(9) ** 2 / math.factorial(19)
    odds = 0.6 / 0.4 * np.exp(TILTS)
    alternatives = ((odds / (1 + odds)) ** 6).mean()
    found = log_tests_of_shares(np.array([[6, 0]]), reference)
    assert found[0, 0] == pytest.approx(math.log(alternatives * before / highest))
    assert found[0, 3] == pytest.approx(found[0, 0])  # less in the other bin is the same
    assert found[0, [1, 2]].tolist() == [-np.inf, -np.inf]


def test_a_test_of_a_mean_is_worked_by_hand():
    found = log_tests_of_mean(np.array([1.0, 0.0]), np.array([0, 1]), 0.25)
    second = np.log1p(-BETS)
    first = np.log1p(BETS * 3) + second
    assert found[:, 0] == pytest.approx([np.log(np.exp(one).mean()) for one in (first, second)])


def test_groups_are_bins_and_pairs_of_neighbors():
    found = Reference.of([10, 20, 70], [1, 1, 1], SMALLEST, pairs=True)
    assert found.shares == pytest.approx([0.1, 0.2, 0.7, 0.3, 0.9])
    assert found.smallest == pytest.approx([0.01, 0.02, 0.07, 0.03, 0.09])


@pytest.mark.parametrize("sampled", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("change", [-0.1, 0.0, 0.1])
def test_evidence_has_a_mean_of_at_most_one_whatever_the_reference_is(sampled, change):
    """Over all references of five stones, and all that two days with two stones each can be."""
    mean, share = 0.0, max(sampled + change, 0)
    for inside in range(6):
        reference = Reference.of([inside, 5 - inside], [1, 1], (0.1, 0))
        of_reference = math.comb(5, inside) * sampled**inside * (1 - sampled) ** (5 - inside)
        for seen in product((0, 1), repeat=4):
            counts = np.zeros((2, 2), int)
            np.add.at(counts, ([0, 0, 1, 1], seen), 1)
            evidence = math.exp(log_evidence(log_tests_of_shares(counts, reference))[0])
            mean += of_reference * share ** seen.count(0) * (1 - share) ** seen.count(1) * evidence
    assert mean <= 1


def test_evidence_of_a_mean_is_one_on_average_where_it_is_that_mean():
    expected = 0.0
    for seen in product((0.0, 1.0), repeat=4):
        tests = log_tests_of_mean(np.array(seen), np.array([0, 0, 1, 2]), 0.2)
        chance = math.prod(0.2 if one else 0.8 for one in seen)
        expected += chance * math.exp(log_evidence(tests)[0])
    assert expected == pytest.approx(1)


def test_the_most_likely_share_is_that_of_a_fine_grid():
    rng = np.random.default_rng(3)
    of_total, total, smallest = 1000.0, 400.0, np.array([0.01, 0.03, 0.1])
    of = np.array([0.0, 90.0, 500.0])
    hits = np.ceil(total * (of / of_total + smallest) * rng.uniform(1.1, 1.6, 3))
    grid = np.linspace(1e-6, 1 - 0.1 - 1e-6, 400_001)[:, None]
    both = of * np.log(grid) + (of_total - of) * np.log1p(-grid)
    both += hits * np.log(grid + smallest) + (total - hits) * np.log1p(-grid - smallest)
    found = _most_likely(hits, total, of, of_total, smallest)
    assert found == pytest.approx(grid[np.argmax(both, axis=0), 0], abs=3e-6)


@pytest.mark.parametrize("change", [0.0, 0.9])
def test_a_change_too_small_to_count_gives_no_alarm_however_often_it_is_tested(change):
    """Of a million stones a day; the reference is drawn, too. The change is a ratio of the smallest."""
    rng, shares = np.random.default_rng(5), np.full(10, 0.1)
    moved = shares + change * 0.01 * np.repeat([1, -1], 5)
    for _ in range(20):
        reference = Reference.of(rng.multinomial(30_000, shares), np.ones(10), SMALLEST)
        counts = rng.multinomial(1_000_000, moved, 30)
        looks = [
            log_evidence(log_tests_of_shares(counts[: day + 1], reference))[0] for day in range(30)
        ]
        assert max(looks) < ALARM


@pytest.mark.parametrize("quiet", [0, 30, 200])
def test_a_change_is_found_with_its_day_however_long_it_was_quiet(quiet):
    rng, reference = np.random.default_rng(7), even(5)
    moved = np.array([0.4, 0.3, 0.1, 0.1, 0.1])
    counts = np.vstack(
        [rng.multinomial(100, np.full(5, 0.2), quiet), rng.multinomial(100, moved, 5)]
    )
    found, most, began = log_evidence(log_tests_of_shares(counts, reference))
    assert found > ALARM
    assert (most, abs(began - quiet) <= 1) == (0, True)


def test_an_error_that_grew_is_found_and_one_that_fell_is_not():
    rng = np.random.default_rng(9)
    days = np.repeat(np.arange(20), 10)
    worse = (rng.random(200) < np.where(days < 10, 0.2, 0.55)) * 1.0
    found, _, began = log_evidence(log_tests_of_mean(worse, days, 0.2))
    assert found > ALARM
    assert abs(began - 10) <= 4
    better = (rng.random(200) < 0.05) * 1.0
    assert log_evidence(log_tests_of_mean(better, days, 0.2))[0] < 0.1


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
    assert sorted(rejected(logs, level=0.01)) == names
