"""Turns among all who share a database: PostgreSQL's advisory locks. No other machine shares SQLite."""

from contextlib import contextmanager, suppress

from django.db import Error as DatabaseUnusable
from django.db import connection


@contextmanager
def advisory_lock(number, wait=True):
    """Holds the lock of a number, which goes with the process that holds it, however it ends.

    wait: until nobody else holds it; else the value tells whether it was to be had.
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
