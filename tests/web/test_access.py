"""Who may use the API: everyone, or clients with a token; the token's user is recorded as the client."""

from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.urls import reverse
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.posting import post

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
MISSING = {"detail": "Authentication credentials were not provided."}
WRONG = {"detail": "Invalid token."}

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(live_models, settings):
    """The token of the user anna, on a server that requires tokens."""
    settings.API_ACCESS = "token"
    return Token.objects.create(user=User.objects.create_user("anna"))


def bearing(key, scheme="Token"):
    return {"authorization": f"{scheme} {key}"}


def assert_turned_away(response, detail):
    """A 401 in JSON that names the authentication schemes; nothing is recorded."""
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer, Token"
    assert response["Content-Type"] == "application/json"
    assert response.json() == detail
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YW5uYTphbm5h"}])
def test_an_open_api_answers_whoever_asks_at_the_cost_of_the_record_only(
    admin_client, live_models, django_assert_num_queries, headers
):
    admin_client.get("/api/model")  # the first request looks for new versions
    with django_assert_num_queries(0):  # the record does not use Django's cursor
        assert admin_client.get("/api/predict", CODED, headers=headers).status_code == 200
    assert Prediction.objects.get().client == ""


@pytest.mark.parametrize("access", ["open", "token"])
@pytest.mark.parametrize("content", [GRADED, [GRADED, CODED]])
def test_a_posts_client_is_its_tokens_user(client, token, settings, content, access):
    settings.API_ACCESS = access
    assert post(client, content, headers=bearing(token.key)).status_code == 200
    assert {row.client for row in Prediction.objects.all()} == {"anna"}


@pytest.mark.parametrize("scheme", ["Token", "Bearer"])
@pytest.mark.parametrize(
    ("key", "detail"),
    [
        ("0" * 40, WRONG),
        ("", {"detail": "Invalid token header. No credentials provided."}),
    ],
)
def test_a_wrong_token_is_refused_by_an_open_api_too(client, live_models, key, detail, scheme):
    headers = bearing(key, scheme)
    assert_turned_away(client.get("/api/predict", CODED, headers=headers), detail)
    assert client.get("/api/model", headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER"])
def test_a_token_may_be_called_bearer_and_costs_one_query(
    client, token, scheme, django_assert_num_queries
):
    with django_assert_num_queries(1):
        response = client.get("/api/predict", CODED, headers=bearing(token.key, scheme))
    assert response.status_code == 200
    assert Prediction.objects.get().client == "anna"


def test_a_bad_request_with_a_token_is_recorded_with_its_user(client, token):
    response = client.get("/api/predict", {**CODED, "carat": "x"}, headers=bearing(token.key))
    assert response.status_code == 400
    row = Prediction.objects.get()
    assert (row.client, row.status) == ("anna", 400)


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, MISSING),
        ({"accept-language": "pl"}, MISSING),
        ({"authorization": ""}, MISSING),
        ({"authorization": "Basic YW5uYTphbm5h"}, MISSING),
        ({"authorization": "Token"}, {"detail": "Invalid token header. No credentials provided."}),
        (
            bearing("a b"),
            {"detail": "Invalid token header. Token string should not contain spaces."},
        ),
        (bearing("0" * 40), WRONG),
        (bearing("x" * 5000), WRONG),
        (bearing("a\x00b"), {"detail": "Incorrect authentication credentials."}),
        (bearing("';--"), {"detail": "Incorrect authentication credentials."}),
        (
            bearing("zażółć".encode().decode("latin-1")),
            {"detail": "Incorrect authentication credentials."},
        ),
    ],
)
def test_a_request_without_a_right_token_is_turned_away(client, token, headers, detail):
    assert_turned_away(client.get("/api/predict", CODED, headers=headers), detail)
    assert_turned_away(post(client, [CODED, GRADED], headers=headers), detail)


@pytest.mark.parametrize("query", ["carat=x", "", "a=" + "b" * 5000])
def test_a_bad_request_without_a_token_is_turned_away_unread(client, token, query):
    assert_turned_away(client.get(f"/api/predict?{query}"), MISSING)


def test_the_token_of_a_user_who_was_made_inactive_is_refused(client, token):
    User.objects.update(is_active=False)
    response = client.get("/api/predict", CODED, headers=bearing(token.key))
    assert_turned_away(response, {"detail": "User inactive or deleted."})


def test_a_session_is_not_a_token(admin_client, token):
    assert_turned_away(admin_client.get("/api/predict", CODED), MISSING)


def test_the_live_versions_ask_for_a_token_too(client, token):
    assert_turned_away(client.get("/api/model"), MISSING)
    assert client.get("/api/model", headers=bearing(token.key)).status_code == 200


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs", "/health/live", "/health/ready"])
def test_schema_docs_and_health_ask_for_none(client, token, path):
    assert client.get(path).status_code == 200


def test_the_form_is_for_people_and_asks_for_none(client, token):
    response = client.post("/", {**GRADED, "scheme": "graded"})
    assert response.status_code == 302
    row = Prediction.objects.get()
    assert (row.source, row.client, row.status) == ("form", "", 200)


def test_the_page_of_the_api_says_that_programs_need_a_token(client, token):
    text = client.get(reverse("docs"), headers={"accept-language": "en"}).content.decode()
    assert "<code>Authorization: Bearer …</code>" in text
    assert 'href="http://testserver/api/predict' not in text


def test_a_database_that_is_away_while_a_token_is_looked_up_is_503(client, token, monkeypatch):
    monkeypatch.setattr(
        Token.objects, "select_related", Mock(side_effect=OperationalError("could not connect"))
    )
    response = client.get("/api/predict", CODED, headers=bearing(token.key))
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert response.json() == {"detail": "The database is not available. Try again later."}


def test_tokens_are_made_and_withdrawn_in_the_admin(client, admin_client, live_models, settings):
    settings.API_ACCESS = "token"
    ben = User.objects.create_user("ben")
    made = admin_client.post(reverse("admin:authtoken_tokenproxy_add"), {"user": ben.pk})
    assert made.status_code == 302
    key = Token.objects.get(user=ben).key
    assert client.get("/api/predict", CODED, headers=bearing(key)).status_code == 200
    assert Prediction.objects.get().client == "ben"
    withdraw = reverse("admin:authtoken_tokenproxy_delete", args=[ben.pk])
    assert admin_client.post(withdraw, {"post": "yes"}).status_code == 302
    assert client.get("/api/predict", CODED, headers=bearing(key)).status_code == 401


WITH_TOKEN = [{"tokenAuth": []}]


@pytest.mark.parametrize("access", ["open", "token"])
def test_the_schema_shows_whether_a_token_is_asked_for(client, db, settings, access):
    settings.API_ACCESS = access
    schema = client.get("/api/schema").json()
    asked = {
        f"{method} {path}": operation.get("security")
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    assert asked == {
        "get /api/predict": WITH_TOKEN if access == "token" else None,
        "post /api/predict": WITH_TOKEN if access == "token" else None,
        "get /api/model": WITH_TOKEN if access == "token" else None,
        "get /api/predictions/{id}": WITH_TOKEN if access == "token" else None,
        "post /api/predictions/{id}/actual": WITH_TOKEN,
        "post /api/predictions/actual": WITH_TOKEN,
    }


@pytest.mark.parametrize(
    ("status", "header"), [("401", "WWW-Authenticate"), ("429", "Retry-After")]
)
def test_the_schema_has_the_answers_to_requests_that_are_turned_away(client, db, status, header):
    for path in client.get("/api/schema").json()["paths"].values():
        for operation in path.values():
            answer = operation["responses"][status]
            assert header in answer["headers"]
            assert [*answer["content"]] == ["application/json", "application/problem+json"]
