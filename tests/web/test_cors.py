"""Scripts of other sites may use the API only if CORS_ALLOWED_ORIGINS names their origin."""

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.posting import post

CODED = EXAMPLES["coded"][0]
SHOP = "https://shop.example"

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("live_models")]


@pytest.fixture
def shop(settings):
    """The site with the middleware that the setting adds; the headers of a request from SHOP."""
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    first, *others = configured.MIDDLEWARE
    settings.MIDDLEWARE = [first, "corsheaders.middleware.CorsMiddleware", *others]
    return {"Origin": SHOP}


def preflight(client, path="/api/predict", origin=SHOP):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.options(path, headers=headers)


def test_by_default_no_answer_names_an_origin(client):
    response = client.get("/api/predict", CODED, headers={"Origin": SHOP})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Origin" not in preflight(client)
    assert not any("cors" in name for name in configured.MIDDLEWARE)


@pytest.mark.parametrize("path", ["/api/predict", "/api/model", "/api/schema", "/api/nix"])
def test_a_preflight_needs_no_token_and_leaves_no_row(client, shop, settings, path):
    settings.API_ACCESS = "token"
    settings.API_THROTTLE = (1, 60)
    for _ in range(3):
        response = preflight(client, path)
        assert response.status_code == 200
        assert response["Access-Control-Allow-Origin"] == SHOP
        assert "POST" in response["Access-Control-Allow-Methods"]
        assert "authorization" in response["Access-Control-Allow-Headers"]
    assert not Prediction.objects.exists()


def test_another_origin_is_not_let_in(client, shop):
    assert "Access-Control-Allow-Origin" not in preflight(client, origin="https://evil.example")
    response = client.get("/api/predict", CODED, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("content", [CODED, {"carat": "x"}])
def test_prices_and_refusals_can_be_read_by_the_named_origin(client, shop, content):
    response = post(client, content, headers=shop)
    assert response["Access-Control-Allow-Origin"] == SHOP
    assert "x-request-id" in response["Access-Control-Expose-Headers"]
    assert "origin" in response["Vary"].lower()
    assert "Access-Control-Allow-Credentials" not in response
    assert Prediction.objects.count() == 1


def test_a_request_without_a_token_can_be_read_too(client, shop, settings):
    settings.API_ACCESS = "token"
    response = client.get("/api/predict", CODED, headers=shop)
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (401, SHOP)
    key = Token.objects.create(user=User.objects.create_user("anna")).key
    sent = {**shop, "Authorization": f"Bearer {key}"}
    assert client.get("/api/predict", CODED, headers=sent).status_code == 200


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/health/live"])
def test_pages_are_never_for_other_sites(client, shop, path):
    assert "Access-Control-Allow-Origin" not in client.get(path, headers=shop)
