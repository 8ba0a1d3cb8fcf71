"""The database is unavailable: 503 with the reason, nothing half written, and recovery without a
restart."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlencode
from uuid import UUID

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.waiting import PATIENCE, wait_for

from .asking import ask
from .outages import BEFORE_THE_START, OUTAGES, installed

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
HEAVY = EXAMPLES["coded"][1]
LIST = [CODED, GRADED] * 350 + [HEAVY] * 300
PRICE = f"/api/predict?{urlencode(CODED)}"


@pytest.fixture
def installation(pages):
    """A site with its pages, on a database that can be taken away."""
    with installed(pages) as installation:
        yield installation


def ask_at_once(server, *requests):
    """The Reply to each (path, content), all sent at once."""
    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(lambda request: ask(server, *request), requests))


def given_by_each_worker(server):
    """Prices from every worker: each has then opened all that it writes to."""
    answers, workers = [], set()

    def all_have_answered():
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
            connection.request("GET", PRICE)
            answers.append(json.loads(connection.getresponse().read()))
            workers.add(server.worker_of(connection))
        return set(server.workers()) <= workers

    wait_for(all_have_answered, server.log_text)
    return answers


def assert_unavailable(reply, kind="application/json"):
    assert (reply.status, reply.headers["Retry-After"]) == (503, "2")
    assert reply.headers["Content-Type"].startswith(kind)
    assert b"predicted_price" not in reply.body
    return reply


def assert_no_prices(server, reads, quote):
    """Every way to get a price answers 503 with the reason; the process itself is alive."""
    *priced, page, ready, live = ask_at_once(
        server,
        (PRICE,),
        ("/api/predict", GRADED),
        ("/api/predict", LIST),
        ("/api/predict?carat=x",),
        (quote,),
        ("/health/ready",),
        ("/health/live",),
    )
    for reply in priced:
        assert assert_unavailable(reply).content.keys() == {"detail"}
    told = assert_unavailable(ready).content
    assert told["status"] == "not ready"
    assert told["database"] in ("does not answer", "cannot be written")
    assert live.status == 200
    if reads or page.status != 200:
        shown = assert_unavailable(page, "text/html")
        assert b"The database is not available" in shown.body


def well_again(server):
    """Waits until every worker answers again; returns the prices answered meanwhile."""
    answers = []

    def all_well():
        replies = [ask(server, path) for path in ("/health/ready", PRICE) * 4]
        well = [reply.content for reply in replies if reply.status == 200]
        answers.extend(content for content in well if "id" in content)
        return len(well) == len(replies)

    wait_for(all_well, server.log_text)
    return answers


@pytest.mark.parametrize("outage", OUTAGES)
def test_while_the_database_is_away_no_price_leaves_and_none_is_half_recorded(installation, outage):
    take_away, reads = OUTAGES[outage]
    with installation.server() as server:
        given = given_by_each_worker(server)
        with take_away(installation, server):
            assert_no_prices(server, reads, given[0]["url"])
        given += well_again(server)
        many = ask(server, "/api/predict", LIST)
        assert many.status == 200
        given += many.content
        recorded = Prediction.objects.in_bulk([UUID(answer["id"]) for answer in given])
        assert len(recorded) == len(given)
        for answer in given:
            assert recorded[UUID(answer["id"])].predicted_price == answer["predicted_price"]
        more = Prediction.objects.exclude(pk__in=recorded)
        # During "silent" the database may get a request although its answer never arrives.
        assert more.count() <= (3 if outage == "silent" else 0)
        assert not more.filter(source="batch").exists()


def test_a_server_that_starts_without_its_database_serves_when_that_comes(installation):
    server = installation.server()
    with ExitStack() as stack:
        with BEFORE_THE_START(installation, server):
            stack.enter_context(server.begun())
            wait_for(lambda: server.status_of("/health/live") == 200, server.log_text)
            assert_unavailable(ask(server, PRICE))
            ready = assert_unavailable(ask(server, "/health/ready"))
            assert ready.content["missing_forests"] == ["coded", "graded"]
        answers = well_again(server)
    assert Prediction.objects.count() == len(answers) > 0
