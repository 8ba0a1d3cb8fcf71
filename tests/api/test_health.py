"""/health/live and /health/ready, as a process supervisor calls them."""

from unittest.mock import Mock

import pytest
from django.db import InterfaceError, OperationalError

from ml.stones import SCHEMES
from predictor.models import Prediction

pytestmark = pytest.mark.django_db


def test_live_asks_nothing_of_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})
    assert "no-cache" in response["Cache-Control"]


@pytest.mark.usefixtures("live_models")
def test_ready_once_both_forests_are_loaded(client):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "database": "ok",
        "missing_forests": [],
        "failed_forests": {},
        "job_worker": "missing",
    }
    assert "no-cache" in response["Cache-Control"]


@pytest.mark.usefixtures("live_models")
def test_ready_names_the_worker_without_failing(client, worker):
    worker.beat()
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["job_worker"]) == (200, "ok")


@pytest.mark.usefixtures("fresh_registry")
def test_not_ready_without_any_forest(client):
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert response.json() == {
        "status": "not ready",
        "database": "ok",
        "missing_forests": list(SCHEMES),
        "failed_forests": {},
        "job_worker": "missing",
    }


def test_not_ready_where_a_live_file_is_gone_from_the_start(
    client, live_models, fresh_registry, monkeypatch
):
    monkeypatch.setattr(fresh_registry, "_live", {})
    monkeypatch.setattr(fresh_registry, "_checked", None)
    live_models["coded"].artifact.storage.delete(live_models["coded"].artifact.name)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["missing_forests"] == ["coded"]
    refused = response.json()["failed_forests"]["coded"]
    assert (refused["version"], refused["serving"]) == (1, None)
    assert refused["why"] == f"{live_models['coded'].artifact.name}: no such file"


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_not_ready_where_the_database_does_not_answer(client, live_models, monkeypatch, error):
    with monkeypatch.context() as away:
        away.setattr(
            type(Prediction.objects.all()), "first", Mock(side_effect=error("could not connect"))
        )
        response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "database": "does not answer",
        "missing_forests": [],
        "failed_forests": {},
        "job_worker": "unknown",
    }
    assert client.get("/health/live").status_code == 200


@pytest.mark.usefixtures("live_models")
def test_not_ready_where_the_history_cannot_be_written(client, monkeypatch):
    monkeypatch.setattr(
        Prediction,
        "save",
        Mock(side_effect=OperationalError("attempt to write a readonly database")),
    )
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert response.json()["database"] == "cannot be written"


@pytest.mark.usefixtures("live_models")
@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_only_read(client, path):
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405
