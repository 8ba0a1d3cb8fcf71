"""An answer's row is committed before it is counted and logged: errors there do not affect the answer."""

import logging

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.telemetry import metrics
from predictor.web import middleware
from tests.posting import post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_models")]
LISTED = [EXAMPLES["coded"][0], EXAMPLES["graded"][0]]


def fail(*_, **__):
    raise RuntimeError("no room")


class Broken(logging.Handler):
    """A handler that raises its errors instead of handling them."""

    def emit(self, record):
        raise OSError("closed")


@pytest.fixture(params=["REQUESTS", "LATENCY", "log"])
def broken(request, monkeypatch):
    """One of the metrics or the log line of an answer fails."""
    if request.param == "log":
        monkeypatch.setattr(middleware, "RequestLine", fail)
    else:
        monkeypatch.setattr(getattr(metrics, request.param), "labels", fail)


@pytest.mark.usefixtures("broken")
def test_an_answer_is_given_though_it_cannot_be_logged(client, caplog):
    given = client.get("/api/predict", EXAMPLES["coded"][0])
    assert given.status_code == 200
    assert Prediction.objects.get(pk=given.json()["id"]).price > 0
    listed = post(client, LISTED)
    assert listed.status_code == 200
    assert client.get("/api/predict", {"carat": 1}).status_code == 400
    assert Prediction.objects.count() == 4
    assert "a request was answered, but not logged" in caplog.text


def test_an_answer_is_given_though_the_log_fails(client, monkeypatch, caplog):
    caplog.set_level("INFO", "request")
    monkeypatch.setattr(logging.getLogger("request"), "handlers", [Broken()])
    given = client.get("/api/predict", EXAMPLES["coded"][0])
    assert given.status_code == 200
    assert Prediction.objects.get(pk=given.json()["id"]).price > 0


def test_what_cannot_be_counted_is_logged_all_the_same(client, monkeypatch, caplog):
    monkeypatch.setattr(metrics.REQUESTS, "labels", fail)
    caplog.set_level("INFO", "request")
    client.get("/api/predict", EXAMPLES["coded"][0])
    assert caplog.records[-1].msg["status"] == 200
