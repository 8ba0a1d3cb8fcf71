"""Connections opened at once, like the pool of a proxy, are shared among the workers."""

import time
from collections import Counter
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from statistics import median

import pytest

from tests.waiting import wait_for

pytestmark = pytest.mark.once

MANY, TIMES, LOOKS = 24, 9, 10


def shares_of(server):
    """How many of MANY connections, opened at once, each worker accepts, smallest first. None if not
    all are seen with a worker: the server closes those that send no request within 10 s."""
    with ExitStack() as stack:
        pool = [HTTPConnection("127.0.0.1", server.port) for _ in range(MANY)]
        for connection in pool:
            stack.enter_context(closing(connection)).connect()
        for _ in range(LOOKS):
            workers = server.workers_of(pool)
            if all(workers):
                return sorted(Counter(workers).values())
            time.sleep(0.02)
    return None


def test_each_worker_takes_its_share_of_connections_that_come_at_once(site):
    with site.server() as server:
        wait_for(lambda: len(shares_of(server) or ()) == 2)  # both workers have started
        fewest = [wait_for(lambda: shares_of(server))[0] for _ in range(TIMES)]
    # A worker that gets no processor time accepts fewer, so the median of several tries counts.
    assert median(fewest) >= MANY // 4, fewest
