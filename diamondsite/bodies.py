"""Gathers the body of a request while no thread waits for it; gunicorn's parser then gets every byte.

Called by worker.py. This code only searches for the end of a body, so that a thread finds all that
gunicorn will read. Anything invalid is left for gunicorn to refuse.
"""

import re
from socket import MSG_DONTWAIT

from django.conf import settings

STEP = 2**16
"""How many bytes are read at a time."""

LARGE = 2**14
"""Bytes from which on a body counts as a list or a file, whose answer takes longer; a stone has 200."""

LINE, TRAILERS = 8190, 2**16
"""The longest first line of a chunk (gunicorn refuses a longer one), and trailers."""

MORE = 2**16 + 2**13
"""Bytes over the limit of a body that are read: as many as gunicorn reads to keep the connection."""

RAW = 4
"""A chunked body with all its lines may have this many times the limit of a body."""

SIZE = re.compile(rb"([0-9a-fA-F]+)(?:[ \t]*;|$)")


class IncomingBody:
    """The bytes received of the current request's body; the connection's parser has read its head."""

    def __init__(self, conn):
        self.sock, self.unreader = conn.sock, conn.parser.unreader
        length = getattr(conn.parser.mesg.body.reader, "length", None)
        self.held, self._rest = 0, _chunks() if length is None else _announced(length)
        self.whole = self._ends(None) or self._ends(self.unreader.buf.getvalue())

    @property
    def large(self):
        return self.held > LARGE

    def arrived(self):
        """Reads the bytes received so far. Whether a thread can now read to the end, or no more
        will come."""
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
    """A coroutine that is sent the bytes of a body of a known length and returns at its end.

    One that is too large is refused before it is read.
    """
    while 0 < length <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        length -= len((yield))


def _chunks():
    """The same for a chunked body; it also returns if gunicorn refuses the body, or reads no
    more."""
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
    """Returns at the empty line, or at a line that ends in LF only, which gunicorn refuses."""
    while not data.startswith(b"\r\n") and b"\r\n\r\n" not in data:
        if len(data) > TRAILERS or data.count(b"\n") > data.count(b"\r\n"):
            return
        data += yield
