"""gunicorn's threaded worker, which waits for slow clients without a thread; gunicorn.conf.py names it.

A connection stands in the poller until the head of a request is there (peeking.py): gunicorn reads, parses
and refuses every byte. A body is waited for by a thread, but not beyond a deadline.
"""

import time
from contextlib import suppress
from functools import partial
from select import select
from selectors import EVENT_READ
from socket import SHUT_RDWR, SHUT_WR

from gunicorn.workers.gthread import ThreadWorker

from predictor.history.commits import shared

from .peeking import has_head

HEAD, ANSWER, LINGER, CLOSING = 10, 30, 2, 1
"""Seconds for a head; a body and its answer; a client to read its last answer; a stop's last guests."""
PAUSE = 0.0002
"""Seconds that each connection a worker has keeps it from taking the next, lest it takes a whole pool's."""


class PatientWorker(ThreadWorker):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.deadlines, shared.threads = {}, self.cfg.threads

    def is_parent_alive(self):
        self.alive = self.alive and super().is_parent_alive()  # an orphan stops as if told to
        return self.alive

    def set_accept_enabled(self, enabled):
        super().set_accept_enabled(enabled and self.alive)
        until = time.monotonic() + CLOSING
        while self.sockets and not self.alive:  # nobody shall wait at a door that stays shut
            if select(self.sockets[-1:], [], [], 0)[0] and time.monotonic() < until:
                self.accept(self.sockets[-1])
            else:
                self.sockets.pop().close()

    def accept(self, listener):
        time.sleep(min(self.nr_conns, 10) * PAUSE * self.alive)
        super().accept(listener)

    def enqueue_req(self, conn):
        """Gives a connection to a thread, or to the poller where the thread would wait for a head."""
        if not has_head(conn, self.cfg.limit_request_line):
            return self.park(conn, HEAD, self.on_pending_socket_readable)
        conn.timeout, conn.data_ready = None, True
        shared.expect(conn)
        return super().enqueue_req(conn)

    def park(self, conn, seconds, callback):
        conn.timeout = min(conn.timeout or float("inf"), time.monotonic() + seconds)
        conn.sock.setblocking(False)
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(callback, conn))

    def handle(self, conn):  # in a thread
        shared.begin(conn)
        self.deadlines[conn] = time.monotonic() + ANSWER
        try:
            return super().handle(conn)
        finally:
            del self.deadlines[conn]
            shared.leave()

    def finish_request(self, conn, fs):
        """Has a client read its last answer, though it may still be sending; nobody waits for it here."""
        if fs.cancelled() or fs.exception() or fs.result() is not False:
            return super().finish_request(conn, fs)
        try:
            conn.sock.shutdown(SHUT_WR)
            return self.park(conn, LINGER, self.discard)
        except OSError:
            self.nr_conns -= 1
            return conn.close()

    def discard(self, conn, sock):
        with suppress(OSError):
            if sock.recv(2**16):
                return
        conn.timeout = 0
        self.murder_pending()

    def murder_pending(self):
        """Ends what is beyond its deadline, wherever it stands: a thread that waits for it wakes up."""
        now = time.monotonic()
        for conn in [conn for conn in self.pending_conns if conn.timeout < now]:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
            self.nr_conns -= 1
            conn.close()
        for conn in [conn for conn, until in [*self.deadlines.items()] if until < now]:
            with suppress(OSError):
                conn.sock.shutdown(SHUT_RDWR)
