"""Which version is live: kept by the database, told by the history, and only ever a sound file."""

import io
import logging
import shutil
from pathlib import Path

import joblib
import pytest
from django.db import IntegrityError, transaction

from ml.forest import artifact
from ml.forest.artifact import ForestFileError
from ml.stones import EXAMPLES, SCHEMES
from predictor.models import Activation, ModelVersion, Prediction
from predictor.versions import live
from predictor.versions.activation import activate, live_version
from predictor.versions.live import _kept
from predictor.versions.store import next_number, register, register_file

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loud(monkeypatch):
    """Errors are logged where the tests can see them."""
    monkeypatch.setattr(logging.getLogger("predictor.versions.live"), "disabled", False)


@pytest.fixture
def second(live_models, small_forests):
    """A second registered version of the coded scheme, not live."""
    return register(small_forests["coded"], "tests")


def path_of(version):
    return Path(version.artifact.path)


def version_answering(client, stone=CODED):
    """The number of the version that answers now, as the answer and its row tell it."""
    response = client.get("/api/predict", stone)
    assert response.status_code == 200
    number = response.json()["model"]["version"]
    assert Prediction.objects.latest("id").version.number == number
    return number


class TestDatabase:
    def test_two_live_versions_of_a_scheme_are_refused_by_the_database(self, live_models, second):
        with pytest.raises(IntegrityError), transaction.atomic():
            Activation.objects.create(scheme="coded", version=second, why="a second one", live=True)
        assert Activation.objects.filter(scheme="coded", live=True).count() == 1

    def test_an_old_activation_cannot_be_made_live_beside_the_present_one(
        self, live_models, second
    ):
        activate(second, "tests", "newer")
        with pytest.raises(IntegrityError), transaction.atomic():
            Activation.objects.filter(scheme="coded", live=False).update(live=True)

    def test_many_past_activations_of_a_scheme_are_kept(self, live_models, second):
        for _ in range(3):
            activate(second, "tests", "on")
            activate(live_models["coded"], "tests", "and back")
        assert Activation.objects.filter(scheme="coded").count() == 7
        assert Activation.objects.filter(scheme="coded", live=True).count() == 1

    def test_a_number_is_given_once_in_a_scheme(self, live_models):
        version = live_models["coded"]
        version.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            version.save(force_insert=True)

    def test_an_unknown_scheme_is_refused_by_the_database(self, live_models):
        version = live_models["coded"]
        version.pk, version.scheme = None, "other"
        with pytest.raises(IntegrityError), transaction.atomic():
            version.save(force_insert=True)

    def test_a_version_that_answered_cannot_be_deleted(self, client, live_models):
        assert version_answering(client) == 1
        from django.db.models import ProtectedError

        with pytest.raises(ProtectedError):
            live_models["coded"].delete()


class TestHistory:
    def test_the_first_activation_replaced_nothing(self, live_models):
        activation = Activation.objects.get(scheme="coded")
        assert activation.replaced is None
        assert (activation.by, activation.why, activation.live) == ("tests", "for the tests", True)

    def test_an_activation_tells_what_it_replaced_by_whom_and_why(self, live_models, second):
        activate(second, "anna", "it is newer")
        last, first = Activation.objects.filter(scheme="coded")
        assert (last.version, last.replaced) == (second, live_models["coded"])
        assert (last.by, last.why, last.live, first.live) == ("anna", "it is newer", True, False)
        assert last.at > first.at
        assert live_version("coded") == second

    def test_the_other_scheme_is_left_alone(self, live_models, second):
        activate(second, "anna", "it is newer")
        assert live_version("graded") == live_models["graded"]
        assert Activation.objects.filter(scheme="graded").count() == 1

    def test_numbers_count_up_in_each_scheme(self, live_models, second):
        assert {scheme: version.number for scheme, version in live_models.items()} == {
            "coded": 1,
            "graded": 1,
        }
        assert (second.number, next_number("coded"), next_number("graded")) == (
            2, 3, 2,
        )  # fmt: skip

    def test_a_registered_version_tells_how_it_was_made(self, second, small_forests):
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


class TestSwap:
    def test_an_activated_version_answers_without_a_restart(
        self, client, live_models, second, fresh_registry
    ):
        assert version_answering(client) == 1
        activate(second, "tests", "newer")
        assert version_answering(client) == 1
        fresh_registry.refresh()
        assert version_answering(client) == 2

    def test_a_process_without_a_thread_looks_again_after_a_second(
        self, client, live_models, second, fresh_registry, monkeypatch
    ):
        assert version_answering(client) == 1
        activate(second, "tests", "newer")
        monkeypatch.setattr(fresh_registry, "_checked", fresh_registry._checked - 1.1)
        assert version_answering(client) == 2

    def test_a_request_looks_up_nothing_of_models(
        self, client, live_models, django_assert_num_queries
    ):
        with django_assert_num_queries(0):
            client.get("/api/predict", CODED)
        assert Prediction.objects.count() == 1

    def test_the_way_back_is_a_swap_too(self, client, live_models, second, fresh_registry):
        for version in (second, live_models["coded"]):
            activate(version, "tests", "there and back")
            fresh_registry.refresh()
        assert version_answering(client) == 1

    def test_the_thread_swaps_what_was_activated(
        self, live_models, second, fresh_registry, monkeypatch
    ):
        # It would close this test's own connection, transaction and all.
        monkeypatch.setattr(live, "close_old_connections", lambda: None)
        activate(second, "tests", "newer")
        fresh_registry._refresh_quietly()
        assert fresh_registry.loaded()["coded"].version == second


def restart(fresh_registry, monkeypatch):
    """The process forgets what it has loaded and refused."""
    for name in ("_live", "_failed", "_refusals"):
        monkeypatch.setattr(fresh_registry, name, {})
    monkeypatch.setattr(fresh_registry, "_checked", None)


def delete(path):
    path.unlink()


def truncate(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def cut_the_last_byte(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)


def empty(path):
    path.write_bytes(b"")


def alter(place):
    def change(path):
        with path.open("r+b") as file:
            file.seek(place, 0 if place >= 0 else 2)
            [byte] = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1]))

    change.__name__ = f"alter_a_bit_at_{place}"
    return change


def append(path):
    with path.open("ab") as file:
        file.write(b" ")


def put_text_there(path):
    path.write_text("no forest at all\n" * 100)


def put_a_folder_there(path):
    path.unlink()
    path.mkdir()


DAMAGES = [
    delete, truncate, cut_the_last_byte, empty, append, put_text_there, put_a_folder_there,
    alter(0), alter(100_000), *map(alter, range(-128, 0, 3)),
]  # fmt: skip


@pytest.fixture(scope="module")
def saved(small_forests, tmp_path_factory):
    """A sound file of the coded forest, to be copied."""
    path = tmp_path_factory.mktemp("saved") / "coded.forest"
    artifact.save(small_forests["coded"], path)
    return path


class TestDamage:
    @pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
    def test_a_damaged_file_is_refused(self, tmp_path, saved, damage):
        path = Path(shutil.copy(saved, tmp_path))
        sha256 = artifact.sha256_of(saved)
        assert artifact.load(path, sha256, "coded").scheme == "coded"
        damage(path)
        with pytest.raises((ForestFileError, OSError)):
            artifact.load(path, sha256, "coded")

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (delete, "no such file"),
            (truncate, "cut short, or no forest file: its trailer is missing"),
            (alter(100_000), "altered: its sha256 is not the registered"),
            (put_a_folder_there, "directory"),
        ],
    )
    def test_a_version_whose_file_is_damaged_never_goes_live(
        self, client, live_models, second, fresh_registry, damage, said
    ):
        damage(path_of(second))
        with pytest.raises((ForestFileError, OSError), match=said):
            activate(second, "tests", "newer")
        assert Activation.objects.filter(scheme="coded").count() == 1
        fresh_registry.refresh()
        assert version_answering(client) == 1

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (delete, "no such file"),
            (truncate, "cut short, or no forest file: its trailer is missing"),
            (alter(100_000), "altered: its sha256 is not the registered"),
            (alter(-60), ""),
            (put_a_folder_there, "directory"),
        ],
    )
    def test_a_file_damaged_after_its_activation_is_marked_and_the_old_one_keeps_serving(
        self, client, live_models, second, fresh_registry, damage, said
    ):
        activate(second, "tests", "newer")
        damage(path_of(second))
        fresh_registry.refresh()
        assert version_answering(client) == 1
        assert version_answering(client, GRADED) == 1
        second.refresh_from_db()
        assert second.failure
        assert said in second.failure
        assert ModelVersion.objects.exclude(failure="").get() == second

    def test_a_file_of_the_other_scheme_is_refused(
        self, client, live_models, second, fresh_registry
    ):
        activate(second, "tests", "newer")
        shutil.copy(path_of(live_models["graded"]), path_of(second))
        ModelVersion.objects.filter(pk=second.pk).update(sha256=live_models["graded"].sha256)
        fresh_registry.refresh()
        assert version_answering(client) == 1
        second.refresh_from_db()
        assert "holds a graded forest, not a coded one" in second.failure

    def test_a_process_that_starts_with_a_damaged_file_is_not_ready_but_serves_the_rest(
        self, client, live_models, fresh_registry, monkeypatch
    ):
        restart(fresh_registry, monkeypatch)
        truncate(path_of(live_models["coded"]))
        assert client.get("/health/ready").json()["missing_forests"] == ["coded"]
        assert client.get("/api/predict", CODED).status_code == 503
        assert version_answering(client, GRADED) == 1

    def test_a_file_that_is_put_back_serves_again_and_is_no_failure(
        self, client, live_models, second, fresh_registry, tmp_path
    ):
        activate(second, "tests", "newer")
        kept = shutil.copy(path_of(second), tmp_path / "kept")
        delete(path_of(second))
        fresh_registry.refresh()
        assert version_answering(client) == 1
        shutil.copy(kept, path_of(second))
        fresh_registry.refresh()
        assert version_answering(client) == 2
        second.refresh_from_db()
        assert second.failure == ""

    def test_activating_a_repaired_version_clears_its_failure(self, live_models, second):
        ModelVersion.objects.filter(pk=second.pk).update(failure="it was gone")
        activate(second, "tests", "repaired")
        second.refresh_from_db()
        assert second.failure == ""

    def test_a_file_deleted_under_a_running_process_goes_on_serving(
        self, client, live_models, fresh_registry
    ):
        delete(path_of(live_models["coded"]))
        fresh_registry.refresh()
        assert version_answering(client) == 1


class Marker:
    """Unpickles into a file that was not there: what a forged forest could do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def forged(path, scheme):
    """A file of the right form whose pickle creates `path`.touched when it is read."""
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

    def test_a_file_registered_byte_for_byte_is_held_to_the_hash_that_it_had(
        self, client, live_models, saved, fresh_registry
    ):
        version = register_file(saved, "tests")
        assert version.sha256 == artifact.sha256_of(saved)
        mark = forged(path_of(version), "coded")
        with pytest.raises(ForestFileError, match="altered"):
            activate(version, "tests", "forged")
        fresh_registry.refresh()
        assert not mark.exists()
        assert Activation.objects.filter(scheme="coded").count() == 1
        assert version_answering(client) == 1

    def test_no_forged_file_of_an_old_version_is_unpickled_for_the_quotes_that_it_gave(
        self, client, live_models, second, fresh_registry
    ):
        quote = client.get("/api/predict", CODED).json()["url"]
        activate(second, "tests", "newer")
        fresh_registry.refresh()
        _kept.cache_clear()
        mark = forged(path_of(live_models["coded"]), "coded")
        page = client.get(quote)
        assert page.status_code == 200
        assert page.context["comparables"] == []
        assert not mark.exists()
