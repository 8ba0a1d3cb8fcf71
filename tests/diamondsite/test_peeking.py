"""A request's head is read without consuming bytes; a poller does not wake up twice for the same bytes."""

import io
import socket
from select import POLLIN, poll
from types import SimpleNamespace

import pytest

from diamondsite.peeking import has_head

LINE, MOST = 100, 200
CASES = [
    (b"", False),
    (b"G", False),
    (b"GET / HTTP/1.1\r\n", False),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r", False),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
    (b"GET / HTTP/1.1\r\n\r\n", True),
    (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", True),
    (b"GET / HTTP/1.1\n", True),  # gunicorn refuses a bare LF
    (b"\r\n\r\n", True),  # and an empty line
    (b"a" * (LINE - 1), False),
    (b"a" * LINE, True),  # and a line that is too long
    (b"a" * (LINE + 1) + b"\r\n", True),
    (b"GET / HTTP/1.1\r\nX: ".ljust(MOST - 1, b"a"), False),
    (b"GET / HTTP/1.1\r\nX: ".ljust(MOST, b"a"), True),  # and a head that is too long
]


@pytest.fixture
def ends():
    """(the client's socket, the server's connection), as gunicorn has it before a request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    with client, accepted:
        yield client, SimpleNamespace(sock=accepted, parser=None)


def arrives(conn, sent):
    """Waits until the bytes sent have arrived."""
    while len(conn.sock.recv(2**16, socket.MSG_PEEK | socket.MSG_DONTWAIT)) < len(sent):
        pass


def readable(conn, milliseconds):
    poller = poll()
    poller.register(conn.sock, POLLIN)
    return bool(poller.poll(milliseconds))


@pytest.mark.parametrize(("sent", "found"), CASES)
def test_what_has_come_is_a_head_or_not_and_is_still_there(ends, sent, found):
    client, conn = ends
    client.sendall(sent)
    if sent:
        arrives(conn, sent)
    assert has_head(conn, LINE, MOST) is found
    assert (conn.sock.recv(2**16, socket.MSG_DONTWAIT) if sent else b"") == sent


@pytest.mark.parametrize(("sent", "found"), CASES)
def test_what_the_parser_holds_counts_too(ends, sent, found):
    _, conn = ends
    conn.parser = SimpleNamespace(unreader=SimpleNamespace(buf=io.BytesIO(sent)))
    assert has_head(conn, LINE, MOST) is found


def test_a_client_that_has_gone_is_not_waited_for(ends):
    client, conn = ends
    client.sendall(b"GET /")
    arrives(conn, b"GET /")
    assert not has_head(conn, LINE, MOST)
    client.shutdown(socket.SHUT_WR)
    assert readable(conn, 60_000)
    assert has_head(conn, LINE, MOST)


def test_a_connection_that_is_reset_is_not_waited_for(ends):
    client, conn = ends
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert readable(conn, 60_000)
    assert has_head(conn, LINE, MOST)


def test_a_poller_wakes_up_for_more_only(ends):
    client, conn = ends
    client.sendall(b"GET / HTTP/1.1\r\n")
    arrives(conn, b"GET / HTTP/1.1\r\n")
    assert readable(conn, 0)
    assert not has_head(conn, LINE, MOST)
    assert not readable(conn, 50)
    client.sendall(b"\r\n")
    assert readable(conn, 60_000)
    assert has_head(conn, LINE, MOST)
    conn.sock.recv(17, socket.MSG_DONTWAIT)
    assert readable(conn, 60_000), "a single byte does not wake a thread"
