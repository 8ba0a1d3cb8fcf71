"""The configured server and gunicorn's own threaded worker give the same answers to the same bytes."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .raw_requests import CASES, LEFT, live

pytestmark = pytest.mark.once

PROBE = live(b"Connection: close", b"X-Probe: last")
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) .*?\r\n\r\n", re.DOTALL)
CONNECTION = re.compile(rb"\r\nConnection: ([a-z-]+)\r\n", re.IGNORECASE)

DELIBERATE = {}
"""{name: reason} of the cases that are answered differently on purpose. There are none: the limits
(413, 414, 431) are settings of gunicorn and the site, so both have them; the deadlines have their
own tests."""


EXPECTED = {
    **dict.fromkeys(["2 MB", "2 MB in chunks", "chunks of a byte"], (200,)),
    **dict.fromkeys(["a byte over 2 MB", "over 2 MB in chunks"], (413,)),
    "continue": (100, 200),
    "body | left": (),
    "GET, then nonsense": (200, 400),
    "line of 9000": (414,),
    **dict.fromkeys(["65 fields", "field of 8191", "head without an end"], (431,)),
    **dict.fromkeys(["length negative", "size no number"], (400,)),
}
"""{name: statuses} of the cases at the limits on the size of a request."""


@dataclass(frozen=True)
class Outcome:
    """The statuses in order, the last answer's Connection header, and whether the connection was kept."""

    statuses: tuple
    announced: str
    kept: bool


def outcome(port, name):
    """The Outcome of a case; the client then sends another request, unless it has closed its
    sending side."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        with suppress(ConnectionError):
            for part in CASES[name]:
                client.sendall(part)
                time.sleep(0.001 if len(CASES[name]) > 1 else 0)
            if name.endswith(LEFT):
                client.shutdown(socket.SHUT_WR)
            else:
                received = client.recv(65536)
                client.sendall(PROBE)
        with suppress(ConnectionError):
            while more := client.recv(65536):
                received += more
    return read(received, name.endswith(LEFT))


def read(received, left):
    """The Outcome of the bytes received, without the answer to the probe."""
    heads = [found[0] for found in ANSWER.finditer(received)]
    statuses = [int(found[1]) for found in ANSWER.finditer(received)]
    final = [place for place, status in enumerate(statuses) if status != 100]
    said = [CONNECTION.search(heads[place]) for place in final]
    words = [found[1].decode().lower() if found else "" for found in said]
    kept = not left and len(words) > 1 and words[-2] == "keep-alive" and statuses[-1] == 200
    if kept:
        statuses, words = statuses[:-1], words[:-1]
    return Outcome(tuple(statuses), words[-1] if words else "", kept)


def outcomes(port):
    with ThreadPoolExecutor(16) as clients:
        return dict(zip(CASES, clients.map(lambda name: outcome(port, name), CASES), strict=True))


def test_every_request_is_answered_as_gunicorns_own_worker_does(site):
    found, rows = {}, {}
    for worker, arguments in (("ours", ""), ("stock", "--worker-class gthread")):
        before = Prediction.objects.count()
        with site.server(GUNICORN_CMD_ARGS=arguments) as server:
            found[worker] = outcomes(server.port)
        rows[worker] = Prediction.objects.count() - before
    ours, stock = found.values()
    differ = {name: (ours[name], stock[name]) for name in CASES if ours[name] != stock[name]}
    assert differ.keys() == DELIBERATE.keys(), "\n".join(map(str, differ.items()))
    assert {name: ours[name].statuses for name in EXPECTED} == EXPECTED
    assert rows["ours"] == rows["stock"] > 0
    for row in Prediction.objects.filter(status=200):
        assert row.features == EXAMPLES["coded"][0]


def test_a_connection_is_kept_or_closed_as_announced(site):
    with site.server() as server:
        found = outcomes(server.port)
    broken = {
        name: what
        for name, what in found.items()
        if not name.endswith(LEFT) and what.kept != (what.announced == "keep-alive")
    }
    assert not broken
