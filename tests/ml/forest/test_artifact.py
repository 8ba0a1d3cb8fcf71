"""The forest file: it loads what was saved, and anything else is refused."""

import json
import os
import pickle
import shutil
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from ml import dataset
from ml.forest import artifact
from ml.forest.artifact import TRAILER_BYTES, ForestFileError
from tests.damages import DAMAGES


@pytest.fixture(scope="module")
def original(small_forests, tmp_path_factory):
    """A graded forest's file, to be copied, and its sha256."""
    path = tmp_path_factory.mktemp("original") / "graded.forest"
    return path, artifact.save(small_forests["graded"], path)


@pytest.fixture
def saved(original, tmp_path):
    """A graded forest's file and its sha256."""
    path, sha256 = original
    return Path(shutil.copy(path, tmp_path)), sha256


class Harm:
    """Creates a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_a_forest_answers_alike_after_a_round_trip(saved, small_forests, sample):
    stones = dataset.clean(sample, "graded").stones[:50]
    loaded = artifact.load(*saved, "graded")
    forest = small_forests["graded"]
    np.testing.assert_array_equal(loaded.price(stones), forest.price(stones))
    np.testing.assert_array_equal(loaded.price_range(stones), forest.price_range(stones))
    assert loaded.comparables(stones[:1], 5) == forest.comparables(stones[:1], 5)
    assert loaded.metadata == forest.metadata


def test_the_arrays_are_mapped_from_the_file_not_read(saved):
    assert isinstance(artifact.load(*saved).arrays["nodes"], np.memmap)


def test_saving_twice_gives_the_same_bytes(saved, small_forests, tmp_path):
    assert artifact.save(small_forests["graded"], tmp_path / "again.forest") == saved[1]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_refused(saved, damage):
    path, sha256 = saved
    assert artifact.load(path, sha256, "graded").scheme == "graded"
    damage(path)
    with pytest.raises((ForestFileError, OSError)):
        artifact.load(path, sha256, "graded")


def altered(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def of_another_format(content):
    trailer = {**json.loads(content[-TRAILER_BYTES:]), "format": 99}
    return content[:-TRAILER_BYTES] + json.dumps(trailer).ljust(TRAILER_BYTES).encode()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (altered, "altered: its sha256 is not the registered"),
        (lambda content: content[:-1000], "cut short, or no forest file"),
        (lambda content: content[1000:], "bytes, .* expected"),
        (lambda content: b"", "cut short, or no forest file"),
        (of_another_format, "of format 99; this release reads"),
    ],
)
def test_a_spoilt_file_is_refused_by_name_and_not_unpickled(saved, monkeypatch, spoil, why):
    path, sha256 = saved
    path.write_bytes(spoil(path.read_bytes()))
    monkeypatch.setattr("joblib.load", lambda *args, **kwargs: pytest.fail("it was unpickled"))
    with pytest.raises(ForestFileError, match=why):
        artifact.load(path, sha256)


def test_a_forest_of_the_other_scheme_is_refused(saved, monkeypatch):
    monkeypatch.setattr("joblib.load", lambda *args, **kwargs: pytest.fail("it was unpickled"))
    with pytest.raises(ForestFileError, match="holds a graded forest, not a coded one"):
        artifact.load(*saved, "coded")


ODD = {
    "bytes": ["x", None, 1.0, True, -1, 10**30],
    "format": ["2", None, 2.0, True],
    "scheme": [None, 1, "round", ["graded"]],
    "magic": [None, "another"],
}


def with_invalid(name, value):
    return lambda trailer: json.dumps({**json.loads(trailer), name: value})


@pytest.mark.parametrize(
    "change",
    [
        *(with_invalid(name, value) for name in ODD for value in ODD[name]),
        *(lambda _, text=text: text for text in ("null", "[]", '"x"', "{}", "[" * 100, "\xff")),
    ],
)
def test_an_invalid_trailer_is_refused_whichever_part_is_wrong(saved, change):
    path, _ = saved
    content = path.read_bytes()
    trailer = change(content[-TRAILER_BYTES:]).ljust(TRAILER_BYTES).encode("latin-1")
    path.write_bytes(content[:-TRAILER_BYTES] + trailer)
    with pytest.raises(ForestFileError, match=r"its trailer is missing|bytes, .* expected"):
        artifact.load(path, artifact.sha256_of(path))


def a_pipe(path):
    os.mkfifo(path)


def a_link_to_a_device(path):
    path.symlink_to("/dev/zero")


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize("put", [Path.mkdir, a_pipe, a_link_to_a_device, a_socket])
def test_what_is_not_a_regular_file_is_refused_and_not_waited_for(tmp_path, put):
    put(tmp_path / "one.forest")
    with pytest.raises(ForestFileError, match=r"is no regular file|cannot be opened"):
        artifact.load(tmp_path / "one.forest", "0" * 64)


def test_a_file_that_is_renamed_over_it_at_any_moment_is_never_unpickled(saved, tmp_path):
    """The race that checking the hash first and reading the pickle afterwards would lose."""
    path, sha256 = saved
    marker, content = tmp_path / "harm", path.read_bytes()
    body = pickle.dumps(Harm(marker)).ljust(len(content) - TRAILER_BYTES, b"\0")
    good, bad = (path.with_name(name) for name in ("good", "bad"))
    good.write_bytes(content)
    bad.write_bytes(body + content[-TRAILER_BYTES:])
    done = threading.Event()

    def rename_in_turns():
        while not done.is_set():
            for one in (bad, good):
                link = path.with_name("link")
                link.hardlink_to(one)
                link.replace(path)

    racer = threading.Thread(target=rename_in_turns)
    racer.start()
    loads = {"whole": 0, "refused": 0}
    try:
        while min(loads.values()) < 10:
            try:
                artifact.load(path, sha256)
            except ForestFileError:
                loads["refused"] += 1
            else:
                loads["whole"] += 1
    finally:
        done.set()
        racer.join()
    assert not marker.exists()
