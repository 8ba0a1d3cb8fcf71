"""Backup and restore of a SQLite history, with SQLite's online backup, while a server may write."""

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

from predictor import private_files

from .facts import compare, facts_of
from .files import copy_whole
from .manifest import BackupError

FILE = "history.sqlite3"


def dump(folder):
    """Copies the history into a backup's folder; returns its Facts. BackupError, OSError."""
    source = Path(connection.settings_dict["NAME"])
    if not source.is_file():
        raise BackupError(f"no history at {source}")
    try:
        with closing(_opened(source, "mode=ro")) as history:
            history.execute("BEGIN")  # the rows counted are the rows copied
            facts = _facts(history)
            private_files.create(folder / FILE)
            with closing(sqlite3.connect(folder / FILE)) as copy:
                history.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal file
    except sqlite3.Error as error:
        raise BackupError(f"the history cannot be copied: {error}") from error
    compare(facts.rows, _verified(folder / FILE).rows)
    return facts


def restore(folder, manifest, force):
    """Replaces the present history with a backup's, atomically."""
    place = Path(connection.settings_dict["NAME"])
    private_files.make_folder(place.parent)
    aside = place.with_name(f"{place.name}.restoring")
    try:
        copy_whole(folder / FILE, aside)
        compare(manifest["rows"], _verified(aside).rows)
        connection.close()
        _remove_log(place, force)
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)


def _opened(path, how):
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)


def _verified(path):
    """The Facts of a copy that no other process writes to; BackupError if it is damaged."""
    try:
        with closing(_opened(path, "mode=ro&immutable=1")) as copy:
            [(result,), *_] = copy.execute("PRAGMA integrity_check").fetchall()
            if result != "ok":
                raise BackupError(f"{path.name} is damaged: {result}")
            return _facts(copy)
    except sqlite3.Error as error:
        raise BackupError(f"{path.name} is damaged: {error}") from error


def _facts(database):
    def execute(statement):
        return database.execute(statement).fetchall()

    named = execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return facts_of(execute, [name for (name,) in named if not name.startswith("sqlite_")])


def _remove_log(place, force):
    """Removes the log (-wal) of the present history, which only its last connection can do;
    BackupError if a server has it open. A leftover log would be applied to the restored
    history."""
    try:
        with closing(sqlite3.connect(place, timeout=1)) as present:
            present.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise BackupError(f"the history is in use ({error}): stop the service first") from error
    except sqlite3.DatabaseError as error:
        if not force:
            raise BackupError(f"the history is damaged ({error}); --force overwrites it") from error
    for end in ("-wal", "-shm"):
        place.with_name(place.name + end).unlink(missing_ok=True)
