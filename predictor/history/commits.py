"""Lets the rows of several requests share a commit; record.py sends the rows gathered here.

A thread with a row to record waits briefly for threads that are still computing theirs, because a
commit of four rows takes hardly longer than a commit of one. gunicorn's worker reports the requests in
progress; in other processes there is no waiting.
"""

import threading
from collections import deque
from contextlib import suppress

from django.db import DataError, Error, IntegrityError, OperationalError

A_MOMENT = 0.003
"""The most seconds that a row waits for others: about the time to compute a few prices."""

FAULTS_OF_A_ROW = (DataError, IntegrityError)
"""Errors that may concern only some of the rows; all others concern the database."""


class _Waiting:
    """The rows of a request that wait for a commit; `error`: why they were not recorded, or None."""

    __slots__ = ("_bell", "done", "error", "rows")

    def __init__(self, rows):
        self.rows, self.done = rows, False
        self.error = OperationalError("the rows were not sent")
        self._bell = threading.Lock()
        self._bell.acquire()

    def wait(self):
        """Waits until `ring` is called, or for A_MOMENT."""
        self._bell.acquire(timeout=A_MOMENT)

    def ring(self):
        with suppress(RuntimeError):  # already released
            self._bell.release()

    def settle(self, error=None):
        self.error, self.done = error, True
        self.ring()


class SharedCommits:
    """Commits rows of several threads together: those that arrive while other requests are in progress,
    or while a thread waits for the database. The last thread to arrive sends them all.

    So all threads wait for the database once, not one after the other: a slow disk delays all rows by
    one commit, and if the database is unavailable, all waiting threads get the error.
    """

    def __init__(self, threads=0):
        self.threads = threads
        self._turn, self._gathered = threading.Lock(), deque()
        self._on_the_way, self._here, self._of_thread = set(), set(), threading.local()

    # Called by the worker

    def expect(self, request):
        """A request was passed to the threads: it may come to record a row."""
        self._on_the_way.add(request)

    def begin(self, request):
        """The calling thread works on an expected request."""
        self._of_thread.request = request

    def leave(self):
        """The calling thread's request has finished, or will take long: no other thread waits for it."""
        self._come()
        if self._gathered and not self._more_to_come():
            with suppress(IndexError):  # another thread has taken them
                self._gathered[0].ring()

    # Called by the history

    def commit(self, rows, send):
        """Returns once the rows are committed, over any thread's connection; raises django.db.Error.

        send: commits all of a list of rows, or none, over the calling thread's connection.
        """
        self._come()
        if not (self._gathered or self._more_to_come()) and self._turn.acquire(blocking=False):
            self._commit_at_once(rows, send)
        else:
            self._commit_together(rows, send)

    def _commit_together(self, rows, send):
        own = _Waiting(rows)
        try:
            self._gathered.append(own)
            self._here.add(own)
            if self._more_to_come():
                own.wait()
            self._see_to(own, send)
        finally:
            self._here.discard(own)
            if not own.done:  # the next commit must not send rows that no thread waits for
                with suppress(ValueError):
                    self._gathered.remove(own)
        if own.error:
            raise own.error

    def _commit_at_once(self, rows, send):
        """Commits rows that have no others to wait for; the calling thread has the turn."""
        self._here.add(rows_here := object())
        try:
            send(rows)
        except Error as error:
            if not isinstance(error, FAULTS_OF_A_ROW):
                _settle_each(self._taken(), error)
            raise
        finally:
            self._here.discard(rows_here)
            self._turn.release()

    def _come(self):
        """Removes the calling thread's request, if it has one, from those in progress."""
        self._on_the_way.discard(getattr(self._of_thread, "request", None))
        self._of_thread.request = None

    def _more_to_come(self):
        """Whether a thread that has not arrived has, or will get, a request in progress."""
        return min(len(self._on_the_way), self.threads - len(self._here)) > 0

    def _see_to(self, own, send):
        """Sends all gathered rows, unless another thread has already sent this thread's rows."""
        if own.done:
            return
        with self._turn:
            if not own.done:
                self._commit_all(send)

    def _commit_all(self, send):
        together = self._taken()
        try:
            send([row for one in together for row in one.rows])
        except FAULTS_OF_A_ROW:
            for one in together:
                _settle_alone(one, send)
        except BaseException as error:  # after any error, these rows must not count as recorded
            away = isinstance(error, Error)
            _settle_each(together + self._taken() if away else together, error)
        else:
            _settle_each(together)

    def _taken(self):
        return [self._gathered.popleft() for _ in range(len(self._gathered))]


def _settle_each(several, error=None):
    for one in several:
        one.settle(error)


def _settle_alone(one, send):
    """Sends a request's rows separately, so that a faulty row of another request does not affect them."""
    try:
        send(one.rows)
    except BaseException as error:  # its own thread raises it
        one.settle(error)
    else:
        one.settle()


shared = SharedCommits()
"""The instance of this process."""
