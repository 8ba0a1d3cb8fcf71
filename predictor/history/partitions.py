"""The history as one table a month, on PostgreSQL: an old month is then deleted by dropping its table.

An id begins with its time (UUID version 7). So a range of ids is a month, and a look-up by id reads one
partition only. Called by partition_history and by pruning. Source: PostgreSQL's manual, 5.11 (partitioning)
and ALTER TABLE (if a CHECK is valid already, ATTACH PARTITION reads no rows).
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from predictor.models import Prediction
from predictor.models.ids import time_of

TABLE = Prediction._meta.db_table
DEFAULT = f"{TABLE}_default"
OLD = f"{TABLE}_old"
NAME = re.compile(rf"{TABLE}_(before_)?([0-9]{{4}})_([0-9]{{2}})")

OF_PREDICTIONS = [
    relation.related_model
    for relation in Prediction._meta.related_objects
    if relation.field.db_constraint
]
"""The models with foreign keys to a prediction. It cannot be deleted before their rows."""

INDEXES = "SELECT {} FROM pg_indexes WHERE tablename = %s"

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The time at which the ids of UUID version 7 begin."""

AHEAD = 24
"""How many months get a table in advance; what comes later is recorded in the default partition."""

LOCK_TIMEOUT = "2s"
"""How long the lock on the whole history is waited for; prices wait behind it."""


@dataclass(frozen=True)
class Partition:
    """The table of the ids up to a time, from the end of the partition before it on."""

    name: str
    end: datetime


# What there is


def is_partitioned():
    """Whether the history is partitioned; never on SQLite."""
    return connection.vendor == "postgresql" and _value(
        "SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [TABLE]
    )


def partitions():
    """The history's Partitions, oldest first, without the default one; [] if it is not partitioned."""
    if not is_partitioned():
        return []
    names = _column(
        "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = %s::regclass",
        [TABLE],
    )
    found = [_partition(*match.groups(), match[0]) for match in map(NAME.fullmatch, names) if match]
    return sorted(found, key=lambda one: one.end)


def older_than(moment):
    """The Partitions all of whose predictions were made before a moment, oldest first."""
    newer = "SELECT EXISTS (SELECT 1 FROM {} WHERE created >= %s)"
    ended = [one for one in partitions() if one.end <= moment]
    return [one for one in ended if not _value(newer.format(one.name), [moment])]


def _partition(before, year, month, name):
    start = datetime(int(year), int(month), 1, tzinfo=UTC)
    return Partition(name, start if before else months_after(start, 1))


def months_after(moment, months):
    """The beginning, in UTC, of the month that is `months` later than the month of `moment`."""
    number = moment.year * 12 + moment.month - 1 + months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def first_id(moment):
    """A UUID that is smaller than all ids made from this time on, and greater than all earlier ones."""
    return UUID(int=round(moment.timestamp() * 1000) << 80)


# Making partitions


def partition(report):
    """Partitions the history by month, or adds the months that are missing.

    report: called with a sentence for each step. Rows stay where they are: all of them become one partition
    that ends a month from now. They are read once, to check that, while prices are recorded; the history
    is locked for moments only. If it is stopped, the next call continues. Raises django.db.Error, for
    example if other work holds a lock for over LOCK_TIMEOUT.
    """
    if not is_partitioned():
        _partition_all(report)
    elif _value(f"SELECT EXISTS (SELECT 1 FROM {DEFAULT})"):  # noqa: S608
        _partition_default(report)
    _validate_keys()
    for start in _missing_months():
        report(f"Adding the month {start:%Y-%m} ...")
        _add_month(start)
    _run(f"ANALYZE {TABLE}")


def _partition_all(report):
    """Makes the history's table the first partition of a new one."""
    end = _end_of(TABLE)
    report(f"Checking that all ids are from before {end:%Y-%m-%d} ...")
    _check(TABLE, end)
    report("Making the table a partition ...")
    with _alone(), _without_keys():
        _replace_table()
        _attach(OLD, "MINVALUE", end)
        _add_default()


def _partition_default(report):
    """Makes the default partition one of a range of its own, and adds an empty default partition."""
    end = _end_of(DEFAULT)
    report(f"Making the default partition the one before {end:%Y-%m-%d} ...")
    start = first_id(max([one.end for one in partitions()], default=EARLIEST))
    _check(DEFAULT, end, f" AND id >= '{start}'")
    with _alone(), _without_keys():
        _run(f"ALTER TABLE {TABLE} DETACH PARTITION {DEFAULT}")
        _attach(DEFAULT, f"'{start}'", end)
        _add_default()


def _add_month(start):
    """Adds an empty partition for the month that begins at a time."""
    name = f"{TABLE}_{start:%Y_%m}"
    bounds = f"FROM ('{first_id(start)}') TO ('{first_id(months_after(start, 1))}')"
    with _alone():
        _run(f"CREATE TABLE {name} PARTITION OF {TABLE} FOR VALUES {bounds}")
        _refuse_truncation(name)


def _end_of(table):
    """The time at which a table's range may end: ids made meanwhile still belong to it."""
    last = _value(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1")  # noqa: S608
    return months_after(max([timezone.now(), *([time_of(last)] if last else [])]), 2)


def _missing_months():
    start = max([one.end for one in partitions()], default=months_after(timezone.now(), 0))
    while start < months_after(timezone.now(), AHEAD):
        yield start
        start = months_after(start, 1)


def _check(table, end, and_from=""):
    """Adds a constraint that all ids are from before a time, and reads the table to validate it.

    and_from: SQL of the lower bound of its partition, if it has one.
    """
    with _alone():
        _run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ids")
        _run(
            f"ALTER TABLE {table} ADD CONSTRAINT ids CHECK (id < '{first_id(end)}'{and_from}) NOT VALID"
        )
    with transaction.atomic():
        _run("SET LOCAL statement_timeout = 0")
        _run(f"ALTER TABLE {table} VALIDATE CONSTRAINT ids")


def _replace_table():
    """Puts an empty partitioned table in the place of the history's, which is named OLD from then on.

    Its indexes, foreign keys, triggers and rights are those of the old table, under their old names.
    """
    definitions = _definitions_of_table()
    for name in _triggers():
        _run(f"DROP TRIGGER {name} ON {TABLE}")
    for number, name in enumerate(_column(INDEXES.format("indexname"), [TABLE])):
        _run(f'ALTER INDEX "{name}" RENAME TO {OLD}_{number}')
    _run(f"ALTER TABLE {TABLE} RENAME TO {OLD}")
    _run(
        f"CREATE TABLE {TABLE} (LIKE {OLD} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) "
        "PARTITION BY RANGE (id)"
    )
    _run(f"ALTER TABLE {TABLE} DROP CONSTRAINT ids, ADD CONSTRAINT {TABLE}_pkey PRIMARY KEY (id)")
    for definition in definitions:
        _run(definition)


def _definitions_of_table():
    """SQL that gives a new table of this name its indexes, without the primary key, and the rest."""
    indexes = _column(INDEXES.format("indexdef"), [TABLE])
    keys = _definitions("pg_get_constraintdef", "pg_constraint", "conrelid", "contype = 'f'")
    rights = _column(
        "SELECT format('GRANT %%s ON %%I TO %%s', privilege_type, relname, "
        "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END) "
        "FROM pg_class, aclexplode(relacl) WHERE oid = %s::regclass",
        [TABLE],
    )
    return [
        *(one for one in indexes if f"INDEX {TABLE}_pkey " not in one),
        *(f'ALTER TABLE {TABLE} ADD CONSTRAINT "{name}" {key}' for name, key in keys.items()),
        *_triggers().values(),
        *rights,
    ]


def _triggers():
    return _definitions("pg_get_triggerdef", "pg_trigger", "tgrelid", "NOT tgisinternal")


def _attach(table, start, end):
    """Makes a table, whose constraint has been validated, the partition before `end`."""
    name = f"{TABLE}_before_{end:%Y_%m}"
    _run(f"ALTER TABLE {table} RENAME TO {name}")
    _run(
        f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ('{first_id(end)}')"
    )
    _run(f"ALTER TABLE {name} DROP CONSTRAINT ids")
    _refuse_truncation(name)


def _add_default():
    _run(f"CREATE TABLE {DEFAULT} PARTITION OF {TABLE} DEFAULT")
    _refuse_truncation(DEFAULT)


def _refuse_truncation(table):
    """A partition gets the row triggers of the history, but none for TRUNCATE."""
    _run(f"DROP TRIGGER IF EXISTS predictor_kept_whole ON {table}")
    _run(
        f"CREATE TRIGGER predictor_kept_whole BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION predictor_kept()"
    )


# Deleting a month


def drop(one):
    """Deletes a Partition with its predictions; returns their number.

    Those that reviews or samples point at stay: they move into a new partition of the same name.
    """
    bounds = _value(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = %s::regclass", [one.name]
    )
    with transaction.atomic():
        _run("SET LOCAL statement_timeout = 0")
        rows = _value(f"SELECT count(*) FROM {one.name}")  # noqa: S608
    with _alone(), _without_keys():
        aside, kept = _copy_kept(one)
        _run(f"ALTER TABLE {TABLE} DETACH PARTITION {one.name}")
        _run(f"DROP TABLE {one.name}")
        if kept:
            _run(f"ALTER TABLE {aside} RENAME TO {one.name}")
            _run(f"ALTER TABLE {TABLE} ATTACH PARTITION {one.name} {bounds}")
            _refuse_truncation(one.name)
        else:
            _run(f"DROP TABLE {aside}")
    _validate_keys()
    return rows - kept


def _copy_kept(one):
    """Copies the predictions of a partition that others point at into a new table: (its name, its rows).

    Only what points at ids before its end is looked at: for all of it PostgreSQL may read the whole month.
    """
    aside = f"{one.name}_kept"
    pointed_at = " UNION ".join(
        f"SELECT prediction_id FROM {model._meta.db_table} WHERE prediction_id < '{first_id(one.end)}'"  # noqa: S608
        for model in OF_PREDICTIONS
    )
    _run(f"CREATE TABLE {aside} (LIKE {one.name} INCLUDING ALL)")
    _run(f"INSERT INTO {aside} SELECT * FROM {one.name} WHERE id IN ({pointed_at})")  # noqa: S608
    return aside, _value(f"SELECT count(*) FROM {aside}")  # noqa: S608


# SQL


@contextmanager
def _alone():
    """A transaction in which nobody else reads or writes the history."""
    with transaction.atomic():
        _run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        _run(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def _without_keys():
    """Removes the foreign keys to the history and adds them again, to be checked by _validate_keys."""
    keys = _rows(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE confrelid = %s::regclass AND contype = 'f' AND conparentid = 0",
        [TABLE],
    )
    for table, name, _ in keys:
        _run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    yield
    for table, name, definition in keys:
        text = definition.removesuffix(" NOT VALID")
        _run(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {text} NOT VALID')


def _validate_keys():
    for table, name in _rows(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint "
        "WHERE confrelid = %s::regclass AND contype = 'f' AND conparentid = 0 AND NOT convalidated",
        [TABLE],
    ):
        with transaction.atomic():
            _run("SET LOCAL statement_timeout = 0")
            _run(f'ALTER TABLE {table} VALIDATE CONSTRAINT "{name}"')


def _definitions(function, catalog, owner, which):
    """{name: SQL} of the history's triggers or constraints."""
    name = {"pg_trigger": "tgname", "pg_constraint": "conname"}[catalog]
    return dict(
        _rows(
            f"SELECT {name}, {function}(oid) FROM {catalog} WHERE {owner} = %s::regclass AND {which}",  # noqa: S608
            [TABLE],
        )
    )


def _run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _rows(statement, arguments=()):
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall()


def _column(statement, arguments=()):
    return [value for [value] in _rows(statement, arguments)]


def _value(statement, arguments=()):
    [[value]] = _rows(statement, arguments) or [[None]]
    return value
