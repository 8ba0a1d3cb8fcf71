"""Inserts rows of predictions.

Django's compiler writes the INSERT statement, but only once: compiling it for every row, as `Model.save`
does, takes longer than inserting the row.
"""

from functools import cache
from itertools import chain
from operator import itemgetter

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, transaction
from django.db.models.sql import InsertQuery

from predictor.models import Prediction

from .commits import A_FEW
from .idempotency import insert_key

FIELDS = Prediction._meta.concrete_fields

SCHEME_OF = itemgetter([field.attname for field in FIELDS].index("scheme"))
"""A row's scheme, "" for a refusal: rows of one scheme have values of the same types."""


def send(rows, connection, key=None):
    """Inserts all of the rows, or none, over a connection, and over a new one if it was lost.

    This is faster than checking the connection before each row. If the first attempt was committed
    after all, the ids prevent rows from being recorded twice. key: the row of a key, which is inserted,
    too; raises KeyTaken if it is there already.
    """
    connection.health_check_done = True
    try:
        _insert(rows, connection, key)
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        _insert(rows, connection, key)


def _insert(rows, connection, key):
    connection.ensure_connection()
    if key is None:
        insert(rows, connection)
        return
    with transaction.atomic():
        insert_key(key, connection)
        insert(rows, connection)


def insert(rows, connection):
    """A few rows in one statement, a list in one transaction."""
    driver, vendor = connection.Database, connection.vendor
    # The driver's cursor: Django's would parse the statement's placeholders for each row.
    cursor_of = driver.Cursor if vendor == "sqlite" else driver.RawCursor
    cursor = cursor_of(connection.connection)
    if len(rows) <= A_FEW:
        # Sorted by scheme: PostgreSQL prepares a statement for each sequence of types.
        values = [*chain.from_iterable(sorted(rows, key=SCHEME_OF))]
        with connection.wrap_database_errors:
            cursor.execute(_statement(vendor, len(rows)), values)
    else:
        with transaction.atomic(), connection.wrap_database_errors:
            cursor.executemany(_statement(vendor, 1), rows)


@cache
def _statement(vendor, rows):
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
