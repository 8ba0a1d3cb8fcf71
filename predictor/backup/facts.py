"""What a database contains, read in one snapshot; the same queries for both kinds of database."""

from dataclasses import dataclass

from .manifest import BackupError


@dataclass(frozen=True)
class Facts:
    """rows: {table: count}; forests: {file: sha256}; migrations: those applied, as app.name."""

    rows: dict
    forests: dict
    migrations: list


def facts_of(execute, tables):
    """The Facts of a database; execute: a function (SQL) that returns rows."""
    if "predictor_modelversion" not in tables:
        raise BackupError("the database has no tables: there is nothing to back up")
    return Facts(
        rows={table: execute(f'SELECT COUNT(*) FROM "{table}"')[0][0] for table in sorted(tables)},  # noqa: S608
        forests=dict(execute("SELECT artifact, sha256 FROM predictor_modelversion ORDER BY id")),
        migrations=[
            f"{app}.{name}"
            for app, name in execute("SELECT app, name FROM django_migrations ORDER BY id")
        ],
    )


def compare(expected, found):
    """Raises BackupError if a copy has other row counts than it should ({table: count})."""
    for table in sorted(expected.keys() | found.keys()):
        if expected.get(table) != found.get(table):
            raise BackupError(
                f"the copy of {table} has {found.get(table, 'no')} rows, not {expected.get(table)}"
            )
