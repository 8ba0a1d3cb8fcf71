"""Versions are activated under load, several times: no request fails, waits, or is answered by
two versions."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

import pytest

from ml.stones import SCHEMES
from predictor.models import ModelVersion
from predictor.versions.activation import activate
from tests.waiting import wait_for

from .history import assert_recorded
from .load import Load

SWAPS = 6
CALM, AFTER = 1.0, 0.25
"""Seconds before each activation, and after all workers follow, for which waits are compared."""

SLOW, TIMES_SLOWER = 0.25, 3


@dataclass
class Swap:
    """An activation: its version, when it began, when the last worker was seen to follow."""

    version: ModelVersion
    begun: float
    followed: float


@pytest.mark.parametrize(
    "servers", [1, pytest.param(2, marks=pytest.mark.postgresql)], ids=["one_server", "two_servers"]
)
def test_every_worker_follows_a_swap_and_no_request_feels_it(servers, site, stones):
    with ExitStack() as stack:
        running = [stack.enter_context(site.server()) for _ in range(servers)]
        load = stack.enter_context(Load([server.port for server in running], stones))
        watchers = [client for server in running for client in client_of_each_worker(server, load)]
        assert len(watchers) == 2 * servers
        swaps = [swapped(number, watchers, load) for number in range(SWAPS)]
        load.stop()
    assert load.failed() == []
    assert_recorded(load.answers())
    assert_nothing_is_answered_by_a_version_that_was_replaced(swaps, load.exchanges)
    assert_no_request_waits(swaps, load.exchanges)


def client_of_each_worker(server, load):
    """One client for each of the server's workers, connected to it."""
    found, spare = {}, []
    while len(found) < 2:
        assert len(spare) < 200, "one worker takes all connections"
        client = load.client(server.port)
        load.ask(client)
        spare.append(client)
        worker = wait_for(lambda client=client: server.worker_of(client.connection))
        found.setdefault(worker, client)
    for client in set(spare) - set(found.values()):
        client.close()
    return list(found.values())


def swapped(number, watchers, load):
    """Waits, then activates the other version of the next scheme; returns the Swap."""
    scheme = list(SCHEMES)[number % len(SCHEMES)]
    time.sleep(CALM)
    version = ModelVersion.objects.filter(scheme=scheme).exclude(activations__live=True).get()
    begun = time.monotonic()
    activate(version, "tests", "for the test")
    for client in watchers:
        wait_for(lambda client=client: follows(version, client, load))
    followed = time.monotonic()
    time.sleep(AFTER)
    return Swap(version, begun, followed)


def follows(version, client, load):
    """Whether the worker of a client's connection answers with a version."""
    [(_, answer)] = load.ask(client, version.scheme).answers
    return answer["model"]["version"] == version.number


def assert_nothing_is_answered_by_a_version_that_was_replaced(swaps, exchanges):
    """Once every worker follows, none of them returns to the old version."""
    for scheme in SCHEMES:
        of_scheme = [swap for swap in swaps if swap.version.scheme == scheme]
        for swap, following in zip(of_scheme, [*of_scheme[1:], None], strict=True):
            end = following.begun if following else float("inf")
            numbers = {
                answer["model"]["version"]
                for exchange in exchanges
                if swap.followed < exchange.begun and exchange.ended < end
                for _, answer in exchange.answers
                if answer["model"]["scheme"] == scheme
            }
            assert numbers == {swap.version.number}


def assert_no_request_waits(swaps, exchanges):
    """No request during a swap is slower than the slowest before it by 250 ms or three times.

    The medians over all swaps are compared: a delay caused by swaps appears in each, other load of
    the machine in some of them.
    """
    usual = median(slowest(exchanges, swap.begun - CALM, swap.begun) for swap in swaps)
    felt = median(slowest(exchanges, swap.begun, swap.followed + AFTER) for swap in swaps)
    assert felt < max(usual + SLOW, TIMES_SLOWER * usual)


def slowest(exchanges, begin, end):
    """Seconds of the slowest request in progress between two moments."""
    return max(
        exchange.seconds
        for exchange in exchanges
        if exchange.begun < end and exchange.ended > begin
    )
