"""Writes the history: rows of concurrent requests in one commit. Called only by pricing.services.

Django's compiler writes the INSERT statement, but only once: compiling it for every row, as `Model.save`
does, takes longer than inserting the row.
"""

from datetime import UTC
from functools import cache, partial
from itertools import chain
from operator import attrgetter, itemgetter

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    models,
    transaction,
)
from django.db.models.sql import InsertQuery

from predictor import json_text
from predictor.models import Prediction

from .commits import shared
from .idempotency import Key, Keyed, with_new_keys

FIELDS = Prediction._meta.concrete_fields
VALUES_OF = itemgetter(*(field.attname for field in FIELDS))
PLACES = {
    kind: [place for place, field in enumerate(FIELDS) if type(field) is kind]
    for kind in (models.UUIDField, models.DateTimeField, models.JSONField)
}
"""Where a row has values that are converted for a database; all others are passed unchanged."""

SCHEME_OF = itemgetter([field.attname for field in FIELDS].index("scheme"))
"""A row's scheme, "" for a refusal: rows of one scheme have values of the same types."""

KEPT_OF_REQUEST = 4096
"""The number of bytes of a request's text that are recorded."""

A_FEW = 16
"""The most rows in one statement; more than the number of threads that ever wait at once."""


@cache
def _conversions(vendor):
    """[(place in a row, function), …] of the values to convert: the same as Django's, in less time."""
    ways = {models.JSONField: _adapted_json}
    if vendor == "sqlite":
        ways = {
            models.UUIDField: attrgetter("hex"),
            models.DateTimeField: lambda moment: moment.astimezone(UTC).isoformat(" ")[:-6],
            models.JSONField: _json_of,
        }
    return [(place, way) for kind, way in ways.items() for place in PLACES[kind]]


def _adapted_json(value):
    return connection.ops.adapt_json_value(value, None)


def _json_of(value):
    return "[]" if value == [] else json_text.dumps(value)


def cut(text):
    """The first 4 KiB (UTF-8) of a text."""
    if text.isascii():
        return text[:KEPT_OF_REQUEST]
    return text.encode()[:KEPT_OF_REQUEST].decode(errors="ignore")


def record(predictions, key: Key | None = None):
    """Records all of the predictions, or none; raises django.db.Error on failure.

    They share their commit with rows recorded by other threads at the same time. Long lists share it only
    on SQLite, which has a single writer anyway. key: keeps their answer in the same transaction; raises
    KeyTaken, and nothing is recorded, if it has an answer already.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    connection.health_check_done = True
    rows = [_row_of(prediction, connection) for prediction in predictions]
    by_itself = len(rows) > A_FEW and connection.vendor != "sqlite"
    if key:
        rows = [Keyed(rows, key, predictions)]
    if by_itself or connection.in_atomic_block:
        _send(rows, connection)
    else:
        shared.commit(rows, partial(_send, connection=connection))
    if key:
        rows[0].refuse_taken()


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
    """Inserts all of the rows, or none; but rows under a key only if the key has no answer yet."""
    connection.ensure_connection()
    if Keyed not in map(type, rows):
        _insert_rows(rows, connection)
        return
    with transaction.atomic():
        if new := with_new_keys(rows, connection):
            _insert_rows(new, connection)


def _insert_rows(rows, connection):
    """A few rows in one statement, a list in one transaction."""
    driver, vendor = connection.Database, connection.vendor
    # The driver's cursor: Django's would parse the statement's placeholders for each row.
    cursor_of = driver.Cursor if vendor == "sqlite" else driver.RawCursor
    cursor = cursor_of(connection.connection)
    if len(rows) <= A_FEW:
        # Sorted by scheme: PostgreSQL prepares a statement for each sequence of types.
        values = [*chain.from_iterable(sorted(rows, key=SCHEME_OF))]
        with connection.wrap_database_errors:
            cursor.execute(_insert_statement(vendor, len(rows)), values)
    else:
        with transaction.atomic(), connection.wrap_database_errors:
            cursor.executemany(_insert_statement(vendor, 1), rows)


def _row_of(prediction, connection):
    values = list(VALUES_OF(vars(prediction)))
    for place, converted in _conversions(connection.vendor):
        if values[place] is not None:
            values[place] = converted(values[place])
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
