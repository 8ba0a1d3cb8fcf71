"""Writes the history: the rows of requests that come together in one commit. The service alone calls it.

Django's own compiler writes the statement, but once: to compile it for every row, as `Model.save` does,
takes longer than the row itself.
"""

from functools import cache, partial
from operator import attrgetter, itemgetter

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connections,
    models,
    transaction,
)
from django.db.models.sql import InsertQuery

from predictor.models import Prediction

from .commits import shared

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

SCHEME_OF = itemgetter([field.attname for field in FIELDS].index("scheme"))
"""A row's scheme, "" for a refusal: rows of one scheme have values of the same types."""

KEPT_OF_REQUEST = 4096
"""How many bytes of a request's text are recorded."""

A_FEW = 16
"""How many rows go into one statement; more than threads ever wait at the same time."""


def cut(text):
    """The first 4 KiB (UTF-8) of a text."""
    return text.encode()[:KEPT_OF_REQUEST].decode(errors="ignore")


def record(predictions):
    """Records all of the predictions, or none of them; django.db.Error where that fails.

    They share their commit with those that other threads record at the same time. A long list does so
    on SQLite alone, which has one writer anyway.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    connection.health_check_done = True
    rows = [_row_of(prediction, connection) for prediction in predictions]
    by_itself = len(rows) > A_FEW and connection.vendor != "sqlite"
    if by_itself or connection.in_atomic_block:
        _send(rows, connection)
    else:
        shared.commit(rows, partial(_send, connection=connection))


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
    driver, vendor = connection.Database, connection.vendor
    # The driver's own cursor: Django's would look for placeholders in the statement for each row.
    cursor_of = driver.Cursor if vendor == "sqlite" else driver.RawCursor
    cursor = cursor_of(connection.connection)
    if len(rows) <= A_FEW:
        # In the schemes' order: PostgreSQL prepares a statement for each order of types that it meets.
        values = [value for row in sorted(rows, key=SCHEME_OF) for value in row]
        with connection.wrap_database_errors:
            cursor.execute(_insert_statement(vendor, len(rows)), values)
    else:
        with transaction.atomic(), connection.wrap_database_errors:
            cursor.executemany(_insert_statement(vendor, 1), rows)


def _row_of(prediction, connection):
    values = list(VALUES_OF(prediction))
    for place, adapted in PLACES:
        values[place] = adapted(values[place], connection)
    return values


@cache
def _insert_statement(vendor, rows):
    """The INSERT of so many rows, in a database's own words."""
    query = InsertQuery(Prediction)
    query.insert_values(FIELDS, [Prediction()])
    [(statement, _)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    words, values = statement.split(" VALUES ")
    several = f"{words} VALUES {', '.join([values] * rows)}"
    return several.replace("%s", "?") if vendor == "sqlite" else _numbered(several)


def _numbered(statement):
    """A statement with PostgreSQL's own placeholders, which psycopg need not look for."""
    first, *others = statement.split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, start=1))
