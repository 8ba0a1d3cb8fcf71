"""Lets the rows of several prices share a commit.

The main thread of gunicorn's worker answers prices, each in a greenlet. One that has a row to record
stops here until the row is committed; meanwhile the next price is computed. That thread never waits
for the database: if SQLite is locked, it sends the rows again a little later, and if it has no
connection, it passes them to another thread. Requests that other threads answer, and other processes,
commit their rows themselves.
"""

import sqlite3
import time
from functools import partial
from selectors import PollSelector
from threading import get_ident

from django.db import (
    DEFAULT_DB_ALIAS,
    DataError,
    Error,
    IntegrityError,
    OperationalError,
    close_old_connections,
    connections,
)
from greenlet import getcurrent, greenlet

from .connections import ANSWER_SECONDS

A_MOMENT = 0.005
"""Seconds that the main thread waits for PostgreSQL before it returns to the poller: most commits
take less, and then more rows share the next one."""

A_TURN, LOCK_SECONDS = 0.001, 3
"""Seconds after which rows are sent again if another connection has SQLite's lock; for how long in all, as
the settings' `timeout`. SQLite itself would wait up to 0.1 s between two attempts, and miss its turn."""

A_FEW = 16
"""The most rows in one commit."""

FAULTS_OF_A_ROW = (DataError, IntegrityError)
"""Errors that may concern only some of the rows; all others concern the database."""


LOCKED = object()
"""Instead of the errors of rows: they are to be sent again."""


class NeedsThread(BaseException):
    """Raised in the main thread: a request may have to wait, so another thread answers it."""


class NoAnswer(OperationalError):
    """PostgreSQL has not answered for ANSWER_SECONDS."""


class Task(greenlet):
    """Calls functions that can stop in the middle, one after another: a new greenlet for each,
    with a stack of its own, would take 8% of an answer."""

    _free = []

    @classmethod
    def start(cls, function, end):
        """Calls a function until it stops, or has ended; then `end` is called with its result."""
        task = cls._free.pop() if cls._free else cls()
        task.function, task.end = function, end
        task.resume()

    def run(self, *_):
        while True:
            result, self.function = self.function(), None
            self.parent.switch(result)

    def resume(self, *value):
        """Continues the function until it stops again, or has ended."""
        result = self.switch(*value)
        if self.function is None:
            self._free.append(self)
            self.end(result)


class SharedCommits:
    """The commits of the prices that a worker's main thread answers, called in that thread."""

    threads = 0
    """The number of the worker's other threads; 0 in other processes."""

    def __init__(self):
        self._thread = self._connection = self._sending = self._locked_since = None
        self._gathered = []

    # Called by the worker

    def serve(self, threads, poller, submit, defer):
        """From now on the calling thread answers prices.

        submit: calls a function in another thread; defer: called there, calls one in this thread.
        """
        self.threads, self._thread = threads, get_ident()
        self._poller, self._submit, self._defer = poller, submit, defer
        connections[DEFAULT_DB_ALIAS].connect = self.require_thread

    def send_gathered(self):
        """Commits the gathered rows, unless others are still being committed."""
        if isinstance(self._sending, Task) and time.monotonic() > self._until:
            self._sending.resume(NoAnswer("PostgreSQL does not answer"))
        while self._gathered and not self._sending:
            some, self._gathered = self._gathered[:A_FEW], self._gathered[A_FEW:]
            if self._is_connected():
                Task.start(partial(self._send_at_once, some), partial(self._end, some))
            else:
                self._pass_to_a_thread(some)
            if self._locked_since:
                break

    def most_seconds(self, timeout):
        """How long the poller may wait for events: not longer than until locked rows are sent again."""
        return A_TURN if self._locked_since else timeout

    # Called by the application

    def in_main_thread(self):
        """Whether the calling thread is the main one of a worker."""
        return get_ident() == self._thread

    def require_thread(self):
        """In the main thread, passes the current request to another one, which starts it again."""
        if self.in_main_thread():
            raise NeedsThread

    def commit(self, rows, insert, send):
        """Returns once the one row of a list is committed; raises django.db.Error. Passes longer lists to
        another thread.

        insert: inserts all of a list of rows, or none, over a connection; send: does so, and over a new
        connection if that one was lost.
        """
        if len(rows) > 1:
            raise NeedsThread
        self._insert, self._send = insert, send
        here = getcurrent()
        self._gathered.append((here, *rows))
        if error := here.parent.switch():
            raise error

    # Over the main thread's connection

    def _is_connected(self):
        close_at = self._connection and self._connection.close_at
        if close_at is not None and close_at <= time.monotonic():
            self._disconnect()
        return self._connection is not None

    def _disconnect(self):
        self._connection.close()
        self._connection = None

    def _send_at_once(self, some):
        """The error of each row, or None; an error of the database; LOCKED; None if another thread is to
        send them."""
        self._sending = getcurrent()
        try:
            return _committed(some, partial(self._insert, connection=self._connection))
        except Error as error:
            return self._result_of(error)
        except Exception as error:  # after any error, these rows must not count as recorded
            return [error] * len(some)

    def _result_of(self, error):
        cause = error.__cause__
        if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            self._locked_since = self._locked_since or time.monotonic()
            is_late = time.monotonic() - self._locked_since > LOCK_SECONDS
            return error if is_late else LOCKED
        if getattr(cause, "sqlstate", None) and not self._connection.connection.closed:
            return error  # it would be the same over another connection
        self._disconnect()
        return error if isinstance(error, NoAnswer) else None

    def _wait(self, answer, *options):
        """Returns to the poller until PostgreSQL has answered; replaces psycopg's Connection.wait."""
        self._until = time.monotonic() + ANSWER_SECONDS
        number = self._connection.connection.fileno()
        try:
            events = next(answer)
            while True:
                while not (ready := _ready(number, events)):
                    self._return_to_poller(number, events)
                events = answer.send(ready)
        except StopIteration as end:
            return end.value

    def _return_to_poller(self, number, events):
        self._poller.register(number, events, self._resume)
        try:
            error = getcurrent().parent.switch()
        finally:
            self._poller.unregister(number)
        if error:
            raise error

    def _resume(self, _number):
        self._sending.resume()

    def _end(self, some, found):
        self._sending = None
        if found is LOCKED:
            self._gathered = some + self._gathered
            return
        self._locked_since = None
        if found is None:
            self._pass_to_a_thread(some)
            return
        if isinstance(found, BaseException):  # the rows that wait need not find out, too
            some, self._gathered = some + self._gathered, []
            found = [found] * len(some)
        for (request, _), error in zip(some, found, strict=True):
            request.resume(error)

    # In another thread

    def _pass_to_a_thread(self, some):
        self._sending = some
        self._submit(self._send_in_a_thread, some, self._connection is None)

    def _send_in_a_thread(self, some, connects):
        found, opened = None, None
        try:
            close_old_connections()
            own = connections[DEFAULT_DB_ALIAS]
            found = _committed(some, partial(self._send, connection=own))
            opened = _open() if connects else None
        except BaseException as error:  # after any error, these rows must not count as recorded
            found = found or error
        self._defer(self._end_of_thread, some, found, opened)

    def _end_of_thread(self, some, found, opened):
        if opened:
            self._connection = opened
            if opened.vendor == "postgresql":
                opened.connection.wait = self._wait
        self._end(some, found)


def _open():
    """A new connection that may be used in another thread; it does not wait for a lock."""
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    connection.inc_thread_sharing()
    connection.connect()
    if connection.vendor == "sqlite":
        connection.connection.execute("PRAGMA busy_timeout=0")
    return connection


def _ready(number, events):
    """Which of the events of a file come about within A_MOMENT; 0 for none."""
    with PollSelector() as selector:
        selector.register(number, events)
        return sum(found for _, found in selector.select(A_MOMENT))


def _committed(some, send):
    """The error of each row, or None, after they were sent together; raises an error of the database."""
    rows = [row for _, row in some]
    try:
        send(rows)
    except FAULTS_OF_A_ROW:
        return [_alone(row, send) for row in rows]
    return [None] * len(rows)


def _alone(row, send):
    try:
        send([row])
    except Error as error:
        return error


shared = SharedCommits()
"""The instance of this process."""
