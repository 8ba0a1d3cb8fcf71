"""Which connections a worker closes when it buffers too much, and which request gets a thread next."""

from collections import deque
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from diamondsite.worker import PatientWorker, body_kept, unread


def connection(body=0, spooled=0, timeout=None):
    body = SimpleNamespace(held=body) if body else None
    return SimpleNamespace(body=body, sock=SimpleNamespace(spooled=spooled), timeout=timeout)


def left(most, size, *connections, queue=()):
    """The connections that are left, by index."""
    worker = SimpleNamespace(pending_conns=list(connections), queue=list(queue))
    worker.end = lambda conn: (
        worker.queue if conn in worker.queue else worker.pending_conns
    ).remove(conn)
    PatientWorker.keep_within(worker, most, size)
    everybody = [*connections, *queue]
    return [
        place
        for place, conn in enumerate(everybody)
        if conn in [*worker.pending_conns, *worker.queue]
    ]


@pytest.mark.parametrize(
    ("most", "remain"), [(60, [0, 1, 2, 3]), (59, [0, 1, 3]), (29, [0, 1]), (9, [0])]
)
def test_the_largest_bodies_end_first_also_those_that_wait_for_their_turn(most, remain):
    bodies = [connection(), connection(10, timeout=1), connection(30, timeout=9)]
    assert left(most, body_kept, *bodies, queue=[connection(20)]) == remain


@pytest.mark.parametrize(
    ("most", "remain"), [(60, [0, 1, 2, 3]), (59, [0, 2, 3]), (49, [0, 3]), (19, [0])]
)
def test_the_answers_end_first_that_were_not_read_for_longest(most, remain):
    answers = [connection(), connection(spooled=10, timeout=1), connection(spooled=30, timeout=2)]
    assert left(most, unread, *answers, connection(spooled=20, timeout=3)) == remain


def request(number, large=False, is_long=False):
    body = SimpleNamespace(large=large)
    return Mock(number=number, body=body, is_long=is_long)


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 1), (4, 2), (8, 4)])
def test_only_half_of_the_threads_work_on_lists_and_exports(threads, most):
    given = []
    worker = SimpleNamespace(
        cfg=SimpleNamespace(threads=threads),
        long=set(),
        queue=deque(),
        submit=given.append,
        pass_to_thread=given.append,
    )
    worker.take_turns = lambda *conns: PatientWorker.take_turns(worker, *conns)
    long = [request(number, large=number % 2, is_long=True) for number in range(8)]
    worker.take_turns(*long, request(8))
    assert {conn.number for conn in given} == {*range(most), 8}
    assert [conn.number for conn in worker.queue] == [*range(most, 8)]
