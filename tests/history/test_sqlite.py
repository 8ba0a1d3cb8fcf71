"""A SQLite history that several connections of a process have open keeps its locks and its log."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from predictor.history.sqlite import PrivateConnection

pytestmark = pytest.mark.once
LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM answers").fetchall()
connection.close()
"""


def test_another_connection_of_the_process_leaves_the_log_to_the_first(tmp_path):
    path = tmp_path / "history.sqlite3"
    with (
        closing(sqlite3.connect(path.as_posix(), factory=PrivateConnection)) as first,
        closing(sqlite3.connect(path.as_posix(), factory=PrivateConnection)) as second,
    ):
        first.execute("PRAGMA journal_mode=WAL")
        first.execute("CREATE TABLE answers (id)")
        with closing(sqlite3.connect(path.as_posix(), factory=PrivateConnection)) as third:
            third.execute("SELECT * FROM answers")
        subprocess.run([sys.executable, "-c", LOOK, str(path)], check=True)
        assert path.with_name("history.sqlite3-wal").exists()
        first.execute("INSERT INTO answers VALUES (1)")
        first.commit()
        assert second.execute("SELECT id FROM answers").fetchall() == [(1,)]
