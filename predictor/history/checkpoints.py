"""Merges SQLite's write-ahead log into the database beside the requests, so that none of them waits for it.

gunicorn's workers call `keep_merging`. Where nobody does, as in commands, SQLite merges while it commits.
"""

import logging
import threading
import time

from django.db import Error as DatabaseUnusable
from django.db import close_old_connections, connection
from django.db.backends.signals import connection_created

log = logging.getLogger(__name__)

EVERY = 1
"""Seconds between two looks at the log."""

LONG = 10_000
"""Pages (4 KB) of a log that is begun anew, for which writers wait a moment: it would grow for ever."""

TOO_LONG = 100_000
"""Pages after which a commit merges the log itself: nobody else has done it."""


def keep_merging():
    """Merges the log in a thread for as long as the process lives; nothing to do on PostgreSQL."""
    if connection.vendor == "sqlite":
        connection_created.connect(_leave_the_log_alone)
        threading.Thread(target=_forever, name="checkpoints", daemon=True).start()


def merge():
    """Merges what is in the log; begins a long one anew. django.db.Error where the database is away."""
    with connection.cursor() as cursor:
        _busy, pages, merged = cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        # All of it was merged unless somebody still reads an older state, as a backup does: then writers
        # would wait for that one, and not for a moment.
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
