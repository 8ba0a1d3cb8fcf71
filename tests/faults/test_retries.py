"""Clients that give up and retry with an Idempotency-Key, while workers are killed: one record each."""

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from urllib.parse import urlencode
from uuid import UUID

from predictor.models import IdempotencyKey, Prediction
from tests.waiting import PATIENCE, wait_for

REQUESTS = int(os.environ.get("RETRIED_REQUESTS", "200"))
THREADS, KILLS = 5, 5


class Retrying(threading.Thread):
    """A client that sends each request until it has an answer, and often leaves before that.

    answers: {key: [(status, body) of each complete answer]}.
    """

    def __init__(self, port, stones, seed):
        super().__init__(daemon=True)
        self.port, self.stones, self.choose = port, stones, random.Random(seed)
        self.answers, self.given_up = {}, 0

    def run(self):
        for number, stone in enumerate(self.stones):
            key = f"{self.name}-{number}"
            complete = self.answers[key] = []
            for _ in range(self.choose.randint(0, 2)):
                self.give_up(key, stone)
            while not complete or complete[-1][0] != 200:
                self.ask(key, stone)
            self.ask(key, stone)

    def give_up(self, key, stone):
        """Sends a request and leaves, usually before the answer has come."""
        with suppress(OSError), closing(self.connection()) as connection:
            self.send(connection, key, stone)
            time.sleep(self.choose.uniform(0, 0.008))
            self.given_up += 1

    def ask(self, key, stone):
        """Sends a request and adds its answer, if one comes."""
        try:
            with closing(self.connection()) as connection:
                self.send(connection, key, stone)
                response = connection.getresponse()
                self.answers[key].append((response.status, response.read()))
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def send(self, connection, key, stone):
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        if key.endswith(("1", "4", "7")):
            connection.request("POST", "/api/predict", json.dumps(stone), headers)
        else:
            connection.request("GET", f"/api/predict?{urlencode(stone)}", headers=headers)


def test_requests_that_are_cut_and_sent_again_leave_one_record_each(site, stones):
    choose = random.Random(30)
    sent = [distinct(choose.choice(stones["graded"]), place) for place in range(REQUESTS)]
    with site.server() as server:
        clients = [Retrying(server.port, sent[n::THREADS], n) for n in range(THREADS)]
        for client in clients:
            client.start()
        for _ in range(KILLS):
            kill_some(server, choose, clients)
        for client in clients:
            client.join(4 * PATIENCE)
            assert not client.is_alive()
    answers = {key: some for client in clients for key, some in client.answers.items()}
    assert len(answers) == REQUESTS
    assert sum(client.given_up for client in clients) > REQUESTS / 2
    assert_once(answers, sent)


def distinct(stone, place):
    """The stone, slightly heavier than all others."""
    return {**stone, "carat": round(stone["carat"] + place * 1e-7, 8)}


def kill_some(server, choose, clients):
    """Kills one worker or both at a random moment while requests are sent."""
    time.sleep(choose.uniform(0.05, 0.3))
    workers = wait_for(server.workers, server.log_text)
    if any(client.is_alive() for client in clients):
        server.kill(*choose.sample(workers, choose.randint(1, len(workers))))


def assert_once(answers, sent):
    """Each request has one record, and all its complete answers are the same bytes, with its id."""
    ids = set()
    for some in answers.values():
        bodies = {body for status, body in some if status == 200}
        assert {status for status, _ in some} <= {200, 503}
        [body] = bodies
        ids.add(UUID(json.loads(body)["id"]))
    rows = Prediction.objects.values_list("id", "carat")
    assert len(rows) == IdempotencyKey.objects.count() == REQUESTS
    assert {id_ for id_, _ in rows} == ids
    assert Counter(carat for _, carat in rows) == Counter(stone["carat"] for stone in sent)
