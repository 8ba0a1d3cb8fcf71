"""Clients that send, or read, as slowly as they can hold no other client up."""

import http.client
import json
import socket
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction

STONE = json.dumps(EXAMPLES["coded"][0]).encode()
CROWD, PROMPT = 200, 3
"""How many slow clients there are; seconds within which others are answered all the same: some
hundredths, but on a machine that is busy with other tests; one that waits for the crowd waits 5 or more."""

HEAD = b"GET /api/predict?carat=0.37 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
POST = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
SLOW = {
    "say nothing": (b"", b""),
    "send a head byte by byte": (HEAD, b"a"),
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
    "send half a request after a whole one": (LIVE + b"\r\n" + HEAD, b"a"),
    "announce too large a body": (POST + b"Content-Length: 99999999\r\n\r\n", b""),
    "neither read nor close": (LIVE + b"Connection: close\r\n\r\n", b""),
}


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


def wait_for_a_price(port):
    """Seconds until a price is answered on a new connection."""
    begun = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/api/predict", STONE, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, json.load(response)["model"]["scheme"]) == (200, "coded")
    return time.monotonic() - begun


@pytest.mark.parametrize("what_they_do", SLOW)
def test_a_crowd_of_slow_clients_holds_nobody_up(site, what_they_do):
    with site.server() as server, crowd(server.port, *SLOW[what_they_do]):
        waits = []
        for _ in range(20):
            waits.append(wait_for_a_price(server.port))
            time.sleep(0.2)
    assert max(waits) < PROMPT
    assert Prediction.objects.filter(status=200).count() == len(waits)
