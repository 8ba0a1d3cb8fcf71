"""POST /api/predict as the tests send it, and the checks of a refusal."""

import json

from predictor.models import Prediction

WHAT_IS_NEEDED = (
    "coded needs carat, cut, color, clarity, depth, table, volume (grades as integers); "
    "graded needs carat, cut, color, clarity, depth, table, x, y, z (grades as names)."
)
UNTOLD = {"non_field_errors": [f"Cannot determine the scheme. {WHAT_IS_NEEDED}"]}


def post(client, content, content_type="application/json", **extra):
    """The response to content: bytes or text unchanged, anything else as JSON."""
    body = content if isinstance(content, bytes | str) else json.dumps(content)
    return client.post("/api/predict", body, content_type=content_type, **extra)


def refused(client, content, **extra):
    """The answer to a body that must be refused with 400 and recorded as one refused row."""
    response = post(client, content, **extra)
    assert response.status_code == 400, response.content
    row = Prediction.objects.get()
    assert (row.status, row.price, row.version, row.scheme) == (400, None, None, "")
    assert row.error == response.json()
    return response.json()
