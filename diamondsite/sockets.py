"""A client's socket on which no thread waits for the client; worker.py uses it in place of
gunicorn's."""

import os
import time
from errno import ECONNRESET
from select import POLLOUT, poll
from socket import socket
from tempfile import SpooledTemporaryFile

STEP = 2**16
"""Bytes of a buffered response that are sent at a time."""

IN_MEMORY = 2**18
"""The most bytes of a response buffered in memory; more go to a file without a name, in TMPDIR."""

AHEAD = 2**28
"""The size of that file at which the thread that writes the response waits for the client."""

PATIENCE = 60
"""Seconds that it waits for a client to read all of such a file."""


class ClientSocket(socket):
    """Reads what has arrived and sends what the kernel accepts, without waiting; buffers the rest
    of a response.

    recv raises ConnectionResetError if nothing has arrived: the worker lets a thread read only what
    has come. `flush` sends the `kept` bytes.
    """

    def __init__(self, accepted):
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        super().setblocking(False)
        self.kept, self._at, self._file, self._held = 0, 0, None, None

    def setblocking(self, flag):
        """gunicorn calls this to make threads wait for their clients."""

    settimeout = setblocking

    def recv(self, size, flags=0):
        try:
            return super().recv(size, flags)
        except BlockingIOError:
            if flags:
                raise
            raise ConnectionResetError(ECONNRESET, "the client has sent nothing yet") from None

    def close(self):
        if self._file:
            self._file.close()
        super().close()

    def hold(self):
        """Keeps what is sent from now on, for `release` to send it in one piece."""
        self._held = []

    def release(self):
        held, self._held = self._held, None
        if held:
            self.sendall(b"".join(held))

    def send(self, data, flags=0):
        self.sendall(data)
        return len(data)

    def sendall(self, data, flags=0):
        if self._held is not None:
            self._held.append(bytes(data))
            return
        sent = self._offer(data) if self.flush() else 0
        if sent < len(data):
            self._keep(memoryview(data)[sent:])

    @property
    def spooled(self):
        """The `kept` bytes that are in a buffer of this socket, not in a file that is being served."""
        return self.kept if isinstance(self._file, SpooledTemporaryFile) else 0

    def sendfile(self, file, offset=0, count=None):
        """Sends the rest of a file as the client reads it, without a copy."""
        if self.flush():
            self._file = os.fdopen(os.dup(file.fileno()), "rb")  # gunicorn closes its own
            self._at, self.kept = offset, count
            self.flush()
        else:
            for part in iter(lambda: file.read(STEP), b""):
                self.sendall(part)

    def flush(self):
        """Sends up to 1 MB of the buffered bytes; returns whether none are left."""
        for _ in range(16 * bool(self.kept)):
            self._file.seek(self._at)
            part = self._file.read(min(STEP, self.kept))
            if not part:
                raise ConnectionResetError(ECONNRESET, "the file has become shorter")
            sent = self._offer(part)
            self._at, self.kept = self._at + sent, self.kept - sent
            if not self.kept:
                self._file, self._at = self._file.close(), 0
            if sent < len(part) or not self.kept:
                break
        return not self.kept

    def _offer(self, data):
        try:
            return super().send(data)
        except BlockingIOError:
            return 0

    def _keep(self, data):
        if self._at + self.kept + len(data) > AHEAD:
            self._wait()
        self._file = self._file or SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - flush closes it
        self._file.seek(self._at + self.kept)
        self._file.write(data)
        self.kept += len(data)

    def _wait(self):
        until, writable = time.monotonic() + PATIENCE, poll()
        writable.register(self, POLLOUT)
        while not self.flush():
            if time.monotonic() > until:
                raise ConnectionResetError(ECONNRESET, "the client does not read its answer")
            writable.poll(1000)
