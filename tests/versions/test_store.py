"""The forest files of the versions: read exactly as registered, byte for byte, or refused."""

import io
from pathlib import Path

import joblib
import pytest
from django.db import connection

from ml.forest import artifact
from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.models import ModelVersion
from predictor.private_files import PrivateStorage
from predictor.versions.activation import activate
from predictor.versions.live import _kept
from predictor.versions.store import next_number, register_file

from .answering import CODED, path_of, version_answering

pytestmark = pytest.mark.django_db


class TestRegistered:
    def test_numbers_count_up_in_each_scheme(self, live_models, second):
        assert {scheme: version.number for scheme, version in live_models.items()} == {
            "coded": 1,
            "graded": 1,
        }
        assert (second.number, next_number("coded"), next_number("graded")) == (
            2,
            3,
            2,
        )

    def test_a_registered_version_shows_how_it_was_made(self, second, small_forests):
        made = small_forests["coded"].metadata
        second.refresh_from_db()
        assert second.scores == made["scores"]
        assert second.training_ranges == made["training_ranges"]
        assert second.rows == made["rows"]
        assert (second.seed, second.created_by, second.failure) == (7, "tests", "")
        assert second.sha256 == artifact.sha256_of(path_of(second))

    def test_nothing_is_left_beside_the_registered_files(self, settings, live_models, second):
        files = [path for path in Path(settings.VAR_DIR).rglob("*") if path.is_file()]
        assert sorted(files) == sorted(map(path_of, ModelVersion.objects.all()))


@pytest.fixture(scope="module")
def saved(small_forests, tmp_path_factory):
    """A valid file of the coded forest, to be copied."""
    path = tmp_path_factory.mktemp("saved") / "coded.forest"
    artifact.save(small_forests["coded"], path)
    return path


def test_the_file_is_stored_before_the_transaction_that_registers_it(
    live_models, saved, monkeypatch
):
    """A remote store may take long, and on SQLite prices wait for a transaction."""
    outside, begun, save = len(connection.savepoint_ids), [], PrivateStorage._save

    def observed(*args):
        begun.append(len(connection.savepoint_ids))
        return save(*args)

    monkeypatch.setattr(PrivateStorage, "_save", observed)
    version = register_file(saved)
    assert (version.number, begun) == (2, [outside])


class Marker:
    """Creates a file when unpickled, as a forged forest could."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def forged(path, scheme):
    """Writes a file of the right format whose pickle creates `path`.touched when loaded; returns
    that path."""
    mark = path.with_suffix(".touched")
    content = io.BytesIO()
    joblib.dump(Marker(mark), content, protocol=4)
    path.write_bytes(content.getvalue() + artifact._new_trailer(scheme, len(content.getvalue())))
    return mark


class TestForgery:
    def test_a_forged_file_would_run_where_it_were_unpickled(self, tmp_path):
        mark = forged(tmp_path / "forged.forest", "coded")
        joblib.load(tmp_path / "forged.forest")
        assert mark.exists()

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_the_hash_is_checked_before_a_byte_is_unpickled(
        self, client, live_models, second, fresh_registry, scheme
    ):
        activate(second, "tests", "newer")
        mark = forged(path_of(second), scheme)
        fresh_registry.refresh()
        with pytest.raises(ForestFileError):
            activate(second, "tests", "again")
        assert not mark.exists()
        assert version_answering(client) == 1

    def test_no_forged_file_of_an_old_version_is_unpickled_for_the_quotes_that_it_gave(
        self, client, own_files, second, fresh_registry
    ):
        quote = client.get("/api/predict", CODED).json()["url"]
        activate(second, "tests", "newer")
        fresh_registry.refresh()
        _kept.cache_clear()
        mark = forged(path_of(own_files["coded"]), "coded")
        page = client.get(quote)
        assert page.status_code == 200
        assert page.context["gone"]
        assert "comparables" not in page.context
        assert not mark.exists()
