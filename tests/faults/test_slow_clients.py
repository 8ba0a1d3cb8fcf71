"""Clients that send, or read, as slowly as they can hold no other client up."""

import http.client
import json
import socket
import statistics
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .proxy import proxied

pytestmark = pytest.mark.once

STONE = json.dumps(EXAMPLES["coded"][0]).encode()
CROWD = 200

HEAD = b"GET /api/predict?carat=0.37 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
POST = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
NO_BODY = {
    "say nothing": (b"", b""),
    "send a head byte by byte": (HEAD, b"a"),
    "send half a request after a whole one": (LIVE + b"\r\n" + HEAD, b"a"),
    "keep a connection": (LIVE + b"\r\n", b""),
    "announce too large a body": (POST + b"Content-Length: 99999999\r\n\r\n", b""),
    "neither read nor close": (LIVE + b"Connection: close\r\n\r\n", b""),
}
BODY = {
    "send a body byte by byte": (POST + b"Content-Length: 1000\r\n\r\n{", b" "),
    "send chunks byte by byte": (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1"),
    "send what looks like the last chunk": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n100\r\n0\r\n\r\n",
        b"",
    ),
    "give a length with many zeros": (
        POST + b"Content-Length: " + b"0" * 20 + b"100\r\n\r\n{",
        b"",
    ),
}
"""What a thread waits for: a proxy in front takes such bodies in."""


@contextmanager
def crowd(port, opening, drip):
    """Many clients that open with some bytes, then send a few each second."""
    done = threading.Event()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            for _ in range(CROWD)
        ]
        thread = threading.Thread(target=keep_sending, args=(clients, opening, drip, done))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def keep_sending(clients, opening, drip, done):
    """Sends the opening, then the drip each second; the server may hang up on who is too slow."""
    data = opening
    while not done.wait(1):
        for client in clients:
            with suppress(OSError):
                client.sendall(data)
        data = drip


def wait_for_a_price(port, patience=60):
    """Seconds until a price is answered on a new connection."""
    begun = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patience)) as connection:
        connection.request("POST", "/api/predict", STONE, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, json.load(response)["model"]["scheme"]) == (200, "coded")
    return time.monotonic() - begun


def waits_of(port):
    """Seconds that prices took, one after the other."""
    waits = []
    for _ in range(20):
        waits.append(wait_for_a_price(port))
        time.sleep(0.1)
    return waits


def assert_nobody_is_held_up(port, what_they_do):
    """Who waits for one of the crowd waits for seconds: many times the longest wait in calm."""
    calm = waits_of(port)
    with crowd(port, *what_they_do):
        waits = waits_of(port)
    assert statistics.median(waits) < 10 * max(calm)
    assert Prediction.objects.filter(status=200).count() == len(calm + waits)


@pytest.mark.parametrize("what_they_do", NO_BODY)
def test_a_crowd_of_slow_clients_holds_nobody_up(site, what_they_do):
    with site.server() as server:
        assert_nobody_is_held_up(server.port, NO_BODY[what_they_do])


@pytest.mark.parametrize("what_they_do", NO_BODY | BODY)
def test_behind_the_proxy_no_slow_client_at_all_does(site, tmp_path, what_they_do):
    with site.server() as server, proxied(server, tmp_path) as port:
        assert_nobody_is_held_up(port, (NO_BODY | BODY)[what_they_do])


def test_a_head_or_body_that_does_not_come_to_an_end_is_given_up(site):
    """The deadlines: gunicorn's own worker would wait for ever."""
    with site.server() as server, ExitStack() as stack:
        for opening, _ in (NO_BODY["send a head byte by byte"], *BODY.values()):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 120))
            client.sendall(opening)
            stack.callback(lambda client=client: assert_ended(client))
    assert not Prediction.objects.exists()


def assert_ended(client):
    """That the server ends the connection, without an answer."""
    with suppress(ConnectionError):
        assert client.recv(100) == b""
