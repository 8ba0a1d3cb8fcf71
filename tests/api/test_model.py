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
