"""Ids: UUIDs of version 7, which sort by creation time."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from predictor.models import ids

pytestmark = pytest.mark.once


@pytest.fixture
def clock(monkeypatch):
    """Replaces the clock by a list whose first item is the time in ns."""
    now = [1_800_000_000_000_000_000]
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(ids, "_ahead", 0)
    monkeypatch.setattr(ids.time, "time_ns", lambda: now[0])
    monkeypatch.setattr(ids.time, "monotonic_ns", lambda: 5_000_000_000)
    return now


def test_version_and_variant_are_those_of_rfc_9562():
    made = [ids.uuid7() for _ in range(200)]
    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}
    assert {one.hex[12] for one in made} == {"7"}
    assert {one.hex[16] for one in made} <= set("89ab")


def test_the_first_48_bits_are_the_milliseconds_since_1970(clock):
    assert ids.uuid7().int >> 80 == clock[0] // 1_000_000
    clock[0] += 1_000_000_000
    assert ids.uuid7().int >> 80 == clock[0] // 1_000_000


def test_ids_sort_as_they_were_made_within_a_millisecond(clock):
    made = [ids.uuid7() for _ in range(3000)]
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_a_sequence_that_overflows_goes_on_in_the_next_millisecond(clock):
    made = [ids.uuid7() for _ in range(3 * 4096)]
    assert made == sorted(set(made))
    assert made[-1].int >> 80 <= clock[0] // 1_000_000 + 3
    assert {one.version for one in made} == {7}


@pytest.mark.parametrize("step_seconds", [0.001, 1, 3600, 86_400 * 365])
def test_ids_go_on_growing_where_the_clock_steps_back(clock, step_seconds):
    before = ids.uuid7()
    clock[0] -= int(step_seconds * 1_000_000_000)
    after = [ids.uuid7() for _ in range(10)]
    assert [before, *after] == sorted({before, *after})


def test_ids_are_unique_over_threads_and_grow_within_each():
    def some(_):
        return [ids.uuid7() for _ in range(2000)]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(some, range(8)))
    assert all(mine == sorted(mine) for mine in made)
    assert len({one for mine in made for one in mine}) == 16_000


def test_ids_come_after_the_last_of_the_history_though_the_clock_is_behind_it(clock, monkeypatch):
    last = [ids.uuid7() for _ in range(5000)][-1]
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(ids, "_ahead", 0)
    clock[0] -= 3600 * 1_000_000_000
    ids.follow(last)
    assert last < ids.uuid7() < ids.uuid7()
    monkeypatch.setattr(ids.time, "monotonic_ns", lambda: 65_000_000_000)
    assert (ids.uuid7().int >> 80) - (last.int >> 80) == pytest.approx(60_000, abs=1)


def test_a_history_that_is_behind_or_empty_changes_nothing(clock):
    ids.follow(None)
    first = ids.uuid7()
    clock[0] += 10_000_000_000
    ids.follow(first)
    assert ids.uuid7().int >> 80 == clock[0] // 1_000_000


def test_two_processes_in_one_millisecond_differ_by_62_random_bits(clock, monkeypatch):
    tails = set()
    for _ in range(100):
        monkeypatch.setattr(ids, "_last", 0)
        tails.add(ids.uuid7().int & (1 << 62) - 1)
    assert len(tails) == 100
    assert max(tails) >> 58
