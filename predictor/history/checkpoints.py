"""Merges SQLite's write-ahead log into the database in the background, so that no request waits for it.

gunicorn's workers call `keep_merging`. In other processes, such as commands, SQLite merges on commit.
"""

import logging
import threading
import time

from django.db import Error as DatabaseUnusable
from django.db import close_old_connections, connection
from django.db.backends.signals import connection_created

log = logging.getLogger(__name__)

EVERY = 1
"""Seconds between two merges."""

LONG = 10_000
"""Pages (4 KB) after which the log is restarted, or it would keep growing; writers wait briefly for it."""

TOO_LONG = 100_000
"""Pages after which a commit merges the log itself: the background thread has not done it."""


def keep_merging():
    """Merges the log in a thread as long as the process lives; does nothing on PostgreSQL."""
    if connection.vendor == "sqlite":
        connection_created.connect(_leave_the_log_alone)
        threading.Thread(target=_forever, name="checkpoints", daemon=True).start()


def merge():
    """Merges the log, and restarts a long one. Raises django.db.Error if the database is unavailable."""
    with connection.cursor() as cursor:
        _busy, pages, merged = cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        # All of it is merged unless a reader, such as a backup, still uses an older state: then writers
        # would wait until that reader ends.
        if merged == pages > LONG:
            cursor.execute("PRAGMA wal_checkpoint(RESTART)")


def _forever():
    while True:
        time.sleep(EVERY)
        close_old_connections()
        try:
            merge()
        except DatabaseUnusable as error:
            log.warning("SQLite's log could not be merged: %s", error)


def _leave_the_log_alone(connection, **kwargs):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_autocheckpoint={TOO_LONG}")
