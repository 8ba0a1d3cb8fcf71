"""The folder in which a server's workers count: whose it is tells a lock."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from predictor.telemetry import folder
from predictor.telemetry.folder import BEGINS, LOCK, claim, first_usable, release, remove_abandoned

CLAIM = """
import sys; from pathlib import Path; from predictor.telemetry import folder
folder.claim(None, [sys.argv[1]], 0); print(folder.held.path, flush=True); sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def held(monkeypatch):
    """Nothing is claimed before a test, nor after it."""
    own = SimpleNamespace(path=None, lock=None, made=False)
    monkeypatch.setattr(folder, "held", own)
    yield own
    if own.lock:
        os.close(own.lock)


@pytest.fixture
def other(tmp_path):
    """Another server, and the folder in tmp_path that it has claimed."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_is_made_in_the_best_place_that_there_is(held, tmp_path):
    (tmp_path / "file").touch()
    good = tmp_path / "good [a]" / "new"
    assert claim(None, [tmp_path / "file", good, tmp_path], 5000) == [
        f"{tmp_path / 'file'}: File exists"
    ]
    assert held.path.parent == good
    assert held.path.name.startswith(BEGINS)
    release()
    assert list(good.iterdir()) == []


def test_the_operators_own_folder_comes_first_and_is_never_removed(held, tmp_path):
    own = tmp_path / "own"
    assert claim(own, [tmp_path], 5000) == []
    release()
    assert (held.path, (own / LOCK).exists()) == (own, True)


def test_a_folder_that_another_server_holds_is_not_taken(held, other, tmp_path):
    theirs = other[1]
    renamed = theirs.rename(tmp_path / "own")
    assert claim(renamed, [tmp_path], 0) == [f"{renamed}: another server counts there"]
    assert held.path.parent == tmp_path
    assert held.path != renamed


def test_a_folder_handed_on_by_the_server_before_is_not_taken_for_the_operators(held, tmp_path):
    before = tmp_path / f"{BEGINS}abc"
    assert claim(before, [tmp_path], 0) == []
    assert held.path != before


def test_without_any_room_nothing_is_claimed_and_nothing_is_left(held, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "reserve", no_room)
    assert claim(None, [tmp_path], 5000) == [f"{tmp_path}: No space left on device"]
    assert held.path is None
    assert list(tmp_path.iterdir()) == []
    release()


def test_a_folder_is_claimed_once(held, tmp_path):
    claim(None, [tmp_path], 0)
    path = held.path
    assert claim(None, [tmp_path], 0) == []
    assert held.path == path


def test_the_folders_of_servers_that_were_killed_are_removed_and_no_others(held, other, tmp_path):
    process, theirs = other
    claim(None, [tmp_path], 0)
    (tmp_path / f"{BEGINS}without-a-lock").mkdir()
    remove_abandoned([tmp_path, tmp_path / "missing"])
    assert theirs.exists()
    assert held.path.exists()
    process.kill()
    process.wait()
    remove_abandoned([tmp_path])
    assert not theirs.exists()
    assert {path.name for path in tmp_path.iterdir()} == {held.path.name, f"{BEGINS}without-a-lock"}


def test_a_folder_that_is_removed_while_it_is_claimed_is_not_held(held, tmp_path, monkeypatch):
    lock = folder._locked

    def and_removed(path, flags=0):
        descriptor = lock(path, flags)
        (path / LOCK).unlink()
        return descriptor

    monkeypatch.setattr(folder, "_locked", and_removed)
    assert claim(None, [tmp_path], 0) == [f"{tmp_path}: No such file or directory"]
    assert held.path is None


def test_the_first_place_that_takes_a_file_is_found(tmp_path):
    (tmp_path / "file").touch()
    assert first_usable([tmp_path / "file", tmp_path / "a b", tmp_path]) == str(tmp_path / "a b")
    assert first_usable([tmp_path / "file"]) is None
