"""What a database holds, told while one snapshot of it stands; both kinds of database are asked alike."""

from dataclasses import dataclass

from .manifest import BackupError


@dataclass(frozen=True)
class Facts:
    """rows: {table: how many}; forests: {file: sha256}; migrations: those applied, as app.name."""

    rows: dict
    forests: dict
    migrations: list


def facts_of(execute, tables):
    """The Facts of a database; execute: a function (SQL) that returns rows."""
    if "predictor_modelversion" not in tables:
        raise BackupError("the database is not prepared: there is nothing to back up")
    return Facts(
        rows={table: execute(f'SELECT COUNT(*) FROM "{table}"')[0][0] for table in sorted(tables)},  # noqa: S608
        forests=dict(execute("SELECT artifact, sha256 FROM predictor_modelversion ORDER BY id")),
        migrations=[
            f"{app}.{name}"
            for app, name in execute("SELECT app, name FROM django_migrations ORDER BY id")
        ],
    )


def compare(told, found):
    """BackupError where a copy has other rows than it should ({table: how many})."""
    for table in sorted(told.keys() | found.keys()):
        if told.get(table) != found.get(table):
            raise BackupError(
                f"the copy of {table} has {found.get(table, 'no')} rows, not {told.get(table)}"
            )
