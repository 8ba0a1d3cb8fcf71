"""Clients that send or read as slowly as possible do not delay other clients."""

import json
import re
import signal
import statistics
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from predictor.models import Job, Prediction
from tests.waiting import PATIENCE, wait_for

from .proxy import proxied
from .raw_requests import chunked, chunks, live
from .server import refused
from .slow_clients import (
    ANSWERS_OF_MEGABYTES,
    CLIENTS,
    FEW,
    LIST,
    LISTS,
    POST,
    STONE,
    answer_of,
    answers_of_lists,
    connected,
    crowd,
    download,
    wait_for_a_price,
)

pytestmark = pytest.mark.once

MB = 2**20
PATIENT = {"GUNICORN_CMD_ARGS": "--timeout 600"}
"""Settings under which no deadline passes during a test, however busy the machine is."""

IN_CHUNKS = chunked(chunks(STONE[:20], STONE[20:], end=b"0\r\nX-A: b\r\n\r\n"))
BODIES = {
    "length": POST + b"Content-Length: %d\r\n\r\n%s" % (len(STONE), STONE),
    "HTTP/1.0": POST.replace(b"1.1", b"1.0")
    + b"Content-Length: %d\r\n\r\n%s" % (len(STONE), STONE),
    "chunks": IN_CHUNKS,
    "list": POST + b"Content-Length: %d\r\n\r\n%s" % (len(LIST), LIST),
}


def waits_of(port):
    """Seconds that each of several prices took, one after the other."""
    waits = []
    for _ in range(20):
        waits.append(wait_for_a_price(port))
        time.sleep(0.1)
    return waits


def assert_nobody_is_held_up(port, what_they_do):
    """A price that waits for a slow client takes seconds: many times the longest one without them."""
    calm = waits_of(port)
    with crowd(port, *CLIENTS[what_they_do]):
        time.sleep(1)
        waits = waits_of(port)
    assert statistics.median(waits) < 10 * max(calm)
    assert Prediction.objects.filter(status=200).count() == len(calm + waits)


@pytest.fixture(scope="module")
def ports(shared_site, tmp_path_factory):
    """The ports of a server for all kinds of slow clients, and of the proxy before it."""
    with (
        shared_site.server() as server,
        proxied(f"127.0.0.1:{server.port}", tmp_path_factory.mktemp("proxy")) as proxy,
    ):
        yield {"directly": server.port, "behind the proxy": proxy}


@pytest.mark.parametrize("way", ["directly", "behind the proxy"])
@pytest.mark.parametrize("what_they_do", CLIENTS)
def test_a_crowd_of_slow_clients_holds_nobody_up(ports, emptied, what_they_do, way):
    assert_nobody_is_held_up(ports[way], what_they_do)


def test_a_head_or_body_that_does_not_come_to_an_end_is_given_up(site):
    """The deadlines: gunicorn's own worker would wait forever."""
    with site.server() as server, ExitStack() as stack:
        for name, (opening, _) in CLIENTS.items():
            if "head" in name or "chunk" in name or "body byte" in name or "zeros" in name:
                client = connected(stack, server.port)
                client.sendall(opening)
                stack.callback(lambda client=client: assert_ended(client))
    assert not Prediction.objects.exists()


def assert_ended(client):
    """The server closes the connection without an answer."""
    with suppress(ConnectionError):
        assert client.recv(100) == b""


@pytest.mark.parametrize("kind", BODIES)
def test_prices_are_answered_while_bodies_are_on_their_way(site, kind):
    """The bodies end after the prices are answered: no thread may have waited for them."""
    sent = BODIES[kind]
    with site.server(**PATIENT) as server, ExitStack() as stack:
        clients = [connected(stack, server.port) for _ in range(FEW)]
        for client in clients:
            client.sendall(sent[:-5])
        for _ in range(FEW):
            wait_for_a_price(server.port)
        assert Prediction.objects.count() == FEW
        for client in clients:
            client.sendall(sent[-5:])
        answers = [answer_of(client) for client in clients]
    prices = [json.loads(body) for _, body in answers]
    assert {status for status, _ in answers} == {200}
    stones = [stone for price in prices for stone in (price if kind == "list" else [price])]
    ids = {stone["id"] for stone in stones}
    assert Prediction.objects.count() == FEW + len(ids) == FEW + len(stones)


def test_expect_100_continue_is_answered_before_the_body(site):
    head, body = BODIES["length"].split(b"\r\n\r\n")
    with site.server(**PATIENT) as server, ExitStack() as stack:
        clients = [connected(stack, server.port) for _ in range(FEW)]
        for client in clients:
            client.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        for client in clients:
            assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(body)
        assert [answer_of(client)[0] for client in clients] == [200] * FEW


def test_what_follows_a_slow_body_is_answered_too(site):
    """Pipelined: the end of the body arrives together with the next request."""
    with site.server(**PATIENT) as server, ExitStack() as stack:
        client = connected(stack, server.port)
        client.sendall(IN_CHUNKS[:-5])
        wait_for_a_price(server.port)
        client.sendall(IN_CHUNKS[-5:] + live(b"Connection: close"))
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 2


def sending(stack, server, request):
    """FEW clients that have sent a request and do not read."""
    clients = [connected(stack, server.port) for _ in range(FEW)]
    for client in clients:
        client.sendall(request)
    return clients


def price(server):
    """Asks for FEW prices in turn; each is answered, however slow the other clients are."""
    for _ in range(FEW):
        wait_for_a_price(server.port)


def assert_lists(clients):
    """The clients read the answers to all their lists; returns the ids."""
    answers = [answer for client in clients for answer in answers_of_lists(client)]
    assert [(status, len(stones)) for status, stones in answers] == [(200, 1000)] * LISTS * FEW
    return {stone["id"] for _, stones in answers for stone in stones}


def assert_files(clients):
    """The clients read complete files."""
    answers = (answer_of(client) for client in clients)
    assert [(status, body == FILE) for status, body in answers] == [(200, True)] * FEW


def test_prices_are_answered_while_lists_are_not_read(site):
    with site.server(**PATIENT) as server, ExitStack() as stack:
        clients = sending(stack, server, ANSWERS_OF_MEGABYTES)
        # Each list is answered or waits for a thread: all prices are answered while no client reads.
        price(server)
        ids = assert_lists(clients)
    assert Prediction.objects.count() == len(ids) + FEW == 1000 * LISTS * FEW + FEW


FILE = b"0123456789abcdef" * MB
"""A file of a job: more bytes than the kernel buffers for a client that does not read."""


@pytest.fixture
def file_request(site):
    """A request for the file of a job, by its user."""
    user = User.objects.create_superuser("reviewer")
    reviewer = Client()
    reviewer.force_login(user)
    name = default_storage.save("jobs/1-0-export.csv", ContentFile(FILE))
    job = Job.objects.create(kind="export", by=user, state="done", file=name, size=len(FILE))
    return download(reviewer.cookies["sessionid"].value, job.pk)


@pytest.fixture
def server_of_file(site, file_request):
    with site.server(**PATIENT, SECRET_KEY=settings.SECRET_KEY) as server:
        yield server


def test_prices_are_answered_while_files_are_not_read(server_of_file, file_request):
    with ExitStack() as stack:
        clients = sending(stack, server_of_file, file_request)
        price(server_of_file)
        assert_files(clients)


def test_prices_are_answered_beside_slow_clients_of_all_kinds_at_once(server_of_file, file_request):
    with ExitStack() as stack:
        bodies = sending(stack, server_of_file, BODIES["length"][:-5])
        files = sending(stack, server_of_file, file_request)
        lists = sending(stack, server_of_file, ANSWERS_OF_MEGABYTES)
        stack.enter_context(crowd(server_of_file.port, *CLIENTS["send a body byte by byte"]))
        price(server_of_file)
        for client in bodies:
            client.sendall(BODIES["length"][-5:])
        assert [answer_of(client)[0] for client in bodies] == [200] * FEW
        ids = assert_lists(lists)
        assert_files(files)
    assert len(ids) == 1000 * LISTS * FEW
    assert Prediction.objects.filter(status=200).count() == FEW + FEW + len(ids)


def test_a_stop_waits_for_those_who_read_and_gives_up_the_others(site):
    with site.server(**PATIENT) as server, ExitStack() as stack:
        reader, *others = [connected(stack, server.port) for _ in range(3)]
        for client in (reader, *others):
            client.sendall(ANSWERS_OF_MEGABYTES)
        stack.enter_context(crowd(server.port, *CLIENTS["send a body byte by byte"], FEW))
        wait_for(lambda: Prediction.objects.count() == 3000 * LISTS)
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refused(server.port))
        answers = answers_of_lists(reader)
        assert [(status, len(stones)) for status, stones in answers] == [(200, 1000)] * LISTS
        assert server.process.wait(PATIENCE) == 0


def test_unfinished_bodies_take_a_bounded_memory(site):
    """400 MB of bodies; two workers keep 64 MB each and close the connections that keep most."""
    nearly = POST + b"Content-Length: %d\r\n\r\n" % (2 * MB) + b" " * (2 * MB - 1)
    with site.server(**PATIENT) as server, ExitStack() as stack:
        before = peak(server)
        for _ in range(200):
            with suppress(ConnectionError):
                connected(stack, server.port).sendall(nearly)
        wait_for_a_price(server.port)
        assert peak(server) - before < 300


def peak(server):
    """The peak memory of its workers, in MB."""
    said = [Path(f"/proc/{pid}/status").read_text() for pid in server.workers()]
    return sum(int(re.search(r"VmHWM:\s+(\d+)", text)[1]) for text in said) / 1024
