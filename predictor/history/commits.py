"""Lets the rows of several requests share a commit; record.py sends what is gathered here.

Who has a row to record waits a moment for the threads that are still working on theirs, because one
commit of four rows takes hardly longer than one of a single row. gunicorn's worker tells who is on the
way; where nobody does, nobody is waited for.
"""

import threading
from collections import deque
from contextlib import suppress

from django.db import DataError, Error, IntegrityError, OperationalError

A_MOMENT = 0.003
"""Seconds that a row waits for others at most: as long as a few prices take."""

FAULTS_OF_A_ROW = (DataError, IntegrityError)
"""Errors that other rows need not have; all others are the database's."""


class _Waiting:
    """A request's rows on their way; `error` says what keeps them from being recorded, None if nothing."""

    __slots__ = ("_bell", "done", "error", "rows")

    def __init__(self, rows):
        self.rows, self.done = rows, False
        self.error = OperationalError("the rows were not sent")
        self._bell = threading.Lock()
        self._bell.acquire()

    def wait(self):
        """Until the bell, or for a moment."""
        self._bell.acquire(timeout=A_MOMENT)

    def ring(self):
        with suppress(RuntimeError):  # it has rung already
            self._bell.release()

    def settle(self, error=None):
        self.error, self.done = error, True
        self.ring()


class SharedCommits:
    """Commits rows of several threads together: those that come while others are still on the way, or
    while one of them waits for the database. The last to come sends them all.

    So a database is waited for once, not by one thread after the other: a disk that takes its time
    takes it for all rows at once, and where the database turns out to be away, all who wait learn it.
    """

    def __init__(self, threads=0):
        self.threads = threads
        self._turn, self._gathered = threading.Lock(), deque()
        self._on_the_way, self._here, self._of_thread = set(), set(), threading.local()

    # What the worker tells

    def expect(self, request):
        """A request was given to the threads: it may come to record."""
        self._on_the_way.add(request)

    def begin(self, request):
        """The calling thread works on a request that was expected."""
        self._of_thread.request = request

    def leave(self):
        """The calling thread's request has come, or will not come soon: nobody waits for it."""
        self._come()
        if self._gathered and not self._more_to_come():
            with suppress(IndexError):  # another thread has just taken them
                self._gathered[0].ring()

    # What the history asks

    def commit(self, rows, send):
        """Returns once the rows are committed, over whichever thread's connection; django.db.Error.

        send: commits all of a list of rows, or none, over the calling thread's connection.
        """
        own = _Waiting(rows)
        try:
            self._gathered.append(own)
            self._here.add(own)
            self._come()
            if self._more_to_come():
                own.wait()
            self._see_to(own, send)
        finally:
            self._here.discard(own)
            if not own.done:  # whoever commits next shall not send what nobody waits for
                with suppress(ValueError):
                    self._gathered.remove(own)
        if own.error:
            raise own.error

    def _come(self):
        """The calling thread's request, if it has one, is on the way no more."""
        self._on_the_way.discard(getattr(self._of_thread, "request", None))
        self._of_thread.request = None

    def _more_to_come(self):
        """Whether a thread that is not here has, or will take, a request that is on the way."""
        return min(len(self._on_the_way), self.threads - len(self._here)) > 0

    def _see_to(self, own, send):
        """Sends all that is gathered, unless another thread has sent the own rows meanwhile."""
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
        except BaseException as error:  # whatever it is, none of these may pass for recorded
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
    """Sends a request's rows by themselves, for others shall not suffer from one that is at fault."""
    try:
        send(one.rows)
    except BaseException as error:  # which its own thread raises
        one.settle(error)
    else:
        one.settle()


shared = SharedCommits()
"""This process's."""
