"""/metrics: what is counted, and who may read it. The sum over workers is tested in tests/faults."""

from pathlib import Path
from unittest.mock import Mock

import pytest
from django.conf import settings as site
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families

from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.pricing import services
from predictor.versions.activation import activate
from predictor.versions.live import registry
from predictor.versions.store import register
from tests.posting import post

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]

pytestmark = pytest.mark.django_db
priced = pytest.mark.usefixtures("live_models")


def samples(client):
    """{(name, label value, …): value} of the samples on /metrics."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name.removeprefix("diamonds_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


@pytest.fixture
def since(client):
    """Returns a function: {sample: its growth since the fixture}, for those that have grown."""
    before = samples(client)

    def grown():
        return {
            name: value - before.get(name, 0)
            for name, value in samples(client).items()
            if value != before.get(name, 0) and name[0] != "request_seconds_sum"
        }

    return grown


@priced
def test_requests_are_counted_by_status_and_scheme(client, since):
    for stone in (CODED, CODED, GRADED):
        assert client.get("/api/predict", stone).status_code == 200
    assert client.get("/api/predict", {"carat": 1}).status_code == 400
    assert client.get("/nowhere").status_code == 404
    assert post(client, [CODED, GRADED]).status_code == 200
    counted = {name[1:]: n for name, n in since().items() if name[0] == "requests_total"}
    assert counted == {
        ("coded", "200"): 2,
        ("graded", "200"): 1,
        ("mixed", "200"): 1,
        ("none", "400"): 1,
        ("none", "404"): 1,
        ("none", "200"): 1,  # the first request for the metrics
    }


@priced
def test_time_is_counted_by_where_a_request_came_from(client, since):
    client.get("/api/predict", CODED)
    post(client, [CODED, CODED])
    client.post("/", {**GRADED, "scheme": "graded"})
    counted = {n[1:]: value for n, value in since().items() if n[0] == "request_seconds_count"}
    assert counted == {("api",): 1, ("batch",): 1, ("form",): 1, ("none",): 1}


@priced
def test_each_warning_is_counted_by_its_code(client, since):
    odd = {**CODED, "carat": 0.2, "table": 75}
    warnings = [one["code"] for one in client.get("/api/predict", odd).json()["warnings"]]
    assert len(warnings) >= 2
    counted = {name[1]: n for name, n in since().items() if name[0] == "warnings_total"}
    assert counted == {code: warnings.count(code) for code in warnings}


@priced
def test_an_answer_that_could_not_be_recorded_is_counted(client, since, monkeypatch):
    monkeypatch.setattr(services, "record", Mock(side_effect=OperationalError("disk full")))
    assert client.get("/api/predict", CODED).status_code == 503
    assert since()[("record_failures_total",)] == 1
    assert not Prediction.objects.exists()


def test_the_live_versions_are_shown_and_what_was_refused(client, live_models, small_forests):
    newer = register(small_forests["coded"], "tests")
    activate(newer, "tests", "why not")
    registry.refresh()
    shown = samples(client)
    assert (shown["live_version", "coded"], shown["live_version", "graded"]) == (2, 1)
    assert (shown["refused_version", "coded"], shown["refused_version", "graded"]) == (0, 0)

    Path(live_models["graded"].artifact.path).unlink()
    registry._live = {}
    registry.refresh()
    shown = samples(client)
    assert (shown["live_version", "coded"], shown["live_version", "graded"]) == (2, 0)
    assert (shown["refused_version", "coded"], shown["refused_version", "graded"]) == (0, 1)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "172.17.0.1", "192.168.1.9"])
def test_without_a_token_near_clients_may_read(client, address):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450::1", "", "nonsense"])
def test_without_a_token_clients_from_afar_may_not(client, address):
    response = client.get("/metrics", REMOTE_ADDR=address)
    assert response.status_code == 403
    assert "diamonds_" not in response.text


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"])
def test_without_a_token_nobody_may_read_through_a_proxy(client, name):
    assert client.get("/metrics", headers={name: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    "sent", [{}, {"Authorization": "Bearer of-other-tests"}, {"Authorization": "ż"}]
)
def test_a_token_is_asked_of_everyone(client, settings, sent):
    settings.METRICS_TOKEN = "of-the-tests"  # noqa: S105
    assert client.get("/metrics", headers=sent).status_code == 403


def test_who_has_the_token_may_read_from_anywhere(client, settings):
    settings.METRICS_TOKEN = "of-the-tests"  # noqa: S105
    shown = client.get(
        "/metrics", headers={"Authorization": "Bearer of-the-tests"}, REMOTE_ADDR="8.8.8.8"
    )
    assert shown.status_code == 200
    assert "diamonds_requests_total" in shown.text


def test_metrics_are_not_redirected_to_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/metrics").status_code == 200
    assert client.get("/").status_code == 301
    assert site.MIDDLEWARE[0] == "predictor.web.middleware.observed"


@pytest.mark.parametrize(("token", "status"), [("of-the-tests", 200), ("", 400)])
def test_with_a_token_pods_are_read_by_their_address(client, settings, token, status):
    settings.METRICS_TOKEN, settings.ALLOWED_HOSTS = token, ["diamonds.example"]
    sent = {"Authorization": f"Bearer {token}", "Host": "10.1.2.3:5010"}
    response = client.get("/metrics", headers=sent)
    assert response.status_code == status
    assert ("diamonds_requests_total" in response.text) == bool(token)
