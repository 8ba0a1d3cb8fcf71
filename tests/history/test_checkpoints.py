"""SQLite's log is checkpointed outside of requests; a commit does it only if nothing else does."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from django.db.utils import load_backend

from predictor.history import checkpoints

pytestmark = pytest.mark.once

SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=10000"},
}


@pytest.fixture
def database(tmp_path, monkeypatch, django_db_blocker):
    """A connection to a new SQLite file, used instead of this process's connection."""
    of_the_suite = connections.settings[DEFAULT_DB_ALIAS]
    parameters = {**of_the_suite, **SQLITE, "NAME": str(tmp_path / "one.sqlite3")}
    with django_db_blocker.unblock():
        own = load_backend(parameters["ENGINE"]).DatabaseWrapper(parameters, DEFAULT_DB_ALIAS)
        monkeypatch.setattr(checkpoints, "connection", own)
        yield own
        own.close()


def written(database, rows):
    """Writes rows of 4 kB; returns the path of the log."""
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS t (text)")
        for _ in range(rows):
            cursor.execute("INSERT INTO t VALUES (zeroblob(4000))")
    return database.settings_dict["NAME"] + "-wal"


def in_the_file_alone(database):
    """The number of rows that a reader of the main file without its log finds."""
    with sqlite3.connect(f"file:{database.settings_dict['NAME']}?immutable=1", uri=True) as alone:
        return alone.execute("SELECT count(*) FROM t").fetchone()[0]


def test_what_is_in_the_log_is_merged(database):
    written(database, 20)
    checkpoints.merge()
    assert in_the_file_alone(database) == 20


def test_a_long_log_is_begun_anew(database, monkeypatch):
    monkeypatch.setattr(checkpoints, "LONG", 10)
    log = written(database, 20)
    checkpoints.merge()
    with open(log, "rb") as file:  # noqa: PTH123
        before = file.read(32)
    written(database, 1)
    with open(log, "rb") as file:  # noqa: PTH123
        assert file.read(32) != before
    assert in_the_file_alone(database) == 20


def test_a_long_log_is_not_begun_anew_while_somebody_reads_an_older_state(database, monkeypatch):
    monkeypatch.setattr(checkpoints, "LONG", 10)
    log = Path(written(database, 20))
    with closing(sqlite3.connect(database.settings_dict["NAME"], isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t").fetchall()
        written(database, 1)
        before = log.read_bytes()[:32]
        asked = []
        database.execute_wrappers.append(
            lambda run, sql, *rest: asked.append(sql) or run(sql, *rest)
        )
        checkpoints.merge()
    assert asked == ["PRAGMA wal_checkpoint(PASSIVE)"]
    checkpoints.merge()
    written(database, 1)
    assert log.read_bytes()[:32] != before


def test_a_served_connection_leaves_the_log_to_the_thread(database):
    connection_created.connect(checkpoints._leave_the_log_alone)
    try:
        with database.cursor() as cursor:
            found = cursor.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
    finally:
        connection_created.disconnect(checkpoints._leave_the_log_alone)
    assert found == checkpoints.TOO_LONG
