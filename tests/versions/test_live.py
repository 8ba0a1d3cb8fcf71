"""The active forests of a process: replaced without a restart, and only by valid files."""

import logging

import pytest

from predictor.models import ModelVersion, Prediction
from predictor.versions import live
from predictor.versions.activation import activate
from tests.damages import alter, delete, put_a_folder_there, truncate

from .answering import CODED, GRADED, path_of, version_answering

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loud(monkeypatch):
    """Enables the logger, so that tests see its errors."""
    monkeypatch.setattr(logging.getLogger("predictor.versions.live"), "disabled", False)


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

    def test_the_thread_swaps_what_was_activated(
        self, live_models, second, fresh_registry, monkeypatch
    ):
        # It would close the connection of this test, with its transaction.
        monkeypatch.setattr(live, "close_old_connections", lambda: None)
        activate(second, "tests", "newer")
        fresh_registry._refresh_quietly()
        assert fresh_registry.loaded()["coded"].version == second


def restart(fresh_registry, monkeypatch):
    """Resets what the process has loaded and refused."""
    for name in ("_live", "_failed", "_refusals"):
        monkeypatch.setattr(fresh_registry, name, {})
    monkeypatch.setattr(fresh_registry, "_checked", None)


class TestDamage:
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

    def test_a_process_that_starts_with_a_damaged_file_is_not_ready_but_serves_the_rest(
        self, client, own_files, fresh_registry, monkeypatch
    ):
        restart(fresh_registry, monkeypatch)
        truncate(path_of(own_files["coded"]))
        assert client.get("/health/ready").json()["missing_forests"] == ["coded"]
        assert client.get("/api/predict", CODED).status_code == 503
        assert version_answering(client, GRADED) == 1

    def test_a_file_deleted_under_a_running_process_goes_on_serving(
        self, client, live_models, fresh_registry
    ):
        delete(path_of(live_models["coded"]))
        fresh_registry.refresh()
        assert version_answering(client) == 1
