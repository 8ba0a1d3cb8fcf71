"""The served requests' database connections: how long one is waited on, when one is given up.

gunicorn's workers set this up, for commands may take their time. What SQLite, and the way to
PostgreSQL, may take is in the settings.
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
"""What PostgreSQL itself gives up after, with an error that says why."""

ANSWER_SECONDS = 10
"""After so long a PostgreSQL that is up but says nothing, as a frozen one, is taken for gone."""

_opened = WeakSet()
_lock = threading.Lock()


def set_up():
    """For the connections that this process makes from now on."""
    os.environ.setdefault("PGOPTIONS", IN_POSTGRESQL)
    connection_created.connect(_note)


def let_go(error):
    """Logs why the database was unusable; each thread opens a new connection for its next request.

    The connection itself may be at fault, as one that was opened while all was read-only.
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
    """psycopg's way to wait for an answer, for ANSWER_SECONDS; then the connection is closed, so that
    nothing else is asked over it in vain."""
    try:
        return type(connection).wait(connection, answer, timeout=ANSWER_SECONDS)
    except connection.OperationalError as error:
        if error.sqlstate is None and connection.info.transaction_status.name == "ACTIVE":
            connection.close()  # no error of PostgreSQL's own: it said nothing
        raise


def _refuse_read_only(connection):
    """Closes what SQLite could open for reading alone: as long as one such connection is open in the
    process, the others write nothing either, though the file were writable again."""
    file = Path(connection.settings_dict["NAME"])
    for path in (file.parent, *(file.with_name(file.name + end) for end in ("", "-wal", "-shm"))):
        if path.exists() and not os.access(path, os.W_OK):
            connection.close()
            raise OperationalError(f"{path.name} is read-only")
