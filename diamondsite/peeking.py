"""Looks at what has come on a connection without taking it, so that gunicorn's parser gets every byte."""

from socket import MSG_DONTWAIT, MSG_PEEK, SO_RCVLOWAT, SOL_SOCKET


def has_head(conn, line, most):
    """Whether a thread that reads a request's head now need not wait for its client.

    That is: its end is there, or over `most` bytes, or a first line of over `line` bytes, or a line end
    that gunicorn refuses, or nothing more will come. Else the socket counts as readable again only once
    there is more than was seen, or its end: a poller does not wake up for the same bytes twice, and who
    finds nothing new has met the end.
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
