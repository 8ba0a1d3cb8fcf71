"""Limits the time of the admin's queries on SQLite; PostgreSQL has its own limit (connections.py).

Called by the admin's middleware.
"""

import sqlite3
import time
from contextlib import contextmanager

from django.db import connection

SECONDS = 8
"""The same as PostgreSQL's statement_timeout in connections.py."""

STEPS = 50_000
"""SQLite instructions between two checks of the time: a few milliseconds."""

CANCELED = "57014"
"""PostgreSQL's error code for a canceled statement, for example by statement_timeout."""


class _Limit:
    """A wrapper for a connection's queries: each may take SECONDS until its last row is read."""

    def __call__(self, execute, sql, params, many, context):
        self.until = time.monotonic() + SECONDS
        context["connection"].connection.set_progress_handler(self.is_over, STEPS)
        return execute(sql, params, many, context)

    def is_over(self):
        return time.monotonic() > self.until


@contextmanager
def limited_queries():
    """Stops queries of the thread that take more than SECONDS; `ran_out_of_time` detects their error."""
    if connection.vendor != "sqlite":
        yield
        return
    try:
        with connection.execute_wrapper(_Limit()):
            yield
    finally:
        if connection.connection is not None:
            connection.connection.set_progress_handler(None, 0)


def ran_out_of_time(error):
    """Whether a database error comes from a query that was stopped because it took too long."""
    cause = error.__cause__
    stopped = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
    return stopped or getattr(cause, "sqlstate", None) == CANCELED
