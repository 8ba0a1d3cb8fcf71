"""Reads what a connection has received without removing it: gunicorn's parser gets every byte."""

from socket import MSG_DONTWAIT, MSG_PEEK, SO_RCVLOWAT, SOL_SOCKET


def has_head(conn, line, most):
    """Whether a thread can now read a request's head without waiting for its client.

    It can if the head is complete, or has over `most` bytes, or a first line of over `line` bytes,
    or a line end that gunicorn refuses, or if nothing more will come. Otherwise the socket only
    becomes readable again once more bytes arrive, or its end: a poller does not wake up for the
    same bytes twice, so if there is nothing new, the end was reached.
    """
    held = conn.parser.unreader.buf.getvalue() if conn.parser else b""
    before = getattr(conn, "seen", 0)
    try:
        came = conn.sock.recv(line, MSG_PEEK | MSG_DONTWAIT)
        if len(came) == line and b"\r\n\r\n" not in came:
            came = conn.sock.recv(most, MSG_PEEK | MSG_DONTWAIT)
        ended = len(came) == before
    except OSError as error:
        came, ended = b"", not isinstance(error, BlockingIOError)
    head = held + came
    bare = head.count(b"\n") > head.count(b"\r\n")
    endless = len(head) >= (most if 0 <= head.find(b"\r\n") <= line else line)
    found = ended or bare or b"\r\n\r\n" in head or endless
    conn.seen = 0 if found else len(came)
    if conn.seen != before:
        conn.sock.setsockopt(SOL_SOCKET, SO_RCVLOWAT, conn.seen + 1)
    return found
