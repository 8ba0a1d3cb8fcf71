"""Clients that ask for prices without a pause and keep every answer; used by the fault tests."""

import http.client
import itertools
import json
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.waiting import PATIENCE

HEADERS = {"Content-Type": "application/json"}
_count = itertools.count(1)


@dataclass
class Exchange:
    """One request and its outcome.

    outcome: "answered" (a complete response), "refused" (no connection), "closed" (before the first
    byte of a response), "cut" (in the middle of a response) or "late" (after PATIENCE seconds).
    """

    kind: str
    stones: list
    port: int
    begun: float
    reused: bool
    ended: float = 0.0
    outcome: str = ""
    status: int = 0
    content: object = None

    @property
    def seconds(self):
        return self.ended - self.begun

    @property
    def answers(self):
        """[(stone as sent, answer), …] if the request was priced, else empty."""
        if self.status != 200:
            return []
        answers = self.content if isinstance(self.content, list) else [self.content]
        return list(zip(self.stones, answers, strict=True))


@dataclass
class Load:
    """Threads that each keep a connection; no stone is sent twice.

    ports: the servers to ask, in turn; stones: {scheme: [features, …]}. Each request takes some of
    them and makes each slightly heavier, so that a stone's weight identifies its request.
    """

    ports: list
    stones: dict
    threads: int = 6
    seed: int = 2022
    longest: int = 8
    exchanges: list = field(default_factory=list)
    clients: list = field(default_factory=list)

    def __post_init__(self):
        self._over = threading.Event()
        self._choose = random.Random(self.seed)
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(self.threads)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info):
        self.stop()

    def stop(self):
        """Lets every client finish its request and checks that all threads have ended."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)
            assert not thread.is_alive(), "a client got neither an answer nor an error"
        for client in self.clients:
            client.close()

    def client(self, port):
        """A new client of a server, closed when the load stops."""
        self.clients.append(Client(port))
        return self.clients[-1]

    def answers(self):
        """[(stone as sent, answer), …] of all complete answers."""
        return [pair for exchange in list(self.exchanges) for pair in exchange.answers]

    def failed(self):
        """The exchanges that were not priced."""
        return [exchange for exchange in list(self.exchanges) if exchange.status != 200]

    def ask(self, client, scheme="coded"):
        """Sends one more GET with the caller's client, and keeps its exchange too."""
        return self._remembered(client.exchange(scheme, [self._stone(self._choose, scheme)]))

    def _run(self, number):
        choose = random.Random(f"{self.seed} {number}")
        client = self.client(self.ports[number % len(self.ports)])
        while not self._over.is_set():
            exchange = self._remembered(client.exchange(*self._request(choose)))
            if exchange.outcome == "refused":
                time.sleep(0.01)

    def _remembered(self, exchange):
        self.exchanges.append(exchange)
        return exchange

    def _request(self, choose):
        """(kind, stones): a GET of either scheme, a POST of one stone, or of a list of both schemes."""
        kind = choose.choice(["coded", "graded", "one", "list"])
        if kind == "list":
            return kind, [self._stone(choose) for _ in range(choose.randint(1, self.longest))]
        return kind, [self._stone(choose, kind if kind in self.stones else None)]

    def _stone(self, choose, scheme=None):
        stone = dict(choose.choice(self.stones[scheme or choose.choice(list(self.stones))]))
        return {**stone, "carat": round(stone["carat"] + next(_count) * 1e-8, 8)}


class Client:
    """One keep-alive connection, reopened after it was closed."""

    def __init__(self, port):
        self.port = port
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def exchange(self, kind, stones):
        """Sends one request and returns its Exchange."""
        exchange = Exchange(kind, stones, self.port, time.monotonic(), self.connection is not None)
        exchange.outcome = self._outcome(exchange)
        exchange.ended = time.monotonic()
        if exchange.outcome != "answered":
            self.close()
        return exchange

    def _outcome(self, exchange):
        try:
            if self.connection is None:
                self._connect()
        except OSError:
            return "refused"
        try:
            self._send(exchange)
            begun = self.connection.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return "late"
        except OSError:
            return "closed"
        return self._received(exchange) if begun else "closed"

    def _connect(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.connection.connect()

    def _send(self, exchange):
        if exchange.kind in ("coded", "graded"):
            self.connection.request("GET", f"/api/predict?{urlencode(exchange.stones[0])}")
        else:
            content = exchange.stones if exchange.kind == "list" else exchange.stones[0]
            self.connection.request("POST", "/api/predict", json.dumps(content), HEADERS)

    def _received(self, exchange):
        try:
            response = self.connection.getresponse()
            content = response.read()
        except TimeoutError:
            return "late"
        except (OSError, http.client.HTTPException):
            return "cut"
        exchange.status, exchange.content = response.status, _parsed(content)
        if response.will_close:
            self.close()
        return "answered"


def _parsed(content):
    try:
        return json.loads(content)
    except ValueError:
        return content
