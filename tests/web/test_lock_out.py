"""The admin's log-in is locked for a user and an address after five failures; no password is stored."""

import logging
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

LOGIN = reverse("admin:login")
RIGHT, WRONG = "kot-w-butach-42", "pies-w-czapce-17"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def admins():
    for name in ("anna", "ben"):
        User.objects.create_superuser(name, password=RIGHT)


def log_in(client, password, name="anna", address="10.0.0.1", **options):
    data = {"username": name, "password": password, "next": "/admin/"}
    return client.post(LOGIN, data, REMOTE_ADDR=address, **options)


def fail(client, times, **options):
    return [log_in(client, WRONG, **options).status_code for _ in range(times)]


def test_five_failures_lock_even_the_right_password_out(client):
    assert fail(client, 5) == [200, 200, 200, 200, 429]
    assert log_in(client, RIGHT).status_code == 429
    assert "_auth_user_id" not in client.session


def test_four_failures_do_not_and_the_right_password_starts_anew(client):
    assert fail(client, 4) == [200] * 4
    assert log_in(client, RIGHT).status_code == 302
    assert not AccessAttempt.objects.exists()
    assert fail(client, 4) == [200] * 4


def test_another_user_and_another_address_are_not_locked(client):
    fail(client, 5)
    assert log_in(client, RIGHT, name="ben").status_code == 302
    assert log_in(client, RIGHT, address="10.0.0.2").status_code == 302


def test_another_browser_at_the_same_address_is_locked_too(client):
    fail(client, 5, headers={"user-agent": "one"})
    assert log_in(client, RIGHT, headers={"user-agent": "other"}).status_code == 429


def test_behind_a_proxy_the_address_is_the_clients(client, settings):
    settings.TRUSTED_PROXIES = 1
    fail(client, 5, headers={"x-forwarded-for": "203.0.113.1"})
    assert AccessAttempt.objects.get().ip_address == "203.0.113.1"
    for address, status in (("203.0.113.1", 429), ("203.0.113.2", 302)):
        assert log_in(client, RIGHT, headers={"x-forwarded-for": address}).status_code == status


def test_without_a_proxy_a_forged_address_does_not_help(client):
    forged = [{"x-forwarded-for": f"203.0.113.{number}"} for number in range(6)]
    assert [log_in(client, WRONG, headers=h).status_code for h in forged][-2:] == [429, 429]


@pytest.mark.parametrize("address", ["", "fe80::1%eth0"])
def test_a_client_without_an_address_or_with_a_link_local_one_is_counted(client, address):
    assert fail(client, 5, address=address)[-1] == 429


@pytest.mark.parametrize(
    ("language", "title", "text"),
    [
        ("pl", "Zbyt wiele nieudanych logowań", "przez 15 minut"),
        ("en", "Too many failed log-ins", "for 15 minutes"),
    ],
)
def test_the_page_of_a_locked_log_in_says_how_long(client, language, title, text):
    fail(client, 5)
    response = log_in(client, RIGHT, headers={"accept-language": language})
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert f"{title}</h1>" in response.text
    assert text in response.text
    assert f'<html lang="{language}">' in response.text


def test_it_opens_by_itself_after_a_quarter_of_an_hour_of_which_no_failure_starts_anew(client):
    fail(client, 5)
    ago = timezone.now() - timedelta(minutes=10)
    AccessAttempt.objects.update(attempt_time=ago)
    assert log_in(client, RIGHT).status_code == 429
    AccessAttempt.objects.update(attempt_time=ago - timedelta(minutes=5, seconds=1))
    assert log_in(client, RIGHT).status_code == 302


@pytest.mark.parametrize(
    "command", [("axes_reset",), ("axes_reset_username", "anna"), ("axes_reset_ip", "10.0.0.1")]
)
def test_a_command_lifts_it(client, command):
    fail(client, 5)
    call_command(*command)
    assert log_in(client, RIGHT).status_code == 302


def test_a_reviewer_sees_it_in_the_admin_and_can_lift_it_there(client, admin_client):
    fail(client, 5)
    [attempt] = AccessAttempt.objects.all()
    page = admin_client.get(reverse("admin:axes_accessattempt_changelist"))
    assert "anna" in page.text
    lift = reverse("admin:axes_accessattempt_delete", args=[attempt.pk])
    assert admin_client.post(lift, {"post": "yes"}).status_code == 302
    assert log_in(client, RIGHT).status_code == 302


def test_no_password_is_kept_or_logged(client, caplog, monkeypatch):
    for name in [n for n in logging.root.manager.loggerDict if n.startswith(("axes", "django"))]:
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
    with caplog.at_level("DEBUG"):
        fail(client, 6)
        call_command("axes_reset_username", "ben")
        log_in(client, RIGHT)
    kept = [str(value) for row in AccessAttempt.objects.values() for value in row.values()]
    assert AccessAttempt.objects.get().failures_since_start == 5
    assert any("AXES" in record.getMessage() for record in caplog.records)
    for password in (WRONG, RIGHT):
        assert password not in caplog.text
        assert not any(password in value for value in kept)


def test_the_api_and_the_pages_are_not_locked(client, live_models):
    fail(client, 5)
    assert client.get("/", REMOTE_ADDR="10.0.0.1").status_code == 200
    assert client.get("/api/model", REMOTE_ADDR="10.0.0.1").status_code == 200
