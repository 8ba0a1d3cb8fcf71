"""Writes the history: the rows of requests that come together in one commit. The service alone calls it.

Django's own compiler writes the statement, but once: to compile it for every row, as `Model.save` does,
takes longer than the row itself.
"""

import threading
from collections import deque
from functools import cache
from operator import attrgetter

from django.db import (
    DEFAULT_DB_ALIAS,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    models,
    transaction,
)
from django.db.models.sql import InsertQuery

from .models import Prediction

FIELDS = Prediction._meta.concrete_fields
VALUES_OF = attrgetter(*(field.attname for field in FIELDS))
ADAPTED = {
    models.UUIDField: lambda ids, database: (
        ids if database.features.has_native_uuid_field else ids.hex
    ),
    models.DateTimeField: lambda moment, database: database.ops.adapt_datetimefield_value(moment),
    models.JSONField: lambda value, database: (
        value if value is None else database.ops.adapt_json_value(value, None)
    ),
}
"""What a field's value needs, to be taken by a database: all others are taken as they stand."""

PLACES = [
    (place, ADAPTED[type(field)]) for place, field in enumerate(FIELDS) if type(field) in ADAPTED
]

A_FEW = 16
"""How many rows go into one statement; more than threads ever wait at the same time."""

FAULTS_OF_A_ROW = (DataError, IntegrityError)
"""Errors that other rows need not have; all others are the database's."""


def record(predictions):
    """Records all of the predictions, or none of them; django.db.Error where that fails.

    They share their commit with those that other threads record at the same time. A long list does so
    on SQLite alone, which has one writer anyway.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    connection.health_check_done = True
    rows = [_row(prediction, connection) for prediction in predictions]
    by_itself = len(rows) > A_FEW and connection.vendor != "sqlite"
    if by_itself or connection.in_atomic_block:
        _send(rows, connection)
    else:
        _shared.commit(rows, connection)


class _Waiting:
    """A request's rows on their way; `error` says what keeps them from being recorded, None if nothing."""

    __slots__ = ("error", "rows", "settled")

    def __init__(self, rows):
        self.rows, self.settled = rows, False
        self.error = OperationalError("the rows were not sent")

    def settle(self, error=None):
        self.error, self.settled = error, True


class SharedCommits:
    """Commits rows of several threads together: while one of them waits for the database, those of the
    others gather, and the next in turn sends them all.

    So a database is waited for once, not by one thread after the other: a disk that takes its time
    takes it for all rows at once, and where the database turns out to be away, all who wait learn it.
    """

    def __init__(self):
        self._turn, self._gathered = threading.Lock(), deque()

    def commit(self, rows, connection):
        """Returns once the rows are committed, over whichever thread's connection; django.db.Error."""
        own = _Waiting(rows)
        self._gathered.append(own)
        with self._turn:
            if not own.settled:
                self._commit_all(connection)
        if own.error:
            raise own.error

    def _commit_all(self, connection):
        together = self._taken()
        try:
            _send([row for one in together for row in one.rows], connection)
        except FAULTS_OF_A_ROW:
            for one in together:
                _settle_alone(one, connection)
        except BaseException as error:  # whatever it is, none of these may pass for recorded
            away = isinstance(error, Error)
            _settle(together + self._taken() if away else together, error)
        else:
            _settle(together)

    def _taken(self):
        return [self._gathered.popleft() for _ in range(len(self._gathered))]


def _settle(several, error=None):
    for one in several:
        one.settle(error)


def _settle_alone(one, connection):
    """Sends a request's rows by themselves, for others shall not suffer from one that is at fault."""
    try:
        _send(one.rows, connection)
    except BaseException as error:  # which its own thread raises
        one.settle(error)
    else:
        one.settle()


_shared = SharedCommits()


def _send(rows, connection):
    """Sends rows over a connection, and once more over a new one where it turns out to be dead.

    That is rather than to ask it before each row whether it is alive. Should the first attempt have
    been committed after all, the ids keep the second from recording anything twice.
    """
    try:
        _insert(rows, connection)
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        _insert(rows, connection)


def _insert(rows, connection):
    """Inserts all of the rows, or none: a few by one statement, a list in one transaction."""
    connection.ensure_connection()
    # The driver's own cursor: Django's would look for placeholders in the statement for each row.
    cursor = connection.Database.Cursor(connection.connection)
    if len(rows) <= A_FEW:
        values = [value for row in rows for value in row]
        with connection.wrap_database_errors:
            cursor.execute(_statement(connection.vendor, len(rows)), values)
    else:
        with transaction.atomic(), connection.wrap_database_errors:
            cursor.executemany(_statement(connection.vendor, 1), rows)


def _row(prediction, connection):
    values = list(VALUES_OF(prediction))
    for place, adapted in PLACES:
        values[place] = adapted(values[place], connection)
    return values


@cache
def _statement(vendor, count):
    """The INSERT of so many rows, in a database's own words."""
    query = InsertQuery(Prediction)
    query.insert_values(FIELDS, [Prediction()])
    [(statement, _)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    words, values = statement.split(" VALUES ")
    several = f"{words} VALUES {', '.join([values] * count)}"
    return several.replace("%s", "?") if vendor == "sqlite" else several
