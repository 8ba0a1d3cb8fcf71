"""API_THROTTLE: a number of requests per client, counted over all workers; its failure costs no price."""

import logging
import re
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from statistics import median
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.core import checks
from django.core.cache import caches
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import APIException, AuthenticationFailed

from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.web import access
from predictor.web.exceptions import TooManyRequests
from tests.posting import post
from tests.waiting import PATIENCE, wait_for

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
pytestmark = pytest.mark.once
REDIS_SERVER = shutil.which("redis-server")


@pytest.fixture
def three_a_minute(db, live_models, settings):
    settings.API_THROTTLE = (3, 60)


def statuses(ask, times):
    return [ask().status_code for _ in range(times)]


@pytest.mark.usefixtures("three_a_minute")
class TestRequests:
    def test_one_too_many_is_refused_with_when_to_come_again_and_not_recorded(self, client):
        assert statuses(lambda: client.get("/api/predict", CODED), 3) == [200] * 3
        response = client.get("/api/predict", CODED)
        assert response.status_code == 429
        assert 0 < int(response["Retry-After"]) <= 60
        assert response["Content-Type"] == "application/json"
        assert response.json() == {"detail": "Too many requests. Try again later."}
        assert Prediction.objects.count() == 3

    def test_every_request_to_the_api_counts_the_refused_ones_too(self, client):
        asked = [
            client.get("/api/predict", CODED),
            client.get("/api/predict", {"carat": "x"}),
            client.get("/api/model"),
            client.get("/api/model"),
        ]
        assert [response.status_code for response in asked] == [200, 400, 200, 429]

    def test_a_list_of_a_thousand_stones_is_one_request(self, client):
        assert post(client, [CODED] * 1000).status_code == 200
        assert statuses(lambda: client.get("/api/predict", CODED), 3) == [200, 200, 429]
        assert Prediction.objects.count() == 1002

    @pytest.mark.parametrize(
        ("proxies", "clients"),
        [
            (0, [{"REMOTE_ADDR": one} for one in ("10.0.0.1", "10.0.0.2", "2001:db8::1")]),
            (
                1,
                [
                    {"headers": {"x-forwarded-for": f"1.1.1.1, {one}"}}
                    for one in ("203.0.113.1", "203.0.113.2")
                ],
            ),
        ],
        ids=["direct", "behind a proxy"],
    )
    def test_each_address_is_counted_for_itself(self, client, settings, proxies, clients):
        settings.TRUSTED_PROXIES = proxies
        for one in clients:
            got = statuses(lambda c=one: client.get("/api/predict", CODED, **c), 4)
            assert got == [200, 200, 200, 429]

    def test_a_token_is_counted_by_its_user_wherever_that_asks_from(self, client, settings):
        settings.API_ACCESS = "token"
        for name in ("anna", "ben"):
            token = Token.objects.create(user=User.objects.create_user(name))
            headers, addresses = {"authorization": f"Token {token.key}"}, iter(range(1, 9))
            got = statuses(
                lambda h=headers, a=addresses: client.get(
                    "/api/predict", CODED, headers=h, REMOTE_ADDR=f"10.0.0.{next(a)}"
                ),
                4,
            )
            assert got == [200, 200, 200, 429]
            assert Prediction.objects.filter(client=name).count() == 3

    @pytest.mark.parametrize(
        "header", [{}, {"authorization": "Token no"}, {"authorization": "Token"}]
    )
    def test_who_is_turned_away_is_counted_too_by_its_address(self, client, settings, header):
        settings.API_ACCESS = "token"
        token = Token.objects.create(user=User.objects.create_user("anna"))
        right = {"authorization": f"Token {token.key}"}
        ask = partial(client.get, "/api/predict", CODED)
        assert statuses(lambda: ask(headers=header), 5) == [401, 401, 401, 429, 429]
        refused = ask(headers=header)
        assert 0 < int(refused["Retry-After"]) <= 60
        assert refused.json() == {"detail": "Too many requests. Try again later."}
        assert ask(headers=right).status_code == 429, "a key that was found by trying would show"
        assert ask(headers=right, REMOTE_ADDR="10.0.0.9").status_code == 200
        assert Prediction.objects.count() == 1

    def test_over_the_limit_no_token_is_looked_up(
        self, client, settings, django_assert_num_queries
    ):
        settings.API_ACCESS = "token"
        wrong = {"authorization": f"Token {'0' * 40}"}
        with django_assert_num_queries(3):
            statuses(lambda: client.get("/api/predict", CODED, headers=wrong), 6)

    def test_a_right_token_does_not_count_as_turned_away(self, client, settings):
        settings.API_ACCESS = "token"
        for name in ("anna", "ben", "eve"):
            token = Token.objects.create(user=User.objects.create_user(name))
            headers = {"authorization": f"Token {token.key}"}
            got = statuses(lambda h=headers: client.get("/api/predict", CODED, headers=h), 3)
            assert got == [200] * 3

    def test_the_form_is_counted_with_the_api_and_refused_by_a_page(self, client):
        form = {**GRADED, "scheme": "graded"}
        assert statuses(lambda: client.get("/api/predict", CODED), 2) == [200, 200]
        assert client.post("/", form).status_code == 302
        refused = client.post("/", form, headers={"accept-language": "pl"})
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 60
        assert "Zbyt wiele żądań. Spróbuj ponownie później." in refused.text
        assert '<span class="over">429</span>' in refused.text
        assert Prediction.objects.count() == 3

    def test_pages_docs_and_health_are_not_counted(self, client):
        for path in ("/", "/api/docs", "/api/schema", "/health/live", "/health/ready"):
            assert statuses(lambda p=path: client.get(p), 5) == [200] * 5
        assert client.get("/api/predict", CODED).status_code == 200

    def test_a_new_period_begins_with_the_clients_next_request(self, client, settings, monkeypatch):
        settings.API_THROTTLE = (1, 60)
        assert statuses(lambda: client.get("/api/predict", CODED), 2) == [200, 429]
        later = time.time() + 61
        monkeypatch.setattr(time, "time", lambda: later)
        assert statuses(lambda: client.get("/api/predict", CODED), 2) == [200, 429]


@pytest.fixture
def redis_server(settings, tmp_path):
    """Starts a Redis for the test and configures it as the cache; its process."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            REDIS_SERVER,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(tmp_path),
        ],
        stdout=subprocess.DEVNULL,
    )
    settings.CACHES = caches_at(port, PATIENCE)
    try:
        wait_for(lambda: listens(port))
        yield process
    finally:
        process.kill()
        process.wait()


def caches_at(port, seconds):
    """CACHES with a Redis at this port and this timeout in seconds."""
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{port}/0",
            "OPTIONS": {"socket_connect_timeout": seconds, "socket_timeout": seconds},
        }
    }


@pytest.fixture
def hanging(settings, redis_server):
    """The same Redis when it no longer answers, with a short timeout."""
    port = int(settings.CACHES["default"]["LOCATION"].split(":")[-1].split("/")[0])
    settings.CACHES = caches_at(port, 0.5)
    redis_server.send_signal(signal.SIGSTOP)
    return redis_server


def listens(port):
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True


@pytest.mark.skipif(REDIS_SERVER is None, reason="redis-server is not installed")
class TestRedis:
    def test_workers_share_one_exact_count(self, settings, redis_server):
        settings.API_THROTTLE = (100, 60)

        def let_in(_):
            try:
                access.Throttle().count("address:10.0.0.1")
            except TooManyRequests:
                return 0
            return 1

        with ThreadPoolExecutor(8) as workers:
            assert sum(workers.map(let_in, range(300))) == 100

    def test_wrong_tokens_are_counted_exactly_however_many_come_at_once(
        self, settings, redis_server, rf, monkeypatch
    ):
        settings.API_THROTTLE, settings.API_ACCESS = (20, 60), "token"

        monkeypatch.setattr(
            TokenAuthentication, "authenticate_credentials", Mock(side_effect=AuthenticationFailed)
        )

        def status(_):
            try:
                access.TokenAccess().authenticate(
                    rf.get("/", headers={"authorization": "Token wrong"})
                )
            except APIException as error:
                return error.status_code

        with ThreadPoolExecutor(8) as workers:
            got = list(workers.map(status, range(60)))
        assert (got.count(401), got.count(429)) == (20, 40)

    def test_what_is_counted_is_forgotten_with_its_period(self, settings, redis_server):
        settings.API_THROTTLE = (1, 60)
        access.throttle.count("address:10.0.0.1")
        client = caches["default"]._cache.get_client()
        keys = client.keys()
        assert len(keys) == 2
        assert all(0 < client.ttl(key) <= 120 for key in keys)

    def test_requests_are_answered_where_redis_goes_away_and_the_log_says_so(
        self, client, three_a_minute, redis_server, caplog, monkeypatch
    ):
        monkeypatch.setattr(logging.getLogger("predictor.web.access"), "disabled", False)
        monkeypatch.setattr(access.throttle, "rest", PATIENCE)
        assert statuses(lambda: client.get("/api/predict", CODED), 4) == [200, 200, 200, 429]
        redis_server.kill()
        redis_server.wait()
        with caplog.at_level("WARNING", "predictor.web.access"):
            assert statuses(lambda: client.get("/api/predict", CODED), 5) == [200] * 5
        assert Prediction.objects.count() == 8
        [line] = [r.getMessage() for r in caplog.records if r.name == "predictor.web.access"]
        assert line.startswith(f"requests are not counted for {PATIENCE} s: the cache failed: ")

    def test_a_redis_that_hangs_holds_one_request_up_for_a_moment_and_no_other(
        self, client, three_a_minute, hanging
    ):
        first, *others = [seconds_of_an_answer(client) for _ in range(9)]
        assert median(others) < first
        assert Prediction.objects.count() == 9

    def test_requests_are_counted_again_once_redis_is_back(self, client, three_a_minute, hanging):
        assert client.get("/api/predict", CODED).status_code == 200
        hanging.send_signal(signal.SIGCONT)

        def counted_and_over():
            access.throttle._asleep_until = 0
            return client.get("/api/predict", CODED).status_code == 429

        wait_for(counted_and_over)


def seconds_of_an_answer(client):
    begun = time.monotonic()
    assert client.get("/api/predict", CODED).status_code == 200
    return time.monotonic() - begun


def found(number):
    return [issue for issue in checks.run_checks() if issue.id == f"predictor.{number}"]


@pytest.mark.parametrize(
    ("throttle", "workers", "backend", "warned"),
    [
        ((600, 60), 2, "locmem.LocMemCache", True),
        ((600, 60), 1, "locmem.LocMemCache", False),
        ((600, 60), 2, "redis.RedisCache", False),
        (None, 2, "locmem.LocMemCache", False),
    ],
)
def test_w001_warns_of_a_throttle_that_each_worker_counts_for_itself(
    settings, throttle, workers, backend, warned
):
    settings.API_THROTTLE, settings.WORKERS = throttle, workers
    settings.CACHES = {
        "default": {
            "BACKEND": f"django.core.cache.backends.{backend}",
            "LOCATION": "redis://127.0.0.1:1/0" if "redis" in backend else "",
        }
    }
    assert len(found("W001")) == warned
    if warned:
        assert "REDIS_URL" in found("W001")[0].hint


@pytest.mark.parametrize(
    ("https", "proxies", "warned"), [(True, 0, True), (True, 1, False), (False, 0, False)]
)
def test_w002_warns_of_a_proxy_whose_address_everyone_would_have(settings, https, proxies, warned):
    settings.BEHIND_HTTPS, settings.TRUSTED_PROXIES = https, proxies
    assert len(found("W002")) == warned
    if warned:
        assert "TRUSTED_PROXIES" in found("W002")[0].hint


@pytest.mark.usefixtures("three_a_minute")
class TestHeaders:
    def test_each_answer_says_how_many_requests_are_left(self, client):
        answers = [client.get("/api/predict", CODED) for _ in range(4)]
        answers += [client.get("/api/model")]
        assert {one["RateLimit-Policy"] for one in answers} == {'"requests";q=3;w=60'}
        left = [re.fullmatch(r'"requests";r=(\d);t=(\d+)', one["RateLimit"]) for one in answers]
        assert [found[1] for found in left] == ["2", "1", "0", "0", "0"]
        assert all(0 < int(found[2]) <= 60 for found in left)
        assert answers[3]["Retry-After"] == left[3][2]

    def test_a_refused_stone_and_a_list_have_them_too(self, client):
        assert client.get("/api/predict", {"carat": "x"})["RateLimit"].startswith('"requests";r=2')
        assert post(client, [CODED])["RateLimit"].startswith('"requests";r=1')

    def test_without_a_limit_there_are_none(self, client, settings):
        settings.API_THROTTLE = None
        assert not {"RateLimit", "RateLimit-Policy"} & {*client.get("/api/predict", CODED).headers}
