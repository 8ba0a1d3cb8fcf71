"""The shortened middleware of API requests: without that of the pages, with the checks of all requests."""

import pytest
from django.urls import set_script_prefix

from ml.stones import EXAMPLES
from predictor.models import Prediction

CODED = EXAMPLES["coded"][0]

pytestmark = [pytest.mark.once, pytest.mark.django_db]
priced = pytest.mark.usefixtures("live_models")


@priced
def test_an_api_request_goes_past_the_pages_middleware(client):
    headers = {"Accept-Language": "pl"}
    page, answer = (
        client.get("/", headers=headers),
        client.get("/api/predict", CODED, headers=headers),
    )
    assert (page["Content-Language"], "Content-Language" in answer) == ("pl", False)
    assert ("Cookie" in page["Vary"], "Vary" in answer) == (True, False)
    assert not hasattr(answer.wsgi_request, "session")
    assert Prediction.objects.get().status == 200


@priced
@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("host", ["10.244.1.17:5010", "[fd00::17]:5010", "pod_1", "", "a b", None])
def test_a_probe_is_answered_under_any_host_over_plain_http(client, settings, path, method, host):
    settings.SECURE_SSL_REDIRECT = True
    named = {} if host is None else {"HTTP_HOST": host}
    response = getattr(client, method)(path, **named)
    assert response.status_code == 200
    assert response["Cache-Control"].startswith("max-age=0")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response


@pytest.mark.parametrize("path", ["/health/", "/health/live/", "/health/ready/x", "/metrics"])
def test_what_is_not_a_probe_keeps_to_the_known_hosts(client, path):
    assert client.get(path, headers={"Host": "10.244.1.17:5010"}).status_code == 400


@pytest.mark.parametrize("path", ["/api/predict", "/api/model"])
def test_plain_http_is_sent_to_https_behind_a_proxy(client, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (301, f"https://testserver{path}")


@priced
def test_the_quote_lies_where_the_site_does(client):
    for prefix in ("", "/diamonds", ""):
        set_script_prefix(f"{prefix}/")  # as WSGIHandler does
        response = client.get("/api/predict", CODED, SCRIPT_NAME=prefix)
        answer = response.json()
        assert answer["url"] == f"{prefix}/quotes/{answer['id']}/"
        assert not hasattr(response.wsgi_request, "session")


@priced
@pytest.mark.parametrize("fault", ["host", "view"])
def test_what_fails_before_or_in_the_view_has_the_headers_too(client, monkeypatch, fault):
    client.raise_request_exception = False
    if fault == "view":
        monkeypatch.setattr("predictor.api.views.predictor.quote", lambda *_: 1 / 0)
    host = "elsewhere.example" if fault == "host" else "localhost"
    response = client.get("/api/predict", CODED, headers={"Host": host})
    assert response.status_code == {"host": 400, "view": 500}[fault]
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Length"] == str(len(response.content))
    assert not Prediction.objects.exists()
