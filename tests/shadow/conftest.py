"""Fixtures of the tests of shadows."""

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.shadow import pricing
from predictor.versions.shadows import start

GRADED, CODED = EXAMPLES["graded"][0], EXAMPLES["coded"][0]


@pytest.fixture
def shadow(later):
    """The shadow of a version of a table that changed, beside the active one."""
    return start(later, "maria")


@pytest.fixture
def at_once(monkeypatch):
    """A shadow does not wait before it prices a request."""
    monkeypatch.setattr(pricing, "LAG", -pricing.LAG)


@pytest.fixture
def request_price(client):
    """Returns a function that requests a price, and returns its Prediction."""

    def ask(**more):
        example = CODED if "volume" in more else GRADED
        return Prediction.objects.get(pk=client.get("/api/predict", example | more).json()["id"])

    return ask
