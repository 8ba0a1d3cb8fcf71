"""Fixtures of the browser tests: one Chromium a file, and tabs that collect faults."""

import os
import shutil
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from ml.stones import EXAMPLES
from tests.environment import var

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """On SQLite a file, as users have it. In memory, all threads of the served site would share one
    connection, and a request would fail inside another's transaction."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"] = {**database.get("TEST", {}), "NAME": str(var / "test.sqlite3")}


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium. Playwright's event loop runs in this thread, so Django must allow it."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(chromium, live_server, live_models):
    """Opens a tab on the served site.

    `faults` lists requests to another server, violations of the content security policy, and errors
    in scripts.
    """

    @contextmanager
    def open_tab(language="en", viewport=DESKTOP, **options):
        context = chromium.new_context(
            base_url=live_server.url, locale=language, viewport=viewport, **options
        )
        faults = []
        context.on(
            "request",
            lambda request: (
                faults.append(request.url)
                if not request.url.startswith((live_server.url, "data:"))
                else None
            ),
        )
        context.on(
            "console",
            lambda message: (
                faults.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        context.on("weberror", lambda error: faults.append(str(error.error)))
        tab = context.new_page()
        tab.faults = faults
        yield tab
        context.close()
        assert faults == []

    return open_tab


@pytest.fixture
def signed_in(site, client):
    """Opens a tab that is signed in as the user admin, through the log-in page; there are predictions."""
    User.objects.create_superuser("admin", password="kot-w-butach-42")
    for scheme, stones in EXAMPLES.items():
        assert client.get("/api/predict", stones[0]).json()["model"]["scheme"] == scheme

    @contextmanager
    def open_tab(language="en", **options):
        with site(language, **options) as tab:
            tab.goto("/admin/")
            tab.fill("#id_username", "admin")
            tab.fill("#id_password", "kot-w-butach-42")
            tab.click("input[type=submit]")
            tab.wait_for_selector("#user-tools")
            yield tab

    return open_tab


@pytest.fixture
def admin_tab(signed_in):
    with signed_in() as tab:
        yield tab
