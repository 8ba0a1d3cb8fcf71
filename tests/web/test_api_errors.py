"""Every response below /api/ is JSON in English, for any error and any client."""

from unittest.mock import Mock

import pytest

POLISH = {"Accept-Language": "pl", "Accept": "text/html"}
NOTHING = {"detail": "Nothing at this address; see /api/docs for the addresses."}
ELSEWHERE = {"detail": "This server does not serve the requested host."}
OURS = {"detail": "The fault is ours and has been logged."}

pytestmark = pytest.mark.django_db


def assert_told(response, status, content):
    assert (response.status_code, response.json()) == (status, content)
    assert response["Content-Type"] == "application/json"
    assert response.get("Content-Language", "en") == "en"
    assert "Set-Cookie" not in response


@pytest.mark.parametrize("method", ["get", "post", "put"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/predict/", "/api/nix", "/api/model/1", "/api/docs/"]
)
def test_an_address_that_is_not_there(client, method, path):
    assert_told(getattr(client, method)(path, headers=POLISH), 404, NOTHING)


@pytest.mark.parametrize("path", ["/apis", "/quotes/x/", "/nowhere"])
def test_elsewhere_it_is_a_page(client, path):
    response = client.get(path, follow=True, headers=POLISH)
    assert response.status_code == 404
    assert "Nie znaleziono strony" in response.text


def test_below_another_root_too(client):
    response = client.get("/api/nix", SCRIPT_NAME="/diamonds")
    assert_told(response, 404, NOTHING)
    assert client.get("/nix", SCRIPT_NAME="/api")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["/api/predict", "/api/model", "/api/schema", "/api/docs", "/api/nix"]
)
def test_a_host_that_is_not_ours(client, path):
    response = client.get(path, headers={**POLISH, "Host": "elsewhere.example"})
    assert_told(response, 400, ELSEWHERE)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/predict", "GET, HEAD, POST, OPTIONS"),
        ("/api/model", "GET, HEAD, OPTIONS"),
        ("/api/schema", "GET, HEAD, OPTIONS"),
        ("/api/docs", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there(client, path, allowed):
    response = client.delete(path, headers=POLISH)
    assert response.status_code == 405
    assert response["Content-Type"] == "application/json"
    assert set(response.json()) == {"detail"}
    assert response["Allow"] == allowed


def test_a_post_to_the_docs_is_not_a_broken_form(client):
    from django.test import Client

    assert Client(enforce_csrf_checks=True).post("/api/docs").status_code == 405


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/api/predict", "predictor.api.views.predictor.quote"),
        ("/api/model", "predictor.api.views.registry.loaded"),
        ("/api/schema", "predictor.api.views.SchemaView.get"),
        ("/api/docs", "predictor.api.docs.render"),
    ],
)
def test_a_fault_of_ours(client, live_models, monkeypatch, path, part):
    client.raise_request_exception = False
    monkeypatch.setattr(part, Mock(side_effect=ZeroDivisionError))
    assert_told(client.get(path, headers=POLISH), 500, OURS)


@pytest.mark.parametrize(
    ("query", "headers", "status", "media_type"),
    [
        ("", {}, 200, "application/vnd.oai.openapi+json"),
        ("?format=json", {}, 200, "application/vnd.oai.openapi+json"),
        ("", {"Accept": "application/json"}, 200, "application/json"),
        ("?format=xml", {}, 404, "application/json"),
        ("", {"Accept": "text/html"}, 200, "application/vnd.oai.openapi+json"),
    ],
)
def test_the_schema_is_json_in_all_cases(client, query, headers, status, media_type):
    response = client.get(f"/api/schema{query}", headers=headers)
    assert (response.status_code, response["Content-Type"]) == (status, media_type)
    assert response.json()
