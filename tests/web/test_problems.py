"""Errors as problems (RFC 9457), for clients that accept application/problem+json."""

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.posting import post

CODED = EXAMPLES["coded"][0]
PROBLEM = "application/problem+json"
ASKED = {"HTTP_ACCEPT": PROBLEM}
INVALID = "The request is invalid; `errors` says why."

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("live_models")]


def both(ask):
    """An error as it is by default, and as a problem."""
    usual, problem = ask(), ask(**ASKED)
    assert usual["Content-Type"] == "application/json"
    assert problem["Content-Type"] == PROBLEM
    assert problem.status_code == usual.status_code
    assert "Accept" in problem["Vary"]
    assert problem["Content-Length"] == str(len(problem.content))
    return usual.json(), problem.json()


def test_messages_by_field_are_in_errors_and_recorded_as_ever(client):
    usual, problem = both(lambda **more: client.get("/api/predict", CODED | {"cut": "9"}, **more))
    assert problem == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": INVALID,
        "errors": usual,
    }
    assert [*Prediction.objects.values_list("status", "error")] == [(400, usual)] * 2


def test_messages_by_row_are_in_errors(client):
    usual, problem = both(lambda **more: post(client, [CODED, CODED | {"cut": 9}], **more))
    assert usual[0]["row"] == 1
    assert (problem["detail"], problem["errors"]) == (INVALID, usual)


def test_a_field_named_detail_is_one(client):
    usual, problem = both(lambda **more: client.get("/api/predict", {"detail": "1"}, **more))
    assert problem["errors"] == usual


@pytest.mark.parametrize(
    ("ask", "status", "title"),
    [
        (lambda client, **more: client.get("/api/nothing", **more), 404, "Not Found"),
        (lambda client, **more: client.put("/api/predict", **more), 405, "Method Not Allowed"),
        (lambda client, **more: client.post("/api/docs", **more), 405, "Method Not Allowed"),
        (
            lambda client, **more: post(client, "x", "text/plain", **more),
            415,
            "Unsupported Media Type",
        ),
    ],
)
def test_the_detail_of_an_error_is_kept(client, ask, status, title):
    usual, problem = both(lambda **more: ask(client, **more))
    assert problem == {"type": "about:blank", "title": title, "status": status, **usual}


def test_the_headers_of_an_error_are_kept(client, settings):
    settings.API_ACCESS = "token"
    problem = client.get("/api/predict", CODED, **ASKED)
    assert problem.status_code == problem.json()["status"] == 401
    assert problem["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (f"application/json, {PROBLEM}", PROBLEM),
        (f"application/json;q=0.9, {PROBLEM.upper()} ; q=0.1", PROBLEM),
        (f"{PROBLEM};q=0", "application/json"),
        (f"{PROBLEM};charset=utf-8;q=0.000", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("", "application/json"),
        (",;,", "application/json"),
    ],
)
def test_only_a_client_that_names_it_gets_one(client, accept, kind):
    assert client.get("/api/predict", {}, HTTP_ACCEPT=accept)["Content-Type"] == kind


def test_an_answer_and_the_inference_protocol_stay_as_they_are(client):
    assert client.get("/api/predict", CODED, **ASKED)["Content-Type"] == "application/json"
    response = client.get("/v2/models/nix", **ASKED)
    assert response["Content-Type"] == "application/json"
    assert [*response.json()] == ["error"]
