"""SCRIPT_NAME: the whole site under a path of a shared host, given by the setting or by a proxy."""

from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.contrib.auth.models import User

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .asking import Visitor, ask
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
    with Visitor(server, **headers) as visitor:
        yield visitor


def crawl(visitor, start):
    """{address: status} of all pages that links from some pages lead to, each path once; does not
    log out."""
    got, seen, todo = {}, set(), [(address, "") for address in start]
    while todo:
        link, page = todo.pop()
        address = urldefrag(urljoin(visitor.address, link))[0]
        path = urlsplit(address).path
        if path in seen or path.endswith("/logout/") or not address.startswith(visitor.address):
            continue
        assert within(address), f"{page} leads to {address}"
        seen.add(path)
        response = visitor.get(address)
        got[address] = response.status_code
        if response.next:
            todo.append((response.next.url, address))
        elif "html" in response.headers["Content-Type"]:
            found = Links(response.text)
            assert all(within(urljoin(address, action)) for action in found.actions), address
            todo += [(urljoin(address, link), address) for link in found.links]
    return got


def within(address):
    return f"{urlsplit(address).path}/".startswith("/diamonds/")


def posted(visitor, page, form):
    """The response to a page's form, sent with the page's hidden fields."""
    return visitor.post(page, Links(visitor.get(page).text).fields | form)


@pytest.mark.parametrize("language", ["pl", "en"])
def test_every_link_of_every_page_leads_to_a_page_of_the_site(visitor, language):
    visitor.headers["Accept-Language"] = language
    User.objects.create_superuser("anna", password="a long one")
    assert visitor.get("/diamonds/admin/").status_code == 302
    log_in = {"username": "anna", "password": "a long one"}
    led_to = posted(visitor, "/diamonds/admin/login/?next=/diamonds/admin/", log_in)
    assert led_to.headers["Location"] == "/diamonds/admin/"
    quote = posted(visitor, "/diamonds/", {**GRADED, "scheme": "graded"}).headers["Location"]
    assert quote == f"/diamonds/quotes/{Prediction.objects.get().pk}/"
    got = crawl(visitor, ["/diamonds/", quote, "/diamonds/admin/", "/diamonds/api/docs"])
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
    assert set(visitor.cookies.list_paths()) == {"/diamonds"}


def test_the_language_switch_leads_back_and_is_remembered(visitor):
    page = "/diamonds/models/coded/1/"
    fields = Links(visitor.get(page).text).fields
    assert fields["next"] == page
    switched = visitor.post("/diamonds/i18n/setlang/", {**fields, "language": "en"})
    assert switched.headers["Location"] == page
    assert visitor.cookies.get("django_language", path="/diamonds") == "en"
    visitor.headers["Accept-Language"] = "pl"
    assert '<html lang="en">' in visitor.get(page).text


def test_the_api_answers_with_addresses_under_the_path(visitor):
    answer = visitor.get("/diamonds/api/predict", params=GRADED).json()
    assert answer["url"] == f"/diamonds/quotes/{Prediction.objects.get().pk}/"
    schema = visitor.get("/diamonds/api/schema").json()
    [server] = schema["servers"]
    for path in schema["paths"]:
        path = path.replace("{id}", answer["id"])
        assert visitor.get(server["url"] + path).status_code in (200, 400, 401), path
    for path in ("/health/live", "/health/ready", "/metrics", ""):
        assert visitor.get(f"/diamonds{path}").status_code == 200, path
    assert visitor.get("/diamonds/admin").headers["Location"] == "/diamonds/admin/"
    assert visitor.get("/diamonds/nix").status_code == 404


def test_who_asks_the_server_itself_need_not_know_the_path(pages):
    with pages.server(SCRIPT_NAME="/diamonds/", LOG_LEVEL="INFO", LOG_FORMAT="text") as server:
        for path in ("/health/live", "/health/ready", "/metrics", "/static/predictor/logo.svg"):
            assert server.status_of(path) == server.status_of(f"/diamonds{path}") == 200, path
        assert b'href="/diamonds/static/predictor/site.' in ask(server, "/").body
        assert server.status_of("/diamondsite/health/live") == 404
        log = server.log_text()
    assert f"home   http://127.0.0.1:{server.port}/diamonds/\n" in log
    assert f"admin  http://127.0.0.1:{server.port}/diamonds/admin/\n" in log


def test_a_stranger_cannot_say_where_the_site_lies(pages):
    with pages.server(FORWARDED_ALLOW_IPS="10.9.9.9") as server:
        assert b'href="/static/' in ask(server, "/", SCRIPT_NAME="/diamonds").body
