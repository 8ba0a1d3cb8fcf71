"""Logging: one line for each request, its id on every related line, and no data that was sent."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from unittest.mock import Mock

import pytest
from django.conf import settings as site
from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.core.handlers.exception import convert_exception_to_response
from django.test import Client, RequestFactory

from ml.stones import EXAMPLES
from predictor.api import views
from predictor.api.health import live
from predictor.models import Prediction
from predictor.telemetry import logs
from predictor.web import middleware
from tests.posting import post
from tests.waiting import PATIENCE

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
MADE = r"[0-9a-f]{32}"

pytestmark = pytest.mark.django_db
priced = pytest.mark.usefixtures("live_models")


class Written:
    """Collects the log as written by a formatter."""

    def __init__(self, formatter):
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(formatter)
        self.handler.addFilter(logs.Refusals())

    @property
    def text(self):
        return self.stream.getvalue()

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def requests(self):
        return [line for line in self.lines if line["logger"] == "request"]


@pytest.fixture
def listening():
    """Returns a function (formatter) that returns a Written, which collects records from INFO on."""
    root, added = logging.getLogger(), []
    level = root.level
    root.setLevel(logging.INFO)

    def listen(formatter):
        written = Written(formatter)
        added.append(written.handler)
        root.addHandler(written.handler)
        return written

    yield listen
    root.setLevel(level)
    for handler in added:
        root.removeHandler(handler)


@pytest.fixture(params=["one of several handlers", "the only handler"])
def written(request, listening, monkeypatch):
    """The log as JSON; a server has only this handler."""
    written = listening(logs.JsonFormatter())
    if request.param == "the only handler":
        monkeypatch.setattr(logging.getLogger(), "handlers", [written.handler])
    return written


@priced
def test_an_answer_has_one_line_with_its_model_and_time_but_not_its_stone(client, written):
    response = client.get("/api/predict", CODED, headers={"X-Request-ID": "a-1"})
    assert response.status_code == 200
    [line] = written.lines
    assert line == {
        "time": line["time"],
        "level": "INFO",
        "logger": "request",
        "request_id": "a-1",
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/api/predict",
        "scheme": "coded",
        "version": 1,
        "status": 200,
        "latency_ms": line["latency_ms"],
    }
    assert line["latency_ms"] >= Prediction.objects.get().latency_ms
    assert response["X-Request-ID"] == "a-1"


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("/api/predict", [CODED] * 3, {"scheme": "coded", "version": 1, "count": 3}),
        ("/api/predict", [CODED, GRADED], {"scheme": "mixed", "version": None, "count": 2}),
        ("/", {**GRADED, "scheme": "graded"}, {"scheme": "graded", "version": 1}),
    ],
)
@priced
def test_a_list_and_the_form_have_one_line_too(client, written, path, content, told):
    assert (client.post(path, content) if path == "/" else post(client, content)).status_code < 400
    [line] = written.lines
    assert line | told | {"path": path} == line


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/predict?carat=0.123456", 400), ("/nowhere?carat=0.123456", 404), ("/health/live", 200)],
)
@priced
def test_what_is_not_priced_has_a_line_without_a_model(client, written, path, status):
    assert client.get(path).status_code == status
    [line] = written.lines
    assert (line["status"], line["scheme"], line["version"]) == (status, None, None)
    assert line["path"] == path.partition("?")[0]
    assert "0.123456" not in written.text


@pytest.mark.parametrize("sent", ["7", "req_1.a:b-c", "Root=1-67891233-abcdef012345678912345678"])
def test_a_sane_request_id_is_taken(client, written, sent):
    response = client.get("/health/live", headers={"X-Request-ID": sent})
    assert response["X-Request-ID"] == sent
    assert [line["request_id"] for line in written.lines] == [sent]


@pytest.mark.parametrize(
    "sent", ["", "two words", "a\nb", "a\x1b[31m", '{"a":1}', "ada@example.org", "ż", "x" * 129]
)
def test_any_other_request_id_is_replaced(client, written, sent):
    response = client.get("/health/live", headers={"X-Request-ID": sent})
    [line] = written.lines
    assert line["request_id"] == response["X-Request-ID"] != sent
    assert re.fullmatch(MADE, response["X-Request-ID"])


def test_each_request_without_an_id_gets_another(client):
    assert len({client.get("/health/live")["X-Request-ID"] for _ in range(20)}) == 20


@priced
def test_an_unknown_error_is_logged_with_its_traceback_and_the_requests_id(
    client, written, monkeypatch
):
    monkeypatch.setattr(views, "as_json", Mock(side_effect=ZeroDivisionError))
    client.raise_request_exception = False
    assert client.get("/api/predict", CODED, headers={"X-Request-ID": "a-2"}).status_code == 500
    error, line = written.lines
    assert (error["logger"], error["level"]) == ("django.request", "ERROR")
    assert error["message"] == "Internal Server Error: /api/predict"
    assert error["traceback"].startswith("Traceback (most recent call last):\n")
    assert error["traceback"].endswith("ZeroDivisionError")
    assert error["request_id"] == line["request_id"] == "a-2"
    assert (line["level"], line["status"]) == ("ERROR", 500)


def test_a_line_of_no_request_has_no_request_id(client, written):
    client.get("/health/live")
    logging.getLogger("predictor.versions.live").warning("by itself")
    assert written.lines[-1]["message"] == "by itself"
    assert "request_id" not in written.lines[-1]


@pytest.mark.parametrize("formatter", [logs.JsonFormatter, logs.TextFormatter])
@pytest.mark.parametrize(
    "sent", ["a\nFORGED", "a\r\nFORGED", "a\x1b[2KFORGED", "a\u2028FORGED", "a\x85F"]
)
def test_a_path_cannot_write_a_line_of_its_own(listening, formatter, sent):
    written = listening(formatter())
    answer = middleware.observed(live)
    assert answer(RequestFactory().get(f"/{sent}")).status_code == 200
    logging.getLogger("anyone").warning("not found: %s", sent)
    assert len(written.text.splitlines()) == 2
    assert written.text.isascii()
    assert written.text.replace("\n", "").isprintable()


def test_a_long_path_is_cut(client, written):
    client.get("/" + 5000 * "x")
    assert len(written.lines[0]["path"]) == middleware.KEPT_OF_PATH


def test_a_traceback_in_text_is_set_in_line_by_line(listening):
    written = listening(logs.TextFormatter())
    try:
        raise ValueError("one\n2026-01-01 00:00:00,000 INFO forged")
    except ValueError:
        logging.getLogger("anyone").exception("failed")
    first, *others = written.text.splitlines()
    assert first.endswith(" ERROR failed")
    assert "    2026-01-01 00:00:00,000 INFO forged" in others
    assert all(line.startswith("    ") for line in others)


@priced
def test_a_line_in_text_can_be_read(client, listening):
    written = listening(logs.TextFormatter())
    client.get("/api/predict", CODED, headers={"X-Request-ID": "a-3"})
    post(client, [GRADED, GRADED])
    one, two = written.text.splitlines()
    assert " INFO GET /api/predict 200 in " in one
    assert one.endswith(" ms, coded 1 [a-3]")
    assert " ms, graded 1, 2 stones [" in two


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("handling GET /api?carat=1&x='2' z", "handling GET /api?... z"),
        ("https://a.example/?carat=1 does not match", "https://a.example/?... does not match"),
        (
            "Invalid request from ip=::1: Bad Header: 'T: x'",
            "Invalid request from ip=::1: Bad Header...",
        ),
        (
            "violates a constraint\nDETAIL:  Failing row contains (0.3)",
            "violates a constraint\nDETAIL:...",
        ),
        ("is it live? yes", "is it live? yes"),
    ],
)
def test_messages_do_not_repeat_what_was_sent(listening, message, shown):
    hidden, wanted = listening(logs.JsonFormatter()), listening(logs.JsonFormatter(inputs=True))
    logging.getLogger("gunicorn.error").error("%s", message, exc_info=ValueError(message))
    [line] = hidden.lines
    assert line["message"] == shown
    assert line["traceback"] == f"ValueError: {shown}"
    assert wanted.lines[0]["message"] == message


def test_the_address_of_a_list_stays_secret(client, written):
    """Also where no view was found, and in Django's own messages."""
    id_ = "0f6a3b0c-1111-4111-8111-0123456789ab"
    assert client.get(f"/file/{id_}").status_code == 301
    assert client.get(f"/file/{id_.upper()}/").status_code == 404
    assert Client(enforce_csrf_checks=True).post(f"/file/{id_}/stop/").status_code == 403
    assert [line["path"] for line in written.requests] == [
        "/file/0f6a3b0c…",
        "/file/0F6A3B0C…/",
        "/file/0f6a3b0c…/stop/",
    ]
    assert "4111" not in written.text


@priced
def test_inputs_are_logged_where_they_are_asked_for(client, written, settings):
    settings.LOG_INPUTS = True
    client.get("/api/predict?carat=0.123456")
    post(client, CODED)
    assert [line["inputs"] for line in written.lines] == ["carat=0.123456", json.dumps(CODED)]


def test_a_password_is_not_input(client, written, settings, admin_user):
    settings.LOG_INPUTS = True
    sent = {"username": admin_user.username, "password": "password", "next": "/admin/"}
    assert client.post("/admin/login/", sent).status_code == 302
    [line] = written.requests
    assert "inputs" not in line


@pytest.mark.parametrize("path", ["/", "/api/predict", "/api/docs", "/admin/", "/metrics", "/nix"])
def test_a_refused_host_is_one_warning_without_a_traceback(client, written, path):
    response = client.get(path, headers={"Host": "10.244.1.17:5010"})
    assert response.status_code == 400
    refusal, line = written.lines
    assert refusal["logger"] == f"django.security.{DisallowedHost.__name__}"
    assert refusal["request_id"] == line["request_id"] == response["X-Request-ID"]
    assert (refusal["level"], line["level"]) == ("WARNING", "INFO")
    assert refusal["message"].startswith("Invalid HTTP_HOST header: '10.244.1.17:5010'.")
    assert "traceback" not in refusal


@pytest.mark.parametrize("error", SuspiciousOperation.__subclasses__(), ids=lambda e: e.__name__)
def test_whatever_django_refuses_as_suspicious_is_a_warning_too(rf, written, monkeypatch, error):
    assert convert_exception_to_response(Mock(side_effect=error("not with us")))(
        rf.get("/")
    ).status_code in (400, 413)
    [line] = written.lines
    assert (line["level"], line["message"]) == ("WARNING", "not with us")
    assert "traceback" not in line


def test_a_refusal_is_not_logged_where_warnings_are_not(client, written):
    logging.getLogger().setLevel(logging.ERROR)
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert written.lines == []


def shown(stdout, **environment):
    """Prints LOG_FORMAT and LOG_STREAM of a process that is not a command to `stdout`."""
    show = "from django.conf import settings as s; print(s.LOG_FORMAT, s.LOG_STREAM, flush=True)"
    return subprocess.run(
        [sys.executable, "-c", show],
        cwd=site.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "VAR_DIR": os.environ["VAR_DIR"],
            "DJANGO_SETTINGS_MODULE": "diamondsite.settings",
            **environment,
        },
        stdout=stdout,
        timeout=PATIENCE,
        check=True,
    )


def test_a_server_logs_json_unless_someone_is_looking():
    master, terminal = os.openpty()
    shown(terminal)
    assert os.read(master, 100).split() == [b"text", b"stdout"]
    shown(terminal, LOG_FORMAT="json")
    assert os.read(master, 100).split() == [b"json", b"stdout"]
    assert shown(subprocess.PIPE).stdout.split() == [b"json", b"stdout"]
    assert shown(subprocess.PIPE, LOG_FORMAT="text").stdout.split() == [b"text", b"stdout"]
    os.close(master)
    os.close(terminal)
