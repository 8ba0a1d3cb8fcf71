"""The original contract: seven parameters, integer codes."""

import pytest

from predictor.models import Prediction


@pytest.mark.django_db
def test_a_price_is_answered_and_its_row_is_there(client, live_models):
    query = "&carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"
    response = client.get(f"/api/predict?{query}")
    assert response.status_code == 200, response.json()
    row = Prediction.objects.get()
    assert response.json()["predicted_price"] == int(row.price)
    assert row.features == response.json()["features"]
