"""Locks for all processes that share a database: PostgreSQL's advisory locks. SQLite is never shared
between machines, so it needs none here.
"""

from contextlib import contextmanager, suppress

from django.db import Error as DatabaseUnusable
from django.db import connection


@contextmanager
def advisory_lock(number, wait=True):
    """Holds the advisory lock with a number; it is released when the process ends, however it ends.

    wait: until the lock is free; otherwise the value is whether it was acquired.
    """
    if connection.vendor != "postgresql":
        yield True
        return
    ask = "SELECT pg_advisory_lock(%s)" if wait else "SELECT pg_try_advisory_lock(%s)"
    with connection.cursor() as cursor:
        cursor.execute(ask, [number])
        had = wait or cursor.fetchone()[0]
    try:
        yield had
    finally:
        if had:
            with suppress(DatabaseUnusable), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
