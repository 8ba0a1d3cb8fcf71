"""The logs and metrics of a server with two workers: complete, without duplicates or clients' data."""

import http.client
import json
import re
import signal
import socket
from urllib.parse import unquote, urlencode

import pytest
from django.contrib.auth import get_user_model
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.once

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
PASSWORD = "Tr0ub4dor-and-3-horses"  # noqa: S105
WRONG = "c0rrect-battery-staple"
TOKEN = "9944b09199c62bcf9418ad846dd0e4bb"  # noqa: S105
EMAIL = "ada.lovelace@example.org"
CARAT = "0.7318264"
JSON = {"Content-Type": "application/json"}


class Visitor:
    """Sends each request on a new connection and keeps what its log line must contain."""

    def __init__(self, port):
        self.port = port
        self.cookies = {}
        self.answers = []

    def ask(self, method, path, body=None, **headers):
        """(status, body); without an X-Request-ID header the server chooses the id."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, {"Cookie": cookies, **headers})
        response = connection.getresponse()
        text = response.read().decode()
        for cookie in response.msg.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        shown = unquote(path.partition("?")[0])
        self.answers.append((response.headers["X-Request-ID"], shown, response.status))
        connection.close()
        return response.status, text

    def post_form(self, path, fields, **headers):
        """Posts a page's form with the page's CSRF token."""
        _, page = self.ask("GET", path)
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[:1]
        form = urlencode({"csrfmiddlewaretoken": token, **fields})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, form, **kind, **headers)

    def say(self, raw):
        """Sends bytes that are not HTTP; returns the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(raw)
            return connection.recv(1000)


@pytest.fixture
def furnished(pages):
    """A Site with static files, and a user who has a password and a token."""
    user = get_user_model().objects.create_superuser("ada", EMAIL, PASSWORD)
    Token.objects.create(user=user, key=TOKEN)
    return pages


@pytest.fixture
def served(site):
    """A server whose API needs no token."""
    with site.server() as server:
        yield server


def lines(server):
    """Every line of the server's output, all of which must be JSON."""
    return [json.loads(line) for line in server.log_text().splitlines()]


def request_lines(server):
    return [line for line in lines(server) if line["logger"] == "request"]


def counted(visitor):
    """{(status, scheme): requests} of all workers, from /metrics."""
    _, text = visitor.ask("GET", "/metrics")
    return {
        (sample.labels["status"], sample.labels["scheme"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "diamonds_requests_total"
    }


def use_all_of_it(visitor):
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
    assert visitor.post_form("/admin/login/", log_in)[0] == 302
    assert visitor.ask("GET", f"/admin/predictor/prediction/?q={CARAT}")[0] == 200
    visitor.say(f"GET /api/predict?carat={CARAT}&token={TOKEN} x y z\r\n\r\n".encode())
    visitor.say(f"GET / HTTP/1.1\r\nAuthorization Token {TOKEN}\r\n\r\n".encode())
    visitor.say(f"GET / HTTP/1.1\r\nX-Token : {TOKEN}\r\n\r\n".encode())
    visitor.say(f"{TOKEN} / HTTP/1.1\r\n\r\n".encode())
    visitor.say(f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {TOKEN}\r\n\r\n".encode())


def test_each_request_has_one_line_and_none_holds_what_was_sent(furnished):
    with furnished.server(LOG_LEVEL="DEBUG", API_ACCESS="token", API_THROTTLE="600/min") as server:
        visitor = Visitor(server.port)
        before = len(request_lines(server))
        use_all_of_it(visitor)
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


def test_the_counts_of_both_workers_add_up_though_one_is_killed(served):
    visitor = Visitor(served.port)
    before = counted(visitor)
    for _ in range(15):
        assert visitor.ask("GET", f"/api/predict?{urlencode(CODED)}")[0] == 200
    served.kill(served.workers()[0])
    wait_for(lambda: len(served.workers()) == 2)
    for _ in range(15):
        assert visitor.ask("GET", f"/api/predict?{urlencode(GRADED)}")[0] == 200
    assert visitor.ask("GET", "/api/predict?carat=1")[0] == 400
    after = counted(visitor)
    assert {labels: n - before.get(labels, 0) for labels, n in after.items()} == {
        ("200", "coded"): 15,
        ("200", "graded"): 15,
        ("400", "none"): 1,
        ("200", "none"): 1,  # the first request for the metrics
    }
    assert Prediction.objects.filter(status=200).count() == 30


def test_workers_that_die_leave_no_files_behind_and_a_stop_leaves_none_at_all(served):
    folder = served.counts_folder()
    for _ in range(3):
        served.kill(*served.workers())
        served.wait_until_ready()
    visitor = Visitor(served.port)
    visitor.ask("GET", f"/api/predict?{urlencode(CODED)}")
    kinds = ("counter", "gauge_liveall", "histogram")
    few = {f"{kind}_{number}.db" for kind in kinds for number in ("none", *range(4))}
    assert {path.name for path in folder.iterdir()} <= {*few, "diamonds.lock"}
    _, text = visitor.ask("GET", "/metrics")
    workers = set(re.findall(r'diamonds_live_version{pid="(\d+)",scheme="coded"} 1\.0', text))
    assert workers <= {"0", "1"}
    served.stop()
    assert not folder.exists()


def test_a_reload_keeps_the_counts_and_a_killed_servers_are_removed_by_the_next_start(site):
    with site.server() as killed:
        left = killed.counts_folder()
        assert left.exists()
        killed.die()
        with site.server() as server:
            assert not left.exists()
            assert_counts_outlive_a_reload(server)


def assert_counts_outlive_a_reload(server):
    """New workers continue the counts of the workers before them."""
    visitor, folder = Visitor(server.port), server.counts_folder()
    for _ in range(5):
        visitor.ask("GET", f"/api/predict?{urlencode(CODED)}")
    old = server.workers()
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(server.workers()) == 2 and not set(old) & set(server.workers()))
    for _ in range(20):
        visitor.ask("GET", f"/api/predict?{urlencode(CODED)}")
    assert counted(visitor)["200", "coded"] == 25
    failures = [
        path.name for path in folder.glob("counter_*") if b"record_fail" in path.read_bytes()
    ]
    assert {f"counter_{number}.db" for number in (2, 3)} <= set(failures)
    assert server.counts_folder() == folder
