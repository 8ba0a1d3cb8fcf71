"""A price is the same, and recorded, counted and logged the same, with and without Django's request."""

import io
import json
import re
import time

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError
from django.forms.models import model_to_dict
from django.urls import set_script_prefix
from django.utils import timezone, translation

from diamondsite import wsgi
from ml.stones import EXAMPLES
from predictor.api import quick as module
from predictor.api import views
from predictor.api.quick import Quick
from predictor.models import ModelVersion, Prediction
from predictor.pricing import services
from predictor.telemetry import metrics
from predictor.telemetry.logs import request_id
from predictor.web import middleware
from tests.environs import environ_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CODED = "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"
GRADED = "&".join(f"{name}={value}" for name, value in EXAMPLES["graded"][0].items())
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

QUICK = {
    "coded": {"QUERY_STRING": CODED},
    "graded": {"QUERY_STRING": GRADED},
    "escapes": {"QUERY_STRING": GRADED.replace("cut=", "%63ut=").replace(".", "%2e")},
    "a version": {"QUERY_STRING": f"{CODED}&version=1"},
    "a warning": {"QUERY_STRING": CODED.replace("depth=59.2", "depth=78.2")},
    "an asking price": {"QUERY_STRING": f"{CODED}&asking=3100"},
    "an assumed grade": {"QUERY_STRING": f"{GRADED}&assume=true"},
    "an id": {"QUERY_STRING": CODED, "HTTP_X_REQUEST_ID": "order-17"},
    "an id that is none": {"QUERY_STRING": CODED, "HTTP_X_REQUEST_ID": "a b"},
    "a proxy": {"QUERY_STRING": CODED, "HTTP_X_FORWARDED_FOR": "203.0.113.7"},
    "no host": {"QUERY_STRING": CODED, "HTTP_HOST": None},
    "an id of 129 characters": {"QUERY_STRING": CODED, "HTTP_X_REQUEST_ID": "a" * 129},
    "another form of a host": {"QUERY_STRING": CODED, "HTTP_HOST": "LOCALHOST.:5010"},
    "a cookie and a language": {
        "QUERY_STRING": CODED,
        "HTTP_COOKIE": "language=pl; sessionid=a\0b",
        "HTTP_ACCEPT_LANGUAGE": "pl",
    },
    "the format": {"QUERY_STRING": f"{CODED}&format=json"},
    "empty parameters": {"QUERY_STRING": f"&&{CODED}&&"},
    "a body": {"QUERY_STRING": CODED, "wsgi.input": EXAMPLES["graded"][0]},
    "a body in chunks": {
        "QUERY_STRING": CODED,
        "wsgi.input": EXAMPLES["graded"][0],
        "HTTP_TRANSFER_ENCODING": "chunked",
    },
    "a body that is no gzip": {
        "QUERY_STRING": CODED,
        "wsgi.input": {},
        "HTTP_CONTENT_ENCODING": "gzip",
    },
    "a form's type": {"QUERY_STRING": CODED, "CONTENT_TYPE": "text/plain; charset=utf-7"},
    "a type that is none": {"QUERY_STRING": CODED, "CONTENT_TYPE": "\xff; charset*=x''y"},
    "a type that is no JSON": {"QUERY_STRING": CODED, "HTTP_ACCEPT": "text/html"},
    "gzip, for a short answer": {"QUERY_STRING": CODED, "HTTP_ACCEPT_ENCODING": "gzip"},
}
"""Requests that need nothing of Django."""

DJANGO = {
    "nothing": {},
    "a stone that is refused": {"QUERY_STRING": CODED.replace("0.37", "-1")},
    "a value twice": {"QUERY_STRING": f"{CODED}&carat=0.4"},
    "bytes that are no text": {"QUERY_STRING": f"{CODED}&cut=%ff\xff"},
    "a NUL": {"QUERY_STRING": f"{CODED}&cut=%00"},
    "a query of over 4 kB": {"QUERY_STRING": f"{CODED}&x={'y' * 5000}\xe9"},
    "a problem": {"QUERY_STRING": "carat=1", "HTTP_ACCEPT": "application/problem+json"},
    "a part of another path": {"QUERY_STRING": CODED, "SCRIPT_NAME": "/prices"},
    "too many parameters": {"QUERY_STRING": "&".join(f"p{n}=1" for n in range(1200))},
    "warnings of over 1 kB": {"QUERY_STRING": CODED.replace("0.37", "4.9")},
    "a format": {"QUERY_STRING": f"{CODED}&format=xml"},
    "a version that does not exist": {"QUERY_STRING": f"{CODED}&version=99"},
    "comparables": {"QUERY_STRING": f"{GRADED}&include=comparables&k=9"},
    "comparables in gzip": {
        "QUERY_STRING": f"{GRADED}&include=comparables&k=9",
        "HTTP_ACCEPT_ENCODING": "gzip",
    },
    "an unknown host": {"QUERY_STRING": CODED, "HTTP_HOST": "elsewhere.example"},
    "a wrong token": {"QUERY_STRING": CODED, "HTTP_AUTHORIZATION": "Token x"},
    "a key": {"QUERY_STRING": CODED, "HTTP_IDEMPOTENCY_KEY": '"'},
    "a trace": {"QUERY_STRING": CODED, "HTTP_TRACEPARENT": TRACE},
    "HEAD": {"QUERY_STRING": CODED, "REQUEST_METHOD": "HEAD"},
    "OPTIONS": {"QUERY_STRING": CODED, "REQUEST_METHOD": "OPTIONS"},
    "PUT": {"QUERY_STRING": CODED, "REQUEST_METHOD": "PUT"},
    "POST": {"REQUEST_METHOD": "POST", "wsgi.input": EXAMPLES["coded"][0]},
    "another path": {"QUERY_STRING": CODED, "PATH_INFO": "/api/predict/"},
}
"""Requests that Django answers, some of them after an attempt."""

COUNTS = metrics.REQUESTS, metrics.WARNINGS, metrics.LATENCY, metrics.RECORD_FAILURES
RANDOM = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{32}\b|00-[0-9a-f-]+")


@pytest.fixture(autouse=True)
def forests(live_models, kept_connection):
    """A forest of each scheme is active."""


@pytest.fixture(autouse=True)
def lines(monkeypatch):
    """The log lines of requests."""
    logged = []
    monkeypatch.setattr(middleware, "log_request", lambda level, line: logged.append(line))
    return logged


@pytest.fixture
def requests_made(monkeypatch):
    """A list that gets an item for each request of Django's."""
    made, call = [], WSGIHandler.__call__
    monkeypatch.setattr(
        WSGIHandler, "__call__", lambda site, *sent: made.append(sent) or call(site, *sent)
    )
    return made


def asked(sent):
    """(status, headers, content) of the application's answer, without random parts."""
    body = json.dumps(sent.get("wsgi.input", "")).encode()
    length = str(len(body)) if "wsgi.input" in sent else ""
    environ = environ_of(io.BytesIO(body), **{"CONTENT_LENGTH": length, **sent})
    environ = {name: value for name, value in environ.items() if value is not None}
    found = []
    response = wsgi.application(environ, lambda *started: found.extend(started))
    content = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    headers = [(name, RANDOM.sub("random", value)) for name, value in found[1]]
    if dict(headers).get("Content-Encoding") == "gzip":  # Django pads it at random
        content = b"gzip"
        headers = [(name, value) for name, value in headers if name != "Content-Length"]
    return found[0], headers, RANDOM.sub("random", content.decode())


def left(sent, lines):
    """What a request returns, records, counts and logs."""
    before = [counted(metric) for metric in COUNTS]
    older = list(Prediction.objects.values_list("pk", flat=True))
    lines.clear()
    answer = asked(sent)
    random = {"id", "latency_ms", "created", "trace_id"}
    rows = [
        {name: value for name, value in model_to_dict(row).items() if name not in random}
        for row in Prediction.objects.exclude(pk__in=older)
    ]
    logged = [
        {name: value for name, value in line.items() if name not in ("latency_ms", "request_id")}
        | {"known": bool(line["request_id"])}
        for line in lines
    ]
    for line in logged:
        line.pop("trace_id", None), line.pop("span_id", None)
    counts = [counted(metric) - number for metric, number in zip(COUNTS, before, strict=True)]
    assert request_id.get() is None
    return answer, rows, counts, logged


def counted(metric):
    samples = (sample for family in metric.collect() for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name.endswith(("_total", "_count")))


@pytest.mark.parametrize("name", [*QUICK, *DJANGO])
def test_it_is_the_same_without_djangos_request(name, lines, requests_made, monkeypatch):
    sent = (QUICK | DJANGO)[name]
    monkeypatch.setattr(wsgi, "quick", Quick())
    answer = left(sent, lines)
    assert bool(requests_made) == (name in DJANGO)
    monkeypatch.setattr(wsgi, "quick", lambda *_: None)
    assert left(sent, lines) == answer
    assert answer[0][0] != "500 Internal Server Error"
    if name in QUICK:
        assert answer[0][0] == "200 OK"
        assert len(answer[1]) == len(answer[3]) == answer[2][0] == 1


@pytest.mark.parametrize("fault", ["history", "forest", "mistake", "mistake afterwards"])
def test_an_error_is_recorded_once_and_worded_by_django(fault, lines, monkeypatch, settings):
    if fault == "history":
        monkeypatch.setattr(services, "record", fail)
    elif fault == "forest":
        monkeypatch.setattr(module.shared, "threads", 0)
        monkeypatch.setattr(services.registry, "live", no_forest)
    elif fault == "mistake":
        monkeypatch.setattr(services, "warnings_of", lambda *_: 1 / 0)
    else:
        monkeypatch.setattr(views, "as_json", lambda *_: 1 / 0)
    monkeypatch.setattr(wsgi, "quick", Quick())
    answer = left(QUICK["coded"], lines)
    monkeypatch.setattr(wsgi, "quick", lambda *_: None)
    assert left(QUICK["coded"], lines) == answer
    assert answer[0][0].startswith("500" if "mistake" in fault else "503")
    assert len(answer[1]) == (fault in ("forest", "mistake afterwards"))


@pytest.mark.parametrize("failing", ["_count", "_log", "log_request"])
def test_what_is_not_counted_or_logged_is_answered(failing, lines, monkeypatch):
    monkeypatch.setattr(middleware, failing, fail)
    monkeypatch.setattr(wsgi, "quick", Quick())
    answer = left(QUICK["coded"], lines)
    assert answer[0][0] == "200 OK"
    assert len(answer[1]) == 1
    monkeypatch.setattr(wsgi, "quick", lambda *_: None)
    assert left(QUICK["coded"], lines) == answer


@pytest.mark.parametrize("name", ["coded", "a value twice"])
def test_the_thread_may_have_answered_a_page(name, lines, monkeypatch):
    """In another language, and elsewhere: that applies to no price, and a price changes no page."""
    monkeypatch.setattr(wsgi, "quick", Quick())
    quick_answer = left((QUICK | DJANGO)[name], lines)
    page = {"PATH_INFO": "/", "HTTP_ACCEPT_LANGUAGE": "pl"}
    title = asked(page)[2].partition("<body")[0]
    with translation.override("pl"):
        set_script_prefix("/elsewhere/")
        assert left((QUICK | DJANGO)[name], lines) == quick_answer
    assert asked(page)[2].partition("<body")[0] == title


def test_the_headers_of_a_retired_version_are_sent(lines, requests_made, monkeypatch):
    ModelVersion.objects.update(retired=timezone.now(), sunset=timezone.now())
    sent = QUICK["a version"]
    monkeypatch.setattr(wsgi, "quick", Quick())
    answer = left(sent, lines)
    assert dict(answer[0][1]).keys() >= {"Deprecation", "Sunset"}
    assert len(answer[1]) == len(answer[3]) == len(requests_made) == 1
    monkeypatch.setattr(wsgi, "quick", lambda *_: None)
    assert left(sent, lines) == answer


def test_the_time_of_an_attempt_is_logged(lines, monkeypatch):
    """As that of a history that is locked for seconds."""
    monkeypatch.setattr(services, "record", lambda *_: time.sleep(0.05) or fail())
    monkeypatch.setattr(wsgi, "quick", Quick())
    asked(QUICK["coded"])
    assert [line["status"] for line in lines] == [503]
    assert lines[0]["latency_ms"] >= 50


def fail(*_):
    raise OperationalError("the disk is full")


def no_forest(scheme):
    raise services.NoLiveForest


PROXY = {
    "SECURE_SSL_REDIRECT": True,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
}
NO_PROXY = {"SECURE_SSL_REDIRECT": True, "SECURE_PROXY_SSL_HEADER": None}


@pytest.mark.parametrize(
    ("installed", "sent", "is_quick"),
    [
        ({"API_ACCESS": "token"}, {}, False),
        ({"API_THROTTLE": (5, 60)}, {}, False),
        ({"CORS_ALLOWED_ORIGINS": ["https://a.example"]}, {}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, {}, False),
        (PROXY, {}, False),
        (PROXY, {"HTTP_X_FORWARDED_PROTO": "http"}, False),
        (PROXY, {"HTTP_X_FORWARDED_PROTO": "http, https"}, False),
        (PROXY, {"HTTP_X_FORWARDED_PROTO": "https"}, True),
        (NO_PROXY, {}, False),
        (NO_PROXY, {"HTTP_X_FORWARDED_PROTO": "https"}, False),
        (NO_PROXY, {"wsgi.url_scheme": "https"}, True),
        ({"SECURE_HSTS_SECONDS": 60}, {}, True),
        ({"FORCE_SCRIPT_NAME": "/diamonds"}, {}, True),
        ({"ALLOWED_HOSTS": ["other.example"]}, {}, False),
        ({"USE_X_FORWARDED_HOST": True}, {}, False),
        ({"LOG_INPUTS": True}, {}, True),
        ({"TRUSTED_PROXIES": 1}, {"HTTP_X_FORWARDED_FOR": "198.51.100.1, 203.0.113.7"}, True),
    ],
)
def test_the_settings_of_an_installation_apply(
    installed, sent, is_quick, settings, lines, requests_made, monkeypatch
):
    for name, value in installed.items():
        setattr(settings, name, value)
    monkeypatch.setattr(wsgi, "site", WSGIHandler())
    monkeypatch.setattr(wsgi, "quick", Quick())
    answer = left(QUICK["coded"] | sent, lines)
    assert bool(requests_made) == (not is_quick)
    if not is_quick:
        return
    monkeypatch.setattr(wsgi, "quick", lambda *_: None)
    assert left(QUICK["coded"] | sent, lines) == answer
    [line], mount = answer[3], settings.FORCE_SCRIPT_NAME or ""
    assert line["path"] == f"{mount}/api/predict"
    assert json.loads(answer[0][2])["url"] == f"{mount}/quotes/random/"
    assert line.get("inputs") == (CODED if settings.LOG_INPUTS else None)
    assert line["client"] == ("203.0.113.7" if settings.TRUSTED_PROXIES else "127.0.0.1")
    assert ("Strict-Transport-Security" in dict(answer[0][1])) == bool(settings.SECURE_HSTS_SECONDS)


@pytest.mark.parametrize("path", ["/diamonds/api/predict", "/api/predict"])
def test_a_proxy_may_pass_on_or_remove_the_mount(path, settings, lines, requests_made, monkeypatch):
    settings.FORCE_SCRIPT_NAME = "/diamonds"
    monkeypatch.setattr(wsgi, "MOUNT", "/diamonds")
    monkeypatch.setattr(wsgi, "quick", Quick())
    answer = left(QUICK["coded"] | {"PATH_INFO": path}, lines)
    assert answer[3][0]["path"] == "/diamonds/api/predict"
    assert not requests_made
    monkeypatch.setattr(wsgi, "quick", lambda *_: None)
    assert left(QUICK["coded"] | {"PATH_INFO": path}, lines) == answer


def test_old_connections_are_checked_except_in_a_workers_main_thread(monkeypatch):
    """Which has none (predictor/history/commits.py)."""
    checked = []
    monkeypatch.setattr(module, "close_old_connections", lambda: checked.append(1))
    monkeypatch.setattr(wsgi, "quick", Quick())
    asked(QUICK["coded"])
    monkeypatch.setattr(module.shared, "in_main_thread", lambda: True)
    monkeypatch.setattr(services, "record", lambda *_: None)
    asked(QUICK["coded"])
    assert checked == [1]


@pytest.mark.parametrize("most", [0, 100])
def test_an_allowed_host_is_checked_once_if_there_is_room_to_remember_it(
    most, monkeypatch, settings
):
    settings.ALLOWED_HOSTS = ["a", "b"]
    monkeypatch.setattr(module, "MOST_HOSTS", most)
    monkeypatch.setattr(wsgi, "quick", Quick())
    found = [asked(QUICK["coded"] | {"HTTP_HOST": host})[0][:3] for host in "abcabc"]
    assert found == ["200", "200", "400"] * 2
    assert wsgi.quick.known_hosts == (set("ab") if most else set())


def test_without_a_host_the_name_of_the_server_is_checked_each_time(monkeypatch):
    monkeypatch.setattr(wsgi, "quick", Quick())
    names = ["localhost", "elsewhere.example", "localhost"]
    found = [asked(QUICK["no host"] | {"SERVER_NAME": name})[0][:3] for name in names]
    assert found == ["200", "400", "200"]
