"""gunicorn's threaded worker, which waits for clients without a thread; gunicorn.conf.py names it.

A connection is in the poller until the head of a request has arrived (peeking.py), then its body
(bodies.py), and at the end until the client has read its response (sockets.py). gunicorn reads,
parses and refuses every byte.

The main thread answers prices itself, several at once (predictor/history/commits.py): passing each to
another thread and back would cost a quarter of the answers a second. Threads answer all others.
"""

import io
import time
from collections import deque
from contextlib import suppress
from functools import partial
from select import select
from selectors import EVENT_READ, EVENT_WRITE
from socket import SHUT_WR

from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

from predictor.history.commits import NeedsThread, Task, shared

from .bodies import LINE, IncomingBody
from .peeking import has_head
from .sockets import ClientSocket

HEAD, LINGER, CLOSING = 10, 2, 1
"""Seconds: for a head; for a client to read its last response; for the last connections at a stop.
gunicorn's `timeout` applies to a body, and between two reads of a response."""
PAUSE = 0.0002
"""Seconds that a worker waits before accepting, for each of its connections, so that others accept
some too."""
BODIES, ANSWERS = 2**26, 2**29
"""The most bytes of unfinished bodies, in memory, and of unread responses, in files, that a worker
keeps."""
LONG = "/export/", "/file/"
"""Parts of the paths of requests that wait for their turn, though they have no body: those of the
admin's exports and of the files of jobs."""
QUICK = "/api/predict"
"""The end of the paths of requests that the main thread answers, unless they have one of
SLOW_HEADERS."""
SLOW_HEADERS = {"AUTHORIZATION", "CONTENT-ENCODING", "IDEMPOTENCY-KEY"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Later(BaseException):
    """Raised to take a request from a thread that must not wait for it."""


class Done:
    """A result, in place of the Future that gunicorn's worker has."""

    def __init__(self, result):
        self._result = result

    def result(self):
        return self._result

    def cancelled(self):
        return False

    exception = cancelled


class Unreader(SocketUnreader):
    """gunicorn's buffer, which returns gathered bytes in pieces as if they had just arrived: it
    copies the whole buffer for each chunk that it reads."""

    def read(self, size=None, read_ahead=None):
        there = self.buf.getbuffer().nbytes
        if size is None and there > LINE // 2:  # so that the limits of a line are the same
            size = min(max(LINE // 2, read_ahead or 0), there)
        return super().read(size, read_ahead)


class Parser(RequestParser):
    """gunicorn's parser, which can return the same request again after a thread has left it."""

    left = None

    def __init__(self, cfg, sock, client):
        super().__init__(cfg, sock, client)
        self.unreader = Unreader(sock)

    def __next__(self):
        request, self.left = self.left or super().__next__(), None
        return request


def body_kept(conn):
    """The bytes of a body that no thread has yet, for `keep_within`: the largest is closed first."""
    held = conn.body.held if conn.body else 0
    return held, held


def unread(conn):
    """The unread bytes of a response: clients that have not read for longest are closed first."""
    return conn.sock.spooled, -(conn.timeout or 0) if conn.sock.spooled else float("-inf")


def is_quick(req):
    """Whether the main thread may answer a request, whose body is small."""
    return req.path.endswith(QUICK) and SLOW_HEADERS.isdisjoint(name for name, _ in req.headers)


class PatientWorker(ThreadWorker):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.long, self.queue = set(), deque()
        self.longest_line = self.cfg.limit_request_line + 5
        field = self.cfg.limit_request_field_size + 2
        self.longest_head = self.longest_line + self.cfg.limit_request_fields * field

    def run(self):
        shared.serve(self.cfg.threads, self.poller, self.tpool.submit, self.method_queue.defer)
        super().run()

    def wait_for_and_dispatch_events(self, timeout):
        super().wait_for_and_dispatch_events(shared.most_seconds(timeout))
        shared.send_gathered()

    @classmethod
    def check_config(cls, cfg, log):
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("this worker does not serve HTTPS: put a proxy before it")

    def is_parent_alive(self):
        self.alive = self.alive and super().is_parent_alive()  # an orphan stops as at a stop signal
        return self.alive

    def set_accept_enabled(self, enabled):
        super().set_accept_enabled(enabled and self.alive)
        until = time.monotonic() + CLOSING
        while self.sockets and not self.alive:  # accepts the connections that wait already
            if select(self.sockets[-1:], [], [], 0)[0] and time.monotonic() < until:
                self.accept(self.sockets[-1])
            else:
                self.sockets.pop().close()

    def accept(self, listener):
        time.sleep(min(self.nr_conns, 10) * PAUSE * self.alive)
        super().accept(listener)

    def enqueue_req(self, conn):
        """Starts a request, or gives the connection to the poller if the head has not arrived."""
        if not isinstance(conn.sock, ClientSocket):
            conn.sock, conn.body = ClientSocket(conn.sock), None
            conn.parser = Parser(self.cfg, conn.sock, conn.client)
        if not has_head(conn, self.longest_line, self.longest_head):
            return self.park(conn, HEAD, self.on_pending_socket_readable)
        return self.submit(conn)

    def submit(self, conn):
        """Answers a request, in the main thread if it needs no other."""
        conn.timeout, conn.data_ready = None, True
        conn.sock.hold()
        Task.start(partial(self.handle, conn), partial(self.finish_here, conn))

    def finish_here(self, conn, result):
        try:
            conn.sock.release()
        except OSError:  # the client has gone
            result = False
        if result is NeedsThread:
            self.pass_to_thread(conn)
        else:
            self.finish_request(conn, Done(result))

    def pass_to_thread(self, conn):
        super().enqueue_req(conn)

    def park(self, conn, seconds, callback, event=EVENT_READ):
        conn.timeout = min(conn.timeout or float("inf"), time.monotonic() + seconds)
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, event, partial(callback, conn))

    def unpark(self, conn):
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def handle(self, conn):  # in any thread
        try:
            return super().handle(conn)
        except (Later, NeedsThread) as why:
            conn.parser.left = conn.parser.mesg
            return type(why)

    def handle_request(self, req, conn):  # in any thread
        """Answers a request whose body is complete, and whose turn it is if it takes long."""
        if not conn.body:
            conn.body = IncomingBody(conn)
            conn.is_long = any(part in req.path for part in LONG)
            if not conn.body.arrived() or conn.body.large or conn.is_long:
                if req._expected_100_continue:
                    conn.sock.sendall(CONTINUE)
                    req._expected_100_continue = False
                raise Later
        if not shared.in_main_thread():
            conn.body = None
            return super().handle_request(req, conn)
        if not is_quick(req):
            raise NeedsThread
        conn.body, unreader = None, conn.parser.unreader
        body = unreader.buf.getvalue()
        try:
            return super().handle_request(req, conn)
        except NeedsThread:  # another thread reads the body again
            unreader.buf = io.BytesIO()
            unreader.buf.write(body)
            req.set_body_reader()
            req._expected_100_continue = False  # it is told already
            raise

    def gather(self, conn, sock):
        """Reads what has arrived of a body; when it is complete, the request gets its turn."""
        if conn.body.arrived():
            self.unpark(conn)
            self.take_turns(conn)
        self.keep_within(BODIES, body_kept)

    def take_turns(self, *conns):
        """Gives requests to threads. Only half of the threads serve requests that take long: prices
        need the others, and with fewer there are fewer lists a second (docs/speed.md)."""
        for conn in conns:
            if conn.body.large or conn.is_long:
                self.queue.append(conn)
            else:
                self.submit(conn)
        while self.queue and len(self.long) < max(self.cfg.threads // 2, 1):
            self.long.add(self.queue[0])
            self.pass_to_thread(self.queue.popleft())

    def finish_request(self, conn, fs):
        """Lets a client read its response, even while it is still sending; no thread waits for it."""
        if conn in self.long:
            self.long.remove(conn)
            self.take_turns()
        if fs.cancelled() or fs.exception():
            return super().finish_request(conn, fs)
        if fs.result() is Later:
            return self.wait_for_body(conn)
        try:
            if not conn.sock.flush():
                self.park(conn, self.cfg.timeout, partial(self.go_on, fs), EVENT_WRITE)
                return self.keep_within(ANSWERS, unread)
            if fs.result() and conn.parser.unreader.buf.getvalue():
                # The next request is here already. It waits for its turn: starting it here would add to
                # the stack for each one that is answered at once.
                return self.method_queue.defer(self.enqueue_req, conn)
            if fs.result() is not False:
                return super().finish_request(conn, fs)
            conn.sock.shutdown(SHUT_WR)
            return self.park(conn, LINGER, self.discard)
        except OSError:
            self.nr_conns -= 1
            return conn.close()

    def wait_for_body(self, conn):
        if conn.body.whole:
            self.take_turns(conn)
        else:
            self.park(conn, self.cfg.timeout, self.gather)
        self.keep_within(BODIES, body_kept)

    def go_on(self, fs, conn, sock):
        """Sends more of a response to a client that reads it."""
        self.unpark(conn)
        conn.timeout = None
        self.finish_request(conn, fs)

    def discard(self, conn, sock):
        with suppress(OSError):
            if sock.recv(2**16):
                return
        self.end(conn)

    def murder_pending(self):
        """Closes connections that are over their deadline."""
        now = time.monotonic()
        for conn in [conn for conn in self.pending_conns if conn.timeout < now]:
            self.end(conn)

    def keep_within(self, most, kept):
        """Closes connections until together they keep at most `most` bytes.

        kept: returns the bytes that a connection keeps, and its rank; the highest rank is closed first.
        """
        while sum(kept(conn)[0] for conn in [*self.pending_conns, *self.queue]) > most:
            self.end(max([*self.pending_conns, *self.queue], key=lambda conn: kept(conn)[1]))

    def end(self, conn):
        self.queue.remove(conn) if conn in self.queue else self.unpark(conn)
        self.nr_conns -= 1
        conn.close()
