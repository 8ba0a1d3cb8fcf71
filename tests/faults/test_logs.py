"""The log of a server with two workers: a line for each request, without clients' data."""

import json
import re
import socket
from urllib.parse import unquote, urlencode

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.waiting import PATIENCE, wait_for

from . import asking

pytestmark = pytest.mark.once

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
PASSWORD = "Tr0ub4dor-and-3-horses"  # noqa: S105
WRONG = "c0rrect-battery-staple"
TOKEN = "9944b09199c62bcf9418ad846dd0e4bb"  # noqa: S105
EMAIL = "ada.lovelace@example.org"
CARAT = "0.7318264"
JSON = {"Content-Type": "application/json"}


class Visitor(asking.Visitor):
    """Keeps what the log line of each request must contain."""

    def __init__(self, server):
        super().__init__(server)
        self.answers = []

    def ask(self, method, path, body=None, **headers):
        """The response; without an X-Request-ID header the server chooses the id."""
        response = self.request(method, path, data=body, headers=headers)
        shown = unquote(path.partition("?")[0])
        self.answers.append((response.headers["X-Request-ID"], shown, response.status_code))
        return response

    def post_form(self, path, fields):
        """Posts a page's form with the page's CSRF token."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask("GET", path).text)
        return self.ask("POST", path, {"csrfmiddlewaretoken": token[1], **fields})


def say(server, raw):
    """Sends bytes that are not HTTP; returns the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(raw)
        return connection.recv(1000)


@pytest.fixture
def furnished(pages):
    """A Site with static files, and a user who has a password and a token."""
    user = get_user_model().objects.create_superuser("ada", EMAIL, PASSWORD)
    Token.objects.create(user=user, key=TOKEN)
    return pages


def lines(server):
    """Every line of the server's output, all of which must be JSON."""
    return [json.loads(line) for line in server.log_text().splitlines()]


def request_lines(server):
    return [line for line in lines(server) if line["logger"] == "request"]


def use_all_of_it(server, visitor):
    """At least one request of every kind, with secrets in every place where one can be."""
    bearing = {"Authorization": f"Token {TOKEN}", "From": EMAIL}
    stone = urlencode({**CODED, "carat": CARAT})
    visitor.ask("GET", f"/api/predict?{stone}", **bearing)
    visitor.ask("GET", f"/api/predict?carat={CARAT}&email={EMAIL}", **bearing)
    visitor.ask("GET", f"/api/predict?{stone}", Authorization=f"Token {TOKEN[::-1]}")
    one, more = {**GRADED, "carat": float(CARAT)}, [CODED, {**CODED, "carat": float(CARAT)}]
    for body in (json.dumps(one), json.dumps(more), f'{{"carat": {CARAT}'):
        visitor.ask("POST", "/api/predict", body, **JSON, **bearing)
    visitor.ask("DELETE", f"/api/predict?carat={CARAT}", **bearing)
    for path in ("/api/model", "/api/schema", "/api/docs", "/health/live", "/health/ready"):
        visitor.ask("GET", f"{path}?carat={CARAT}", **bearing)
    visitor.post_form("/", {**GRADED, "scheme": "graded", "carat": CARAT})
    visitor.ask("GET", f"/quotes/{Prediction.objects.latest('created').pk}/?mail={EMAIL}")
    visitor.ask("GET", "/models/coded/1/")
    visitor.ask("GET", f"/nowhere%0A%7B%22level%22:1%7D?token={TOKEN}")
    visitor.ask("GET", "/", **{"X-Request-ID": EMAIL, "Host": "another.example"})
    elsewhere = {"Origin": "https://a.example", "Referer": f"https://a.example/?carat={CARAT}"}
    visitor.ask("POST", f"/?carat={CARAT}", f"carat={CARAT}", **elsewhere)
    visitor.post_form("/admin/login/", {"username": EMAIL, "password": WRONG})
    log_in = {"username": "ada", "password": PASSWORD, "next": "/admin/"}
    assert visitor.post_form("/admin/login/", log_in).status_code == 302
    assert visitor.ask("GET", f"/admin/predictor/prediction/?q={CARAT}").status_code == 200
    say(server, f"GET /api/predict?carat={CARAT}&token={TOKEN} x y z\r\n\r\n".encode())
    say(server, f"GET / HTTP/1.1\r\nAuthorization Token {TOKEN}\r\n\r\n".encode())
    say(server, f"GET / HTTP/1.1\r\nX-Token : {TOKEN}\r\n\r\n".encode())
    say(server, f"{TOKEN} / HTTP/1.1\r\n\r\n".encode())
    say(server, f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {TOKEN}\r\n\r\n".encode())


def test_each_request_has_one_line_and_none_holds_what_was_sent(furnished):
    with furnished.server(LOG_LEVEL="DEBUG", API_ACCESS="token", API_THROTTLE="600/min") as server:
        visitor = Visitor(server)
        before = len(request_lines(server))
        use_all_of_it(server, visitor)
        wait_for(lambda: len(request_lines(server)) >= before + len(visitor.answers))
        written = [
            (line["request_id"], line["path"], line["status"])
            for line in request_lines(server)[before:]
        ]
        server.stop()
    assert sorted(written) == sorted(visitor.answers)
    assert len({id_ for id_, _, _ in written}) == len(written)
    assert len(lines(server)) > len(written)
    secrets = [PASSWORD, WRONG, TOKEN, TOKEN[::-1], EMAIL, CARAT, *visitor.cookies.values()]
    assert [secret for secret in secrets if secret in server.log_text()] == []
    assert Prediction.objects.filter(status=200, carat=CARAT).count() == 4
