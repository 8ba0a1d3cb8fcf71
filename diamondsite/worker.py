"""gunicorn's threaded worker, made safe from slow clients and at its stop; gunicorn.conf.py names it.

gunicorn's own gives a new connection to a thread at once, which then waits for the client: a handful
of slow clients, and nobody else is served. Here the event loop, which can wait for hundreds at a
time, takes the requests in; a thread gets one when it is whole. And gunicorn's own keeps its socket
open while it stops, without looking at it: clients connect, send a request and wait for seconds,
until the last worker's exit resets them all. Here who has connected is answered, the rest refused.
"""

import io
import re
import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from select import select

from django.conf import settings
from gunicorn.workers.gthread import ThreadWorker

from predictor.history.commits import shared

SENDING, ANSWERING, LINGERING = 30, 30, 2
"""Seconds for a client to send a request; for a thread to answer it and be rid of the answer; for
what is still sent after the last answer to be thrown away, so that the client comes to read it."""

CLOSING = 1
"""Seconds that a stopping worker goes on taking in who has connected, however many come."""

PAUSE = 0.0002
"""Seconds that each connection a worker has keeps it from taking the next."""

AT_ONCE, TOGETHER = 2**16, 2**26
"""Bytes to take in at a time; bytes that a worker's unfinished requests may amount to."""

HEAD_END = re.compile(rb"\r\n\r\n")
LENGTH = re.compile(rb"\ncontent-length:[ \t]*0*(\d{1,18})[ \t]*\r", re.IGNORECASE)
CHUNKED = re.compile(rb"\ntransfer-encoding:", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,8})[^\r\n]*\r\n", re.IGNORECASE)
END = b"0\r\n\r\n"
HESITANT = re.compile(rb"\nexpect:[ \t]*100-continue", re.IGNORECASE)

UNFINISHED = object()


class PatientWorker(ThreadWorker):
    """Keeps connections in the poller until their requests are whole, and after their last answer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.answering, self.looked, self.closed = {}, 0, False
        shared.threads = self.cfg.threads
        fields, size = self.cfg.limit_request_fields, self.cfg.limit_request_field_size
        # A little over what gunicorn refuses, so that it never waits for the rest of a head.
        self.longest_head = self.cfg.limit_request_line + fields * (size + 2) + 16

    def accept(self, listener):
        """Takes a connection in, the later the more there are: else whichever worker is quickest takes
        all that come at once, as those of a proxy's pool, and the others idle."""
        if self.alive:
            time.sleep(min(self.nr_conns, 10) * PAUSE)
        super().accept(listener)

    def set_accept_enabled(self, enabled):
        """A stopping worker takes in who has connected, then closes the door."""
        if self.closed:
            return
        super().set_accept_enabled(enabled and self.alive)
        if not self.alive:
            self.closed, until = True, time.monotonic() + CLOSING
            for listener in self.sockets:
                while select([listener], [], [], 0)[0] and time.monotonic() < until:
                    self.accept(listener)
                listener.close()

    def enqueue_req(self, conn):
        """Has a thread look at what has come on a connection, once something has."""
        if conn.initialized or conn.data_ready:
            shared.expect(conn)
            super().enqueue_req(conn)
        else:
            self.park(conn, SENDING, self.on_pending_socket_readable)

    def on_client_socket_readable(self, conn, client):
        """A connection that was kept speaks again: its time to send a request begins."""
        conn.timeout = None
        super().on_client_socket_readable(conn, client)

    def handle(self, conn):
        """In a thread: answers what has come, if it is a whole request."""
        shared.begin(conn)
        try:
            return self.take_in(conn)
        finally:
            shared.leave()

    def take_in(self, conn):
        """Takes in what has come, without waiting; has it answered if that is a whole request."""
        conn.init()
        buffer = conn.parser.unreader.buf
        buffer.seek(0, io.SEEK_END)
        try:
            while not is_whole(buffer.getbuffer(), self.longest_head):
                data = conn.sock.recv(AT_ONCE, socket.MSG_DONTWAIT)
                if not data:
                    return False
                buffer.write(data)
        except BlockingIOError:
            invite(conn)
            return UNFINISHED
        except OSError:
            return False
        conn.timeout = None
        self.answering[conn] = time.monotonic() + ANSWERING
        try:
            return super().handle(conn)
        finally:
            del self.answering[conn]

    def handle_request(self, req, conn):
        """Whether the connection is kept, too: not with a body that was left unread."""
        return super().handle_request(req, conn) and not getattr(req.body.reader, "length", 0)

    def finish_request(self, conn, fs):
        """Back in the event loop: waits there for the rest of a request, or for the client to go."""
        result = fs.result() if not (fs.cancelled() or fs.exception()) else None
        if result is UNFINISHED and not self.is_full(conn):
            self.park(conn, SENDING, self.on_pending_socket_readable)
        elif result is UNFINISHED:
            self.drop(conn)
        elif result is False:
            self.part(conn)
        else:
            super().finish_request(conn, fs)

    def part(self, conn):
        """Ends a connection so that the client reads the last answer, even if it is still sending."""
        conn.timeout = None
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop(conn)
        else:
            self.park(conn, LINGERING, self.discard)

    def discard(self, conn, sock):
        """Throws away what a client still sends after its last answer."""
        try:
            more = sock.recv(AT_ONCE)
        except OSError:
            more = b""
        if not more:
            self.unpark(conn)
            self.drop(conn)

    def murder_pending(self):
        """Once a second: ends what takes too long. A stopping worker waits LINGERING at most."""
        now = time.monotonic()
        if now < self.looked + 1:
            return
        self.looked = now
        early = 0 if self.alive else SENDING - LINGERING
        for conn in [conn for conn in self.pending_conns if conn.timeout < now + early]:
            self.unpark(conn)
            self.drop(conn)
        for conn, deadline in list(self.answering.items()):
            if deadline < now:
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)  # the thread wakes up and closes it

    def unpark(self, conn):
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def park(self, conn, seconds, callback):
        """Leaves a connection to the poller, which calls when something comes."""
        conn.sock.setblocking(False)
        conn.timeout = conn.timeout or time.monotonic() + seconds
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(callback, conn))

    def drop(self, conn):
        self.nr_conns -= 1
        conn.close()

    def is_full(self, conn):
        """Whether a large request has no place beside the other unfinished ones."""
        size = waiting(conn)
        return size > AT_ONCE and size + sum(map(waiting, self.pending_conns)) > TOGETHER


def waiting(conn):
    """How many bytes of an unfinished request are in memory."""
    return conn.parser.unreader.buf.tell() if conn.parser else 0


def is_whole(received, longest_head):
    """Whether the bytes received are a whole request, or enough of one to refuse it."""
    head = HEAD_END.search(received)
    if not head:
        return len(received) > longest_head
    body, limit = len(received) - head.end(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if CHUNKED.search(received, 0, head.end()):
        return body > limit or (
            bytes(received[-5:]) == END and has_all_chunks(received, head.end())
        )
    length = LENGTH.search(received, 0, head.end())
    wanted = int(length[1]) if length else 0
    return wanted > limit or body >= wanted


def has_all_chunks(received, place):
    """Whether the chunks from a place on are all there; what is no chunk is for gunicorn to refuse."""
    while (size := CHUNK_SIZE.match(received, place)) and int(size[1], 16):
        place = size.end() + int(size[1], 16) + 2
    return bool(size) or place < len(received)


def invite(conn):
    """Tells a client that waits for leave to send its body that it may."""
    received = conn.parser.unreader.buf.getbuffer()
    if bytes(received[-4:]) == b"\r\n\r\n" and HESITANT.search(received):
        with suppress(OSError):
            conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
