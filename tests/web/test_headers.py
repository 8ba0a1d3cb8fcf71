"""Security headers: a strict policy on every page, and HSTS behind HTTPS."""

import json
import os
import re

import pytest
from django.urls import reverse

from ml.stones import EXAMPLES

pytestmark = pytest.mark.once

PUBLIC = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
LIVE = {**PUBLIC, "script-src": "'self'", "connect-src": "'self'"}
DOCS = {**PUBLIC, "script-src": "'self'", "img-src": "'self' data:", "connect-src": "'self'"}


def policy(response):
    parts = response["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stones/", 200),
        ("/quotes/", 200),
        ("/file/", 200),
        ("/models/graded/1/", 200),
        ("/models/graded/9/", 404),
        ("/nowhere/", 404),
    ],
)
def test_a_public_page_may_load_styles_and_images_from_here_and_nothing_else(
    client, live_models, path, status
):
    response = client.get(path)
    assert response.status_code == status
    assert policy(response) == PUBLIC


@pytest.mark.parametrize(
    "path", ["/", "/?scheme=coded", "/?" + "&".join(f"a{n}=" for n in range(1001))]
)
def test_home_may_run_its_scripts_from_here_too(client, live_models, path):
    assert policy(client.get(path)) == LIVE


def test_the_quote_and_what_the_form_answers_may_do_so_too(client, live_models):
    form = {"scheme": "graded", **EXAMPLES["graded"][0]}
    answer = client.post("/", form)
    assert policy(answer) == policy(client.get(answer.url)) == LIVE
    assert policy(client.post("/", {**form, "carat": "x"})) == LIVE


def test_a_fault_of_ours_keeps_to_it(client, live_models, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("predictor.pages.stone_form.home.predictor.quote", lambda *_: 1 / 0)
    response = client.post("/", {"scheme": "graded", **EXAMPLES["graded"][0]})
    assert response.status_code == 500
    assert "Coś poszło nie tak" in response.text
    assert policy(response) == LIVE


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/docs", "/api/docs?script="])
def test_the_api_page_may_load_its_scripts_from_here_too(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert policy(response) == DOCS
    assert not re.search(r"<style|<script>|\sstyle=|\son\w+=", response.text)


@pytest.mark.parametrize("path", [reverse("admin:predictor_prediction_changelist"), "/admin/"])
def test_the_admin_may_run_what_bears_the_answers_own_nonce(admin_client, live_models, path):
    found = policy(admin_client.get(path))
    assert found.keys() == DOCS.keys()
    for source in ("script-src", "style-src"):
        assert re.fullmatch(r"'self'( 'nonce-[\w+/=]{20,}')?", found[source])
    assert found["frame-ancestors"] == found["base-uri"] == found["default-src"] == "'none'"


def test_a_nonce_is_given_once(admin_client, live_models):
    path = reverse("admin:predictor_prediction_changelist")
    first, second = (policy(admin_client.get(path))["script-src"] for _ in range(2))
    assert "nonce" in first
    assert first != second


@pytest.mark.parametrize(
    "path", ["/api/predict?carat=x", "/api/model", "/health/live", "/health/ready"]
)
def test_json_may_load_nothing(client, live_models, path):
    assert policy(client.get(path)) == {"default-src": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.parametrize("path", ["/", "/api/docs", "/api/model", "/admin/login/", "/nowhere/"])
def test_every_answer_has_the_other_headers_too(client, live_models, path):
    response = client.get(path)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    if path != "/api/model":  # JSON does not need these two
        assert response["Referrer-Policy"] == "same-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/api/docs", "/admin/login/", "/nowhere/"])
def test_no_page_may_use_camera_place_or_payment(client, live_models, path):
    features = client.get(path)["Permissions-Policy"].split(", ")
    assert {"camera=()", "geolocation=()", "payment=()"} <= set(features)
    assert all(feature.endswith("=()") for feature in features)


ASK = """
import json
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
plain = client.get("/api/schema")
secure = client.post("/i18n/setlang/", {"language": "en"}, headers={"x-forwarded-proto": "https"})
health = client.get("/health/live")
api = client.get("/api/model", headers={"x-forwarded-proto": "https"})
print(json.dumps({
    "plain": plain.status_code, "to": plain.headers.get("Location"), "health": health.status_code,
    "hsts": secure.headers.get("Strict-Transport-Security"),
    "hsts of the API": api.headers.get("Strict-Transport-Security"),
    "cookie": secure.cookies["django_language"].OutputString(),
}))
"""


@pytest.fixture
def asked(starts, tmp_path):
    """Returns a function: the answers of a server with these settings to a plain and to a secure
    request."""
    own = {"VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "diamondsite.settings"}

    def ask(**environment):
        done = starts.run("-c", ASK, **(os.environ | own | environment))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])  # the last line, after the log

    return ask


@pytest.mark.parametrize(
    ("environment", "hsts"),
    [
        ({}, "max-age=31536000; includeSubDomains; preload"),
        ({"HSTS_SECONDS": "3600"}, "max-age=3600; includeSubDomains; preload"),
        ({"HSTS_SUBDOMAINS": "false"}, "max-age=31536000"),
        ({"HSTS_SECONDS": "0"}, None),
    ],
)
def test_behind_https_all_is_secure(asked, environment, hsts):
    found = asked(BEHIND_HTTPS="true", **environment)
    assert (found["plain"], found["to"]) == (301, "https://localhost/api/schema")
    assert found["health"] == 200
    assert found["hsts"] == found["hsts of the API"] == hsts
    assert "Secure" in found["cookie"]
    assert "SameSite=Lax" in found["cookie"]


def test_without_https_a_client_that_claims_it_is_not_believed(asked):
    found = asked(HSTS_SECONDS="3600")
    assert (found["plain"], found["to"], found["hsts"]) == (200, None, None)
    assert "Secure" not in found["cookie"]


def test_check_deploy_has_nothing_to_say(starts, tmp_path):
    own = {
        "VAR_DIR": str(tmp_path),
        "BEHIND_HTTPS": "true",
        "TRUSTED_PROXIES": "1",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "example.org",
        "SECRET_KEY": "0Ab1-" * 12,
        "API_THROTTLE": "600/min",
        "REDIS_URL": "redis://redis:6379/0",
        "API_ACCESS": "token",
    }
    check = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = starts.run(*check, **(os.environ | own))
    assert (done.returncode, done.stderr) == (0, "")
