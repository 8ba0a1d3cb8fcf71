"""Bodies in very many chunks: valid, but expensive to join."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from predictor.models import Prediction

from .raw_requests import chunked

pytestmark = pytest.mark.once

ATTACK = chunked(b"1\r\n \r\n" * 300_000 + b"0\r\n\r\n")
"""1.8 MB on the network, a body of 300,000 bytes."""

ATTACKERS = 8
"""One for each thread of the two workers."""


def attack(port):
    """The status of the answer to an attack."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        client.sendall(ATTACK)
        return client.recv(65536).split()[1]


def test_bodies_of_hundreds_of_thousands_of_chunks_do_not_stop_the_service(site):
    with site.server() as server, ThreadPoolExecutor(ATTACKERS) as pool:
        attacks = [pool.submit(attack, server.port) for _ in range(ATTACKERS)]
        alive = [server.status_of("/health/live")]
        while not all(one.done() for one in attacks):
            alive.append(server.status_of("/health/live"))
        assert set(alive) == {200}
        assert [one.result() for one in attacks] == [b"400"] * ATTACKERS
        assert len(server.workers()) == 2
    # A processor that joins such a body within WORK refuses its content: 300,000 blanks.
    assert not Prediction.objects.exclude(status=400).exists()
