"""SIGTERM under load: accepted requests are answered and logged, and nothing else is recorded."""

import json
import signal

import pytest

from predictor.models import Prediction
from tests.waiting import PATIENCE, wait_for

from .history import assert_recorded
from .load import Load
from .server import refused


@pytest.mark.parametrize("seed", range(2))
def test_a_graceful_stop_answers_whoever_has_connected_and_refuses_the_rest(site, stones, seed):
    server = site.server(LOG_LEVEL="INFO")
    with server, Load([server.port], stones, seed=seed, longest=100) as load:
        wait_for(lambda: len(load.answers()) > 50)
        assert server.stop() == 0
        load.stop()
    without_answer = [exchange for exchange in load.failed() if exchange.outcome != "refused"]
    # A connection made in the microseconds between the last accept and the close is reset, unrecorded.
    assert len(without_answer) <= 1
    assert {exchange.outcome for exchange in without_answer} <= {"closed"}
    assert_recorded(load.answers())
    assert Prediction.objects.count() == len(load.answers())
    answered = [exchange for exchange in load.exchanges if exchange.outcome == "answered"]
    lines = lines_of_prices(server)
    assert len(lines) == len(answered)
    assert sum(line.get("count", 1) for line in lines) == len(load.answers())


def lines_of_prices(server):
    """The log's lines of the requests for prices."""
    lines = map(json.loads, server.log_text().splitlines())
    return [line for line in lines if line.get("path") == "/api/predict"]


def test_a_request_on_a_kept_connection_is_still_answered_while_the_server_stops(site, stones):
    with site.server() as server, Load([server.port], stones, threads=0) as load:
        client = load.client(server.port)
        assert load.ask(client).status == 200
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refused(server.port))
        last = load.ask(client)
        assert (last.outcome, last.reused) == ("answered", True)
        assert client.connection is None, "the answer does not say that the connection ends"
        assert server.process.wait(PATIENCE) == 0
    assert_recorded(load.answers())
    assert Prediction.objects.count() == len(load.answers())
