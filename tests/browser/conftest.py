"""What the browser tests share: one Chromium a file, and tabs that tell what they must not do."""

import os
import shutil
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User

from ml.stones import EXAMPLES

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium. Playwright's loop runs in this thread, where Django then fears it."""
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

    A tab may not ask any other server, nor try what its content security policy forbids, nor meet
    an error in a script; `faults` are those so far.
    """

    @contextmanager
    def open_tab(language="en", viewport=DESK, **options):
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
    """Opens a tab in which the user admin is signed in, through the log-in page; there are answers."""
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
