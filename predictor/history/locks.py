"""Locks for all processes that share a database: PostgreSQL's advisory locks. SQLite is never shared
between machines, so a lock of a file in VAR_DIR does the same there.
"""

import fcntl
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseUnusable
from django.db import connection

from predictor import private_files


class Busy(RuntimeError):
    """Another thread, process or machine is in the block."""


@contextmanager
def one_at_a_time(name, wait=True):
    """Waits until no other thread or process is in the block with this name, on any machine.

    wait: False raises Busy instead. A wait of minutes would keep PostgreSQL from removing deleted rows.
    """
    number = int.from_bytes(name.encode()[:8].ljust(8), "big") >> 1  # a positive bigint
    folder = private_files.make_folder(Path(settings.VAR_DIR) / "run")
    with private_files.opened(folder / f"{name}.lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy(name) from None
        with advisory_lock(number, wait) as locked:
            if not locked:
                raise Busy(name)
            yield


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
