"""/api/model: the active versions, as registered."""

import pytest
from django.utils.dateparse import parse_datetime

from ml.stones import SCHEMES
from predictor.models import ModelVersion

pytestmark = pytest.mark.django_db


def test_the_live_versions_are_described_as_they_are_registered(client, live_models):
    response = client.get("/api/model")
    assert response.status_code == 200
    assert set(response.json()) == set(SCHEMES)
    for scheme, model_data in response.json().items():
        version = live_models[scheme]
        assert model_data == {
            "version": version.number,
            "scores": version.scores,
            "training_ranges": version.training_ranges,
            "rows": version.rows,
            "seed": 7,
            "data_sha256": version.data_sha256,
            "sha256": version.sha256,
            "created": model_data["created"],
        }
        assert (
            parse_datetime(model_data["created"]) == ModelVersion.objects.get(pk=version.pk).created
        )


def test_scores_and_ranges_are_there_to_be_read(client, live_models):
    model_data = client.get("/api/model").json()
    for scheme in SCHEMES:
        assert set(model_data[scheme]["scores"]) == {
            "r2",
            "rmse",
            "mae",
            "mape",
            "coverage",
            "stones",
        }
        measures = {"carat", "depth", "table"} | (
            {"volume"} if scheme == "coded" else {"x", "y", "z"}
        )
        assert set(model_data[scheme]["training_ranges"]) == measures
        assert all(low < high for low, high in model_data[scheme]["training_ranges"].values())


@pytest.mark.usefixtures("fresh_registry")
def test_without_a_live_version_there_is_nothing_to_show(client):
    response = client.get("/api/model")
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.usefixtures("live_models")
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(client, method):
    response = getattr(client, method)("/api/model")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.usefixtures("live_models")
@pytest.mark.parametrize("path", ["/api/model", "/api/schema"])
def test_head_is_get_without_its_body(client, path):
    got, asked = client.get(path), client.head(path)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked["Content-Length"] == str(len(got.content))
    assert asked["Content-Type"] == got["Content-Type"]


@pytest.mark.usefixtures("live_models")
def test_it_is_json_whatever_is_accepted(client):
    response = client.get("/api/model", headers={"Accept": "text/html"})
    assert response["Content-Type"] == "application/json"
