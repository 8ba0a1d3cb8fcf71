"""SCRIPT_NAME: the whole site under a path of a shared host, given by the setting or by a proxy."""

import json
import re
from html.parser import HTMLParser
from http.client import HTTPConnection
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

import pytest
from django.contrib.auth.models import User

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .conftest import with_pages

pytestmark = pytest.mark.once

GRADED = EXAMPLES["graded"][0]
LINKS = {"href", "src"}


class Links(HTMLParser):
    """The addresses of a page's links and forms, and the values of its hidden fields."""

    def __init__(self, page):
        super().__init__()
        self.links, self.actions, self.fields = [], [], {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[name] for name in LINKS & attrs.keys() if attrs[name]]
        self.actions += [attrs["action"]] if attrs.get("action") else []
        if attrs.get("type") == "hidden" and "name" in attrs:
            self.fields[attrs["name"]] = attrs["value"]


class Visitor:
    """A browser that keeps cookies by path and name, and never leaves the server."""

    def __init__(self, server, headers):
        self.server, self.headers, self.cookies = server, headers, {}

    def is_here(self, parts):
        return parts.netloc in ("", f"127.0.0.1:{self.server.port}")

    def open(self, address, form=None):
        """(status, headers, text) of an address, which may be absolute."""
        parts = urlsplit(urljoin(f"http://127.0.0.1:{self.server.port}/", address))
        assert self.is_here(parts), address
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        cookies = "; ".join(f"{name}={value}" for (_, name), value in self.cookies.items())
        headers = {**self.headers, "Cookie": cookies} | (
            {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        )
        try:
            connection.request(
                "POST" if form else "GET", path, urlencode(form) if form else None, headers
            )
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie", []):
                name, value = line.partition(";")[0].split("=", 1)
                self.cookies[re.search(r"(?i)path=([^;]+)", line)[1], name] = value
            return response.status, response.headers, response.read().decode(errors="replace")
        finally:
            connection.close()


@pytest.fixture(scope="module", params=["setting", "header"])
def served(request, shared_site, collected):
    """(a server under /diamonds, by the setting or by a proxy's header; the headers to send)."""
    told = {"SCRIPT_NAME": "/diamonds"}
    environment, headers = (told, {}) if request.param == "setting" else ({}, told)
    site = with_pages(shared_site, collected)
    with site.server(LOG_LEVEL="INFO", LOG_FORMAT="text", **environment) as server:
        yield server, headers


@pytest.fixture
def visitor(served, emptied):
    server, headers = served
    return Visitor(server, dict(headers))


def crawl(visitor, start):
    """{address: status} of all pages that links from some pages lead to, each path once; does not
    log out."""
    got, seen, todo = {}, set(), [(address, "") for address in start]
    while todo:
        address, page = todo.pop()
        address = urldefrag(address)[0]
        parts = urlsplit(address)
        if parts.path in seen or parts.path.endswith("/logout/") or not visitor.is_here(parts):
            continue
        assert within(address), f"{page} leads to {address}"
        seen.add(parts.path)
        status, headers, text = visitor.open(address)
        got[address] = status
        if status in (301, 302):
            todo.append((urljoin(address, headers["Location"]), address))
        elif "html" in headers["Content-Type"]:
            found = Links(text)
            assert all(within(urljoin(address, action)) for action in found.actions), address
            todo += [(urljoin(address, link), address) for link in found.links]
    return got


def within(address):
    return f"{urlsplit(address).path}/".startswith("/diamonds/")


@pytest.mark.parametrize("language", ["pl", "en"])
def test_every_link_of_every_page_leads_to_a_page_of_the_site(visitor, language):
    visitor.headers["Accept-Language"] = language
    User.objects.create_superuser("anna", password="a long one")
    log_in(visitor)
    status, headers, _ = visitor.open(
        "/diamonds/", {**hidden(visitor, "/diamonds/"), **GRADED, "scheme": "graded"}
    )
    assert (status, headers["Location"]) == (
        302,
        f"/diamonds/quotes/{Prediction.objects.get().pk}/",
    )
    got = crawl(
        visitor, ["/diamonds/", headers["Location"], "/diamonds/admin/", "/diamonds/api/docs"]
    )
    assert {address: status for address, status in got.items() if status not in (200, 302)} == {}
    pages = [urlsplit(address).path.removeprefix("/diamonds") for address in got]
    for begin in (
        "/static/predictor/site",
        "/static/admin/",
        "/models/graded/1/",
        "/api/schema",
        "/admin/auth/user/",
    ):
        assert any(page.startswith(begin) for page in pages), begin
    assert {path for path, _ in visitor.cookies} == {"/diamonds"}


def hidden(visitor, address):
    return {
        name: value
        for name, value in Links(visitor.open(address)[2]).fields.items()
        if "csrf" in name
    }


def log_in(visitor):
    page = "/diamonds/admin/login/?next=/diamonds/admin/"
    assert visitor.open("/diamonds/admin/")[:2][0] == 302
    form = {**hidden(visitor, page), "username": "anna", "password": "a long one"}
    status, headers, _ = visitor.open(page, form)
    assert (status, headers["Location"]) == (302, "/diamonds/admin/")


def test_the_language_switch_leads_back_and_is_remembered(visitor):
    page = visitor.open("/diamonds/models/coded/1/")[2]
    fields = Links(page).fields
    assert fields["next"] == "/diamonds/models/coded/1/"
    status, headers, _ = visitor.open("/diamonds/i18n/setlang/", {**fields, "language": "en"})
    assert (status, headers["Location"]) == (302, "/diamonds/models/coded/1/")
    assert ("/diamonds", "django_language") in visitor.cookies
    assert '<html lang="en">' in visitor.open("/diamonds/models/coded/1/")[2]


def test_the_api_answers_with_addresses_under_the_path(visitor):
    status, _, text = visitor.open(f"/diamonds/api/predict?{urlencode(GRADED)}")
    assert status == 200
    assert f'"url":"/diamonds/quotes/{Prediction.objects.get().pk}/"' in text
    schema = json.loads(visitor.open("/diamonds/api/schema")[2])
    [server] = schema["servers"]
    for path in schema["paths"]:
        assert visitor.open(server["url"] + path)[0] in (200, 400), path
    for path in ("/diamonds/health/live", "/diamonds/health/ready", "/diamonds/metrics"):
        assert visitor.open(path)[0] == 200, path
    assert visitor.open("/diamonds/admin")[1]["Location"] == "/diamonds/admin/"
    assert visitor.open("/diamonds")[0] == 200
    assert visitor.open("/diamonds/nix")[0] == 404


def test_who_asks_the_server_itself_need_not_know_the_path(pages):
    with pages.server(SCRIPT_NAME="/diamonds/", LOG_LEVEL="INFO", LOG_FORMAT="text") as server:
        visitor = Visitor(server, {})
        for path in ("/health/live", "/health/ready", "/metrics", "/static/predictor/logo.svg"):
            assert visitor.open(path)[0] == visitor.open(f"/diamonds{path}")[0] == 200, path
        assert 'href="/diamonds/static/predictor/site.' in visitor.open("/")[2]
        assert visitor.open("/diamondsite/health/live")[0] == 404
        log = server.log_text()
    assert f"home   http://127.0.0.1:{server.port}/diamonds/\n" in log
    assert f"admin  http://127.0.0.1:{server.port}/diamonds/admin/\n" in log


def test_a_stranger_cannot_say_where_the_site_lies(pages):
    with pages.server(FORWARDED_ALLOW_IPS="10.9.9.9") as server:
        assert 'href="/static/' in Visitor(server, {"SCRIPT_NAME": "/diamonds"}).open("/")[2]
