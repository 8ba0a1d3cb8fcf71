"""Connections opened at once, like the pool of a proxy, are shared among the workers."""

import http.client
from collections import Counter
from statistics import median

import pytest

from tests.waiting import wait_for

pytestmark = pytest.mark.once

MANY, TIMES = 24, 9


def all_of(workers):
    """The workers, if all are known."""
    return workers if all(workers) else None


def shares_of(server):
    """How many of MANY connections, opened at once, each worker accepts, smallest first."""
    pool = [http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(MANY)]
    try:
        for connection in pool:
            connection.connect()
        workers = wait_for(lambda: all_of(list(map(server.worker_of, pool))))
        return sorted(Counter(workers).values())
    finally:
        for connection in pool:
            connection.close()


def test_each_worker_takes_its_share_of_connections_that_come_at_once(site):
    with site.server() as server:
        wait_for(lambda: len(shares_of(server)) == 2)  # both workers have started
        fewest = [shares_of(server)[0] for _ in range(TIMES)]
    # A worker that gets no processor time accepts fewer, so the median of several tries counts.
    assert median(fewest) >= MANY // 4, fewest
