"""A request's head is read without consuming bytes; a poller does not wake up twice for the same bytes."""

import socket
from select import POLLIN, poll
from types import SimpleNamespace

import pytest

from diamondsite.peeking import has_head

LINE, MOST = 100, 200


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
