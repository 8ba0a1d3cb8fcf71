"""The limits on the size of a request and the answers to larger ones, on real connections."""

import http.client
import json
import socket
from contextlib import closing

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction

pytestmark = pytest.mark.once

JSON = {"Content-Type": "application/json"}
MB = 1024 * 1024
STONE = json.dumps(EXAMPLES["coded"][0]).encode()
TOO_LARGE = {"detail": "The request body is too large: the limit is 2 MB."}
HEAD = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(shared_site):
    with shared_site.server() as server:
        yield server


@pytest.fixture
def port(server, emptied):
    return server.port


def post(port, body, headers=JSON, **options):
    """(status, content) of the answer to a body; an iterable is sent in chunks."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/api/predict", body, headers, **options)
        response = connection.getresponse()
        return response.status, response.read()


def talk(port, *parts):
    """All that the server answers to raw bytes; the client then closes its sending side."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        for part in parts:
            client.sendall(part)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def pieces(body, size):
    return [body[at : at + size] for at in range(0, len(body), size)]


def padded(size):
    return STONE + b" " * (size - len(STONE))


@pytest.mark.parametrize("chunk", [None, 1, 100_000], ids=["whole", "bytes", "chunks"])
def test_a_body_is_priced_whatever_way_it_is_sent(port, chunk):
    body = STONE if chunk == 1 else padded(2 * MB)
    status, content = post(port, pieces(body, chunk) if chunk else body)
    assert status == 200, content
    row = Prediction.objects.get()
    assert json.loads(content)["id"] == str(row.id)
    assert row.features == EXAMPLES["coded"][0]


@pytest.mark.parametrize("chunk", [None, 100_000], ids=["whole", "chunks"])
def test_a_body_over_2_mb_is_refused_in_json_and_not_recorded(port, chunk):
    body = padded(2 * MB + 1)
    status, content = post(port, pieces(body, chunk) if chunk else body)
    assert (status, json.loads(content)) == (413, TOO_LARGE)
    assert not Prediction.objects.exists()


def test_a_client_that_waits_for_leave_to_send_is_given_it(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(STONE))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(STONE)
        client.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: client.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 1
    assert Prediction.objects.get().status == 200


def test_a_body_that_ends_before_its_announced_length_is_not_a_request(port):
    assert talk(port, HEAD + b"Content-Length: 1000\r\n\r\n" + STONE) == b""
    assert not Prediction.objects.exists()


def test_what_follows_the_announced_length_is_not_part_of_the_body(port):
    answers = talk(
        port, HEAD + b"Content-Length: %d\r\n\r\n" % len(STONE) + STONE + b"more\r\n\r\n"
    )
    assert answers.startswith(b"HTTP/1.1 200 OK")
    assert answers.count(b"HTTP/1.1") == 2
    assert b"HTTP/1.1 400 Bad Request" in answers
    assert Prediction.objects.get().request == STONE.decode()


@pytest.mark.parametrize(
    ("status", "request_head"),
    [
        (b"414", b"GET /?%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 5000)),
        (b"431", b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100 + b"\r\n"),
        (b"431", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"y" * 9000)),
        (b"431", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * MB),
        (b"400", b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
        (
            b"400",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxx0\r\n\r\n",
        ),
    ],
    ids=["line", "fields", "field", "endless field", "length", "chunk"],
)
def test_a_head_over_the_limits_is_refused(port, status, request_head):
    assert talk(port, request_head).startswith(b"HTTP/1.1 " + status)
