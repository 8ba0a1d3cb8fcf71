"""A worker's file of counts: it has its blocks before it is mapped, and its faults stop nothing."""

import errno
import os
from contextlib import ExitStack, closing

import pytest
from prometheus_client import mmap_dict

from predictor.telemetry import mapped
from predictor.telemetry.mapped import FIRST, Counts, ReservedFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "counter_0.db"


@pytest.fixture
def opened():
    """Opens files and counts, and closes them after the test."""
    with ExitStack() as stack:
        yield lambda kind, path: stack.enter_context(closing(kind(str(path))))


@pytest.fixture
def full(monkeypatch):
    """A disk on which no block is free, for as long as its list of allowed sizes says so."""
    allowed = []
    reserve = mapped.reserve

    def limited(descriptor, size):
        if size not in allowed:
            raise OSError(errno.ENOSPC, "No space left on device")
        reserve(descriptor, size)

    monkeypatch.setattr(mapped, "reserve", limited)
    monkeypatch.setattr(mapped, "LOOK_SECONDS", 0)
    return allowed


def in_file(path):
    """{key: value} as /metrics reads it."""
    return {key: value for key, value, *_ in mmap_dict.MmapedDict.read_all_values_from_file(path)}


def blocks(path):
    return path.stat().st_blocks * 512


def test_a_file_has_all_its_blocks_before_it_is_mapped_and_when_it_grows(path, opened):
    file = opened(ReservedFile, path)
    assert (path.stat().st_size, blocks(path) >= FIRST) == (FIRST, True)
    for number in range(800):
        file.write_value(f"{number:0100}", number, 0)
    assert path.stat().st_size == 2 * FIRST
    assert blocks(path) >= 2 * FIRST
    assert len(in_file(path)) == 800
    assert [other.name for other in path.parent.iterdir() if other != path] == []


def test_a_file_with_holes_gets_its_blocks_before_it_is_mapped(path, opened):
    path.parent.mkdir()
    path.touch()
    os.truncate(path, 4 * FIRST)
    assert blocks(path) == 0
    opened(ReservedFile, path)
    assert blocks(path) >= 4 * FIRST


def test_the_room_that_is_kept_for_a_value_is_never_too_small(path, opened):
    for length in range(1, 40):
        file = opened(ReservedFile, path.with_name(f"{length}"))
        before = file._used
        file.read_value("ż" * length)
        assert file._used - before <= 2 * length + mapped.OVERHEAD


def test_what_a_full_disk_does_not_take_is_kept_and_written_later(path, opened, full):
    counts = opened(Counts, path)
    counts.write_value("a", 1.0, 0.0)
    counts.write_value("a", 2.0, 0.0)
    assert (counts.read_value("a"), counts.read_value("b")) == ((2.0, 0.0), (0.0, 0.0))
    assert not path.exists()
    full += [FIRST]
    counts.write_value("b", 5.0, 0.0)
    assert in_file(path) == {"a": 2.0, "b": 5.0}


def test_a_file_that_cannot_grow_goes_on_counting_what_it_has(path, opened, full):
    full += [FIRST]
    counts = opened(Counts, path)
    keys = [f"{number:01000}" for number in range(100)]
    for key in keys:
        counts.write_value(key, 1.0, 0.0)
    assert path.stat().st_size == FIRST
    counts.write_value(keys[0], 2.0, 0.0)
    counts.write_value(keys[-1], 3.0, 0.0)
    assert counts.read_value(keys[-1]) == (3.0, 0.0)
    assert (in_file(path)[keys[0]], keys[-1] in in_file(path)) == (2.0, False)
    full += [2 * FIRST]
    counts.write_value(keys[1], 7.0, 0.0)
    assert in_file(path) == dict.fromkeys(keys, 1.0) | {keys[0]: 2.0, keys[1]: 7.0, keys[-1]: 3.0}


def test_a_file_that_was_removed_is_made_anew_with_what_was_in_it(path, opened, monkeypatch):
    monkeypatch.setattr(mapped, "LOOK_SECONDS", 0)
    counts = opened(Counts, path)
    counts.write_value("a", 1.0, 0.0)
    path.unlink()
    path.parent.rmdir()
    counts.write_value("b", 2.0, 0.0)
    assert in_file(path) == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize("junk", [b"abc", b"\x40\0\0\0" + b"\0" * 4 + b"\x7f" * 200])
def test_what_is_no_file_of_counts_is_left_alone(path, opened, junk):
    path.parent.mkdir()
    path.write_bytes(junk)
    counts = opened(Counts, path)
    counts.write_value("a", 1.0, 0.0)
    assert counts.read_value("a") == (1.0, 0.0)
    assert path.read_bytes() == junk


def test_a_fault_is_logged_once(path, opened, full, caplog):
    counts = opened(Counts, path)
    caplog.set_level("WARNING")
    for _ in range(3):
        counts.write_value("a", 1.0, 0.0)
    assert [record.getMessage() for record in caplog.records] == [
        "metrics: [Errno 28] No space left on device; what is new is not shown until that is mended"
    ]
