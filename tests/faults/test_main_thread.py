"""A worker's main thread answers prices, passes all that may wait to others, and never waits itself."""

import gzip
import json
import re
import socket
import sqlite3
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlencode

from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.waiting import PATIENCE, wait_for

from .asking import Visitor, ask
from .conftest import POSTGRES
from .raw_requests import HOST, announced, head, live

STONE = EXAMPLES["coded"][0]
PRICE = f"/api/predict?{urlencode(STONE)}"

PASSED_ON = {
    "a list": {"json": [STONE, STONE]},
    "a compressed body": {
        "data": gzip.compress(json.dumps(STONE).encode()),
        "headers": {"Content-Encoding": "gzip", "Content-Type": "application/json"},
    },
    "a key": {"json": STONE, "headers": {"Idempotency-Key": "order-17"}},
    "a version": {"json": STONE, "params": {"version": 1}},
    "a receipt": {"json": STONE, "params": {"include": "receipt"}},
    "a token": {"json": STONE, "headers": {"Authorization": "Token {token}"}},
}
"""Requests that another thread answers, though their path is that of a price."""


def test_what_is_passed_to_another_thread_is_answered_and_recorded_once(site):
    token = Token.objects.create(user=User.objects.create_user("anna")).key
    with site.server() as server, Visitor(server) as visitor:
        price = visitor.get(PRICE).json()["predicted_price"]
        for what, request in PASSED_ON.items():
            before = Prediction.objects.count()
            headers = {
                name: value.format(token=token)
                for name, value in request.get("headers", {}).items()
            }
            response = visitor.post("/api/predict", **request | {"headers": headers})
            assert response.status_code == 200, what
            answers = response.json() if "list" in what else [response.json()]
            assert [one["predicted_price"] for one in answers] == [price] * len(answers), what
            assert Prediction.objects.count() == before + len(answers), what
    assert set(Prediction.objects.values_list("price", flat=True).distinct().order_by()) == {
        Prediction.objects.first().price
    }


def connected(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def test_clients_that_reset_their_connection_harm_nobody(site):
    """Their prices are being computed or recorded, so that the answers cannot be sent."""
    reset = struct.pack("ii", 1, 0)
    with site.server() as server:
        workers = server.workers()
        for _ in range(100):
            with connected(server) as client:
                client.sendall(head(f"GET {PRICE} HTTP/1.1".encode()))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        assert ask(server, PRICE).status == 200
        assert server.workers() == workers, server.log_text()


def test_many_requests_in_one_piece_are_all_answered(site):
    """They are refused without a record, so that the main thread never stops between them."""
    refused, last = live(method=b"PUT", target=b"/api/predict"), live(b"Connection: close")
    with site.server() as server, connected(server) as client:
        client.sendall(announced() + 1000 * refused + last)
        with client.makefile("rb") as answers:
            found = re.findall(rb"HTTP/1.1 (\d+)", answers.read())
        assert found == [b"200", *[b"405"] * 1000, b"200"], server.log_text()


def test_a_client_is_told_once_to_continue_with_a_list(site):
    body = json.dumps([STONE, STONE]).encode()
    request = announced(body).replace(HOST, HOST + b"Expect: 100-continue\r\nConnection: close\r\n")
    with site.server() as server, connected(server) as client:
        client.sendall(request)
        with client.makefile("rb") as answer:
            assert answer.read().count(b"HTTP/1.1 100 Continue") == 1


if not POSTGRES:

    def test_nothing_else_waits_while_the_history_is_locked(site):
        """By another process: longer than one commit, shorter than a request waits for it."""
        file = site.var / "history.sqlite3"
        with site.server() as server, ThreadPoolExecutor(8) as clients:
            assert ask(server, PRICE).status == 200
            before = Prediction.objects.count()
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                waiting = [clients.submit(ask, server, PRICE) for _ in range(8)]
                for _ in range(5):
                    assert ask(server, "/health/live").status == 200
                assert ask(server, "/api/model").status == 200
                assert not any(one.done() for one in waiting)
                other.execute("COMMIT")
            assert {one.result().status for one in waiting} == {200}
            wait_for(lambda: Prediction.objects.count() == before + 8)
