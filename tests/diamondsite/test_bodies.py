"""The end of a body is found however its bytes arrive; a body that gunicorn refuses is not waited for."""

import socket
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from diamondsite.bodies import IncomingBody

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
LENGTH, CHUNKED = b"Content-Length: %d\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": b"\r\n",
    "length": LENGTH % 5 + b"hello",
    "one chunk": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "two chunks": CHUNKED + b"3\r\nhel\r\n02\r\nlo\r\n000\r\n\r\n",
    "a chunk like a last one": CHUNKED + b"9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n",
    "capitals": CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n",
    "extensions": CHUNKED + b'5;a=b\r\nhello\r\n0 ; c="d"\r\n\r\n',
    "trailers": CHUNKED + b"5\r\nhello\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n",
}
REFUSED = {
    "no number": CHUNKED + b"x\r\n",
    "empty": CHUNKED + b"\r\n",
    "negative": CHUNKED + b"-5\r\n",
    "0x": CHUNKED + b"0x5\r\n",
    "blank first": CHUNKED + b" 5\r\n",
    "underscore": CHUNKED + b"1_0\r\n",
    "endless line": CHUNKED + b"5" * 8191,
    "too long": CHUNKED + b"3\r\nhello",
    "ended by LF": CHUNKED + b"3\r\nhel\n0",
    "trailer with LF": CHUNKED + b"0\r\nX-A: b\n",
    "endless trailer": CHUNKED + b"0\r\nX-A: " + b"b" * 70_000,
    "length over the limit": LENGTH % 20_001,
    "chunks over the limit": CHUNKED + b"fffffff\r\n" + b"a" * 100_000,
    "chunks of a byte": CHUNKED + b"1\r\na\r\n" * 20_000,
}


@pytest.fixture(autouse=True)
def limit(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000


@pytest.fixture
def ends():
    """(the client's socket, the server's connection)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted, address = listener.accept()
    with client, accepted:
        parser = RequestParser(Config(), accepted, address)
        yield client, SimpleNamespace(sock=accepted, parser=parser)


def begun(ends, sent):
    """The IncomingBody of a request after its first bytes, which include the head."""
    client, conn = ends
    client.sendall(sent)
    next(conn.parser)
    return IncomingBody(conn)


def arrived(body, conn, client, sent):
    """Sends bytes; whether the body has then arrived."""
    client.sendall(sent)
    while not body.whole and len(conn.sock.recv(2**20, socket.MSG_PEEK)) < len(sent):
        pass
    return body.arrived()


@pytest.mark.parametrize("name", WHOLE)
def test_a_body_that_comes_at_once_is_there(ends, name):
    assert begun(ends, HEAD + WHOLE[name]).arrived()


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"no body"}))
def test_a_body_that_comes_byte_by_byte_is_there_with_its_last(ends, name):
    client, conn = ends
    head, blank, sent = WHOLE[name].partition(b"\r\n\r\n")
    body = begun(ends, HEAD + head + blank)
    found = [arrived(body, conn, client, sent[at : at + 1]) for at in range(len(sent))]
    assert found == [False] * (len(sent) - 1) + [True]
    conn.sock.setblocking(False)  # gunicorn finds all of it
    assert len(conn.parser.mesg.body.read()) in (5, 9, 10)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_not_waited_for(ends, name):
    head, blank, sent = REFUSED[name].partition(b"\r\n\r\n")
    client, conn = ends
    body = begun(ends, HEAD + head + blank)
    for at in range(0, len(sent), 10_000):
        arrived(body, conn, client, sent[at : at + 10_000])
    assert body.arrived()


def test_a_client_that_has_gone_is_not_waited_for(ends):
    client, conn = ends
    body = begun(ends, HEAD + LENGTH % 5 + b"hel")
    assert not body.arrived()
    client.shutdown(socket.SHUT_WR)
    assert conn.sock.recv(1, socket.MSG_PEEK) == b""
    assert body.arrived()


def test_only_a_body_larger_than_a_stones_is_large(ends):
    body = begun(ends, HEAD + LENGTH % 5 + b"hello")
    assert (body.arrived(), body.large) == (True, False)
    client, conn = ends
    conn.parser.mesg.body.read()
    body = begun(ends, HEAD + LENGTH % 20_000)
    assert (arrived(body, conn, client, b"a" * 20_000), body.large) == (True, True)
