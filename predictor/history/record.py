"""Writes the history: rows of concurrent requests in one commit. Called only by pricing.services.

Django's compiler writes the INSERT statement, but only once: compiling it for every row, as `Model.save`
does, takes longer than inserting the row.
"""

from functools import cache, partial
from operator import itemgetter

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connections,
    models,
    transaction,
)
from django.db.models.sql import InsertQuery

from predictor import json_text
from predictor.models import Prediction

from .commits import shared

FIELDS = Prediction._meta.concrete_fields
VALUES_OF = itemgetter(*(field.attname for field in FIELDS))
ADAPTED = {
    models.UUIDField: lambda ids, database: (
        ids if database.features.has_native_uuid_field else ids.hex
    ),
    models.DateTimeField: lambda moment, database: database.ops.adapt_datetimefield_value(moment),
    models.JSONField: lambda value, database: (
        value if value is None else _adapted_json(value, database)
    ),
}
"""Conversions that field values need for a database; all other values are passed unchanged."""

PLACES = [
    (place, ADAPTED[type(field)]) for place, field in enumerate(FIELDS) if type(field) in ADAPTED
]

SCHEME_OF = itemgetter([field.attname for field in FIELDS].index("scheme"))
"""A row's scheme, "" for a refusal: rows of one scheme have values of the same types."""

KEPT_OF_REQUEST = 4096
"""The number of bytes of a request's text that are recorded."""

A_FEW = 16
"""The most rows in one statement; more than the number of threads that ever wait at once."""


def _adapted_json(value, database):
    return (
        json_text.dumps(value)
        if database.vendor == "sqlite"
        else database.ops.adapt_json_value(value, None)
    )


def cut(text):
    """The first 4 KiB (UTF-8) of a text."""
    return text.encode()[:KEPT_OF_REQUEST].decode(errors="ignore")


def record(predictions):
    """Records all of the predictions, or none; raises django.db.Error on failure.

    They share their commit with rows recorded by other threads at the same time. Long lists share it only
    on SQLite, which has a single writer anyway.
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
    """Sends rows over a connection, and again over a new one if the connection was lost.

    This is faster than checking the connection before each row. If the first attempt was committed
    after all, the ids prevent rows from being recorded twice.
    """
    try:
        _insert(rows, connection)
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        _insert(rows, connection)


def _insert(rows, connection):
    """Inserts all of the rows, or none: a few in one statement, a list in one transaction."""
    connection.ensure_connection()
    driver, vendor = connection.Database, connection.vendor
    # The driver's cursor: Django's would parse the statement's placeholders for each row.
    cursor_of = driver.Cursor if vendor == "sqlite" else driver.RawCursor
    cursor = cursor_of(connection.connection)
    if len(rows) <= A_FEW:
        # Sorted by scheme: PostgreSQL prepares a statement for each sequence of types.
        values = [value for row in sorted(rows, key=SCHEME_OF) for value in row]
        with connection.wrap_database_errors:
            cursor.execute(_insert_statement(vendor, len(rows)), values)
    else:
        with transaction.atomic(), connection.wrap_database_errors:
            cursor.executemany(_insert_statement(vendor, 1), rows)


def _row_of(prediction, connection):
    values = list(VALUES_OF(vars(prediction)))
    for place, adapted in PLACES:
        values[place] = adapted(values[place], connection)
    return values


@cache
def _insert_statement(vendor, rows):
    """The INSERT statement for this number of rows, in the database's SQL dialect."""
    query = InsertQuery(Prediction)
    query.insert_values(FIELDS, [Prediction()])
    [(statement, _)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    words, values = statement.split(" VALUES ")
    several = f"{words} VALUES {', '.join([values] * rows)}"
    return several.replace("%s", "?") if vendor == "sqlite" else _numbered(several)


def _numbered(statement):
    """A statement with PostgreSQL's native placeholders, which psycopg does not have to parse."""
    first, *others = statement.split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, start=1))
