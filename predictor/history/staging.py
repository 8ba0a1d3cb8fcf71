"""Many rows made visible at once: staged in a temporary table, then copied by one statement.

Only this connection sees a temporary table, and filling it takes no lock on the history: on SQLite other
processes wait for the copying statement only.
"""

from contextlib import contextmanager
from operator import itemgetter

from django.db import connection


@contextmanager
def staged(model, names, rows):
    """A temporary table of some of a model's columns; yields its name and its columns, joined by commas.

    names: those of the model's fields; rows: sequences of their values, in the same order. The table is
    sorted by its first column, and has an index on it: the copying statement then reads and writes the
    pages of the model's table and indexes in turn.
    """
    fields = [model._meta.get_field(name) for name in names]
    columns = columns_of(fields)
    table = f"staged_{model._meta.model_name}"
    copied = f"SELECT {columns} FROM {model._meta.db_table} WHERE 1 = 0"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE TEMPORARY TABLE {table} AS {copied}")
        _fill(cursor, table, sorted((_adapted(fields, row) for row in rows), key=itemgetter(0)))
        cursor.execute(f"CREATE INDEX {table}_key ON {table} ({columns_of(fields[:1])})")
        yield table, columns
        cursor.execute(f"DROP TABLE {table}")


def columns_of(fields, prefix=""):
    """The quoted names of fields' columns, joined by commas."""
    return ", ".join(prefix + connection.ops.quote_name(field.column) for field in fields)


def _adapted(fields, row):
    return [
        field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)
    ]


def _fill(cursor, table, rows):
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    elif rows:
        marks = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
