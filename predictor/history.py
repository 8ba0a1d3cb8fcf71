"""Writes the history: one plain INSERT an answer, or one transaction a list. The service alone calls it.

Django's own compiler writes the statement, but once: to compile it for every row, as `Model.save` does,
takes longer than the row itself.
"""

from functools import cache
from operator import attrgetter

from django.db import (
    DEFAULT_DB_ALIAS,
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
AS_THEY_ARE = (models.CharField, models.FloatField, models.ForeignKey, models.PositiveSmallIntegerField,
               models.TextField)  # fmt: skip
"""Fields whose values every database takes as they stand."""

ADAPTED = [
    (place, field) for place, field in enumerate(FIELDS) if not isinstance(field, AS_THEY_ARE)
]


def record(predictions):
    """Records all of the predictions, or none of them; django.db.Error where that fails.

    A connection that died while it was idle is replaced, and the rows are sent once more: rather than
    asking it before each row whether it is alive. Should the first attempt have been committed after
    all, the ids keep the second from recording anything twice.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    connection.health_check_done = True
    try:
        _insert(predictions, connection)
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        _insert(predictions, connection)


def _insert(predictions, connection):
    rows = [_row(prediction, connection) for prediction in predictions]
    statement = _statement(connection.vendor)
    with _cursor(connection) as cursor:
        if len(rows) == 1:
            cursor.execute(statement, rows[0])
            return
        with transaction.atomic():
            cursor.executemany(statement, rows)


def _cursor(connection):
    """Django's cursor; on PostgreSQL around psycopg's own, which has the statement planned but once."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    return connection._prepare_cursor(connection.Database.Cursor(connection.connection))


def _row(prediction, connection):
    values = list(VALUES_OF(prediction))
    for place, field in ADAPTED:
        values[place] = field.get_db_prep_save(values[place], connection)
    return values


@cache
def _statement(vendor):
    """The INSERT of one row, in a database's own words."""
    query = InsertQuery(Prediction)
    query.insert_values(FIELDS, [Prediction()])
    [(statement, _)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return statement
