"""The forest file: what is saved is what is loaded, and nothing else is."""

import json
import pickle

import numpy as np
import pytest

from ml import dataset
from ml.forest import artifact
from ml.forest.artifact import TRAILER_BYTES, ForestFileError


@pytest.fixture
def saved(small_forests, tmp_path):
    """A graded forest's file and its sha256."""
    path = tmp_path / "graded.forest"
    return path, artifact.save(small_forests["graded"], path)


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


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ForestFileError, match="no such file"):
        artifact.load(tmp_path / "none.forest", "0" * 64)


def test_a_pickle_that_does_harm_is_never_unpickled(saved, tmp_path):
    path, sha256 = saved
    marker = tmp_path / "harm"

    class Harm:
        def __reduce__(self):
            return marker.touch, ()

    trailer = path.read_bytes()[-TRAILER_BYTES:]
    body = pickle.dumps(Harm())
    size = json.loads(trailer)["bytes"]
    path.write_bytes(body.ljust(size, b"\0") + trailer)
    with pytest.raises(ForestFileError, match="altered"):
        artifact.load(path, sha256)
    assert not marker.exists()
