"""Backup and restore of a PostgreSQL history, with PostgreSQL's own programs of the server's
version."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress

from django.db import connection, transaction
from django.db.backends.postgresql.client import DatabaseClient

from predictor import private_files

from .facts import facts_of
from .manifest import BackupError

FILE = "history.dump"
FORM = "--format=custom"
COUNTED = """DO $$ DECLARE found bigint; BEGIN SELECT COUNT(*) INTO found FROM "{table}";
IF found <> {count} THEN RAISE 'the copy of {table} has % rows, not {count}', found; END IF; END $$;
"""
"""Aborts a restore if a table has another row count than the manifest says."""


def dump(folder):
    """Runs pg_dump to write the history into a backup's folder; returns its Facts. BackupError."""
    program = _program("pg_dump")
    with transaction.atomic(), connection.cursor() as cursor:

        def execute(statement):
            cursor.execute(statement)
            return cursor.fetchall()

        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        [(snapshot,)] = execute(
            "SELECT pg_export_snapshot()"
        )  # the rows counted are the rows copied
        facts = facts_of(execute, connection.introspection.table_names(cursor))
        private_files.create(folder / FILE)
        # Waits for a lock no longer than a request would.
        how = (FORM, f"--snapshot={snapshot}", "--lock-wait-timeout=60s", f"--file={folder / FILE}")
        _run([program, *how, *_where()])
    _run(
        [_program("pg_restore"), f"--file={os.devnull}", str(folder / FILE)]
    )  # checks that it is complete
    return facts


def restore(folder, manifest, force):
    """Replaces the present tables with a backup's, in one transaction."""
    _refuse_while_in_use()
    read = [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(folder / FILE)]
    write = [
        _program("psql"),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
        *_where(),
    ]
    tables = sorted(_present_tables(manifest["rows"]))
    connection.close()
    with tempfile.TemporaryFile() as write_errors, tempfile.TemporaryFile() as read_errors:
        writing = subprocess.Popen(  # noqa: S603
            write,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=write_errors,
            env=_environment(),
        )
        reading = subprocess.Popen(read, stdout=subprocess.PIPE, stderr=read_errors)  # noqa: S603
        committed = False
        with (
            suppress(BrokenPipeError),
            writing,
            reading,
        ):  # psql itself reports why it stopped reading
            _feed(writing.stdin, reading.stdout, tables, manifest["rows"])
            _check(reading.wait(), read, read_errors)
            # Last of all: if this process is killed, psql ends without it, and nothing has changed.
            writing.stdin.write(b"COMMIT;\n")
            committed = True
        _check(writing.returncode or not committed, write, write_errors)


def _feed(target, dump, tables, rows):
    """Sends psql the whole restore: drops the old tables, loads the dump, checks the row counts."""
    target.write(b"BEGIN;\n")
    if tables:
        names = ", ".join(f'"{table}"' for table in tables)
        target.write(f"DROP TABLE {names} CASCADE;\n".encode())
        target.write(b"DROP FUNCTION IF EXISTS predictor_kept();\n")
    shutil.copyfileobj(dump, target, 2**20)
    target.write(b"RESET search_path;\n")
    for table, count in rows.items():
        target.write(COUNTED.format(table=table, count=count).encode())
    target.flush()


def _present_tables(rows):
    """The tables of this project and of the backup that are in the database now."""
    names = connection.introspection
    ours = {*names.django_table_names(include_views=False), "django_migrations", *rows}
    return ours & set(names.table_names())


def _refuse_while_in_use():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        [others] = cursor.fetchone()
    if others:
        raise BackupError(
            f"the database is in use ({others} other connections): stop the service first"
        )


def _program(name):
    if path := shutil.which(name):
        return path
    raise BackupError(
        f"{name} is not installed: it comes with PostgreSQL's client programs, in the server's "
        "version (Debian: apt install postgresql-client)"
    )


def _where():
    """The arguments that name the database, for any of PostgreSQL's programs."""
    return DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])[0][1:]


def _environment():
    own = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])[1] or {}
    return {**os.environ, **own}


def _run(command):
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(command, stderr=errors, env=_environment(), check=False)  # noqa: S603
        _check(done.returncode, command, errors)


def _check(status, command, errors):
    """Raises BackupError with a program's message, in one line, if it failed."""
    if status:
        errors.seek(0)
        text = " ".join(errors.read().decode(errors="replace").split())
        raise BackupError(text or f"{command[0]} ended with {status}")
