"""The database connections of served requests: time limits, and when a connection is closed.

Set up by gunicorn's workers, because commands have no such limits. The limits for SQLite, and for
connecting to PostgreSQL, are in the settings.
"""

import logging
import os
import threading
import time
from functools import partial
from pathlib import Path
from weakref import WeakSet

from django.db import OperationalError
from django.db.backends.signals import connection_created

log = logging.getLogger(__name__)

IN_POSTGRESQL = "-c lock_timeout=3s -c statement_timeout=8s"
"""Time limits enforced by PostgreSQL, which returns an error with the reason."""

ANSWER_SECONDS = 10
"""After this long without an answer PostgreSQL, for example a frozen server, is considered lost."""

_opened = WeakSet()
_lock = threading.Lock()


def set_up():
    """Sets up the connections that this process opens from now on."""
    os.environ.setdefault("PGOPTIONS", IN_POSTGRESQL)
    connection_created.connect(_note)


def let_go(error):
    """Logs why the database was unusable; each thread opens a new connection for its next request.

    The connection itself may be the cause, for example if it was opened while the file was read-only.
    """
    log.warning("the database is unusable: %s", " ".join(str(error).split()))
    with _lock:
        for connection in _opened:
            connection.close_at = time.monotonic()


def _note(connection, **kwargs):
    with _lock:
        _opened.add(connection)
    if connection.vendor == "postgresql":
        connection.connection.wait = partial(_wait_for_answer, connection.connection)
    else:
        _refuse_read_only(connection)


def _wait_for_answer(connection, answer):
    """Waits for psycopg's answer for at most ANSWER_SECONDS; then closes the connection, so that no
    further query uses it."""
    try:
        return type(connection).wait(connection, answer, timeout=ANSWER_SECONDS)
    except connection.OperationalError as error:
        if error.sqlstate is None and connection.info.transaction_status.name == "ACTIVE":
            connection.close()  # PostgreSQL returned no error
        raise


def _refuse_read_only(connection):
    """Closes a SQLite connection that could be opened only for reading: while one is open in the process,
    the others cannot write either, even if the file is writable again."""
    file = Path(connection.settings_dict["NAME"])
    for path in (file.parent, *(file.with_name(file.name + end) for end in ("", "-wal", "-shm"))):
        if path.exists() and not os.access(path, os.W_OK):
            connection.close()
            raise OperationalError(f"{path.name} is read-only")
