"""Gathers the body of a request while no thread waits for it; gunicorn's parser then gets every byte.

Called by worker.py. What is looked for here is only the end of a body, so that a thread finds all that
gunicorn will ask for. Whatever looks wrong is left to gunicorn to refuse.
"""

import re
from socket import MSG_DONTWAIT

from django.conf import settings

STEP = 2**16
"""How many bytes are taken at a time."""

LARGE = 2**14
"""Bytes from which on a body is a list or a file, whose answer takes a while; a stone has 200."""

LINE, TRAILERS = 8190, 2**16
"""How long a chunk's first line (gunicorn refuses a longer one) and the lines after the last may be."""

MORE = 2**16 + 2**13
"""Bytes beyond the limit of a body that are looked at: gunicorn reads on so far to keep the connection."""

RAW = 4
"""How many times the limit of a body its chunks may take with all their lines."""

SIZE = re.compile(rb"([0-9a-fA-F]+)(?:[ \t]*;|$)")


class IncomingBody:
    """What has come of the body of the request that a connection's parser has read the head of."""

    def __init__(self, conn):
        self.sock, self.unreader = conn.sock, conn.parser.unreader
        length = getattr(conn.parser.mesg.body.reader, "length", None)
        self.held, self._rest = 0, _chunks() if length is None else _announced(length)
        self.whole = self._ends(None) or self._ends(self.unreader.buf.getvalue())

    @property
    def large(self):
        return self.held > LARGE

    def arrived(self):
        """Takes what has come. Whether a thread now finds all that there is to read; or will ever be."""
        while not self.whole:
            try:
                data = self.sock.recv(STEP, MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                data = b""
            self.unreader.buf.seek(0, 2)
            self.unreader.buf.write(data)
            self.whole = not data or self._ends(data)
        return True

    def _ends(self, data):
        self.held += len(data or b"")
        try:
            self._rest.send(data)
        except StopIteration:
            return True
        return self.held > RAW * settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _announced(length):
    """A coroutine that is sent what comes of a body of a given length and returns at its end.

    One that is too large is refused before it is read.
    """
    while 0 < length <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        length -= len((yield))


def _chunks():
    """The same for a body in chunks; it also returns where gunicorn refuses what came, or has enough."""
    data, at, joined = (yield), 0, 0
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + MORE
    while True:
        while (end := data.find(b"\r\n", at)) < 0:
            if len(data) - at > LINE:
                return
            data, at = data[at:] + (yield), 0
        size = SIZE.match(data[at:end])
        if not size:
            return
        if not (size := int(size[1], 16)):
            break
        joined, at = joined + size, end + 2 + size
        while len(data) < at + 2:
            if joined - (at - len(data)) > most:
                return
            data, at = data[at:] + (yield), max(at - len(data), 0)
        if data[at : at + 2] != b"\r\n":
            return
        at += 2
    yield from _trailers(data[end + 2 :])


def _trailers(data):
    """Returns at the empty line, or where one ends by LF only, which gunicorn refuses."""
    while not data.startswith(b"\r\n") and b"\r\n\r\n" not in data:
        if len(data) > TRAILERS or data.count(b"\n") > data.count(b"\r\n"):
            return
        data += yield
