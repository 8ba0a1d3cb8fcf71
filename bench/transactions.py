"""An instrument that watches the transactions of a thread that write: how long each holds SQLite's write
lock, and how many rows it writes. Used by bench/write_worker.py and by tests."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from django.db import connection
from django.db.transaction import Atomic

WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "REPLACE")


@dataclass
class Transaction:
    """One that wrote: its rows, and from its start to the end of its commit, seconds and processor
    seconds."""

    rows: int
    seconds: float
    processor: float


@contextmanager
def watched():
    """Yields the list of Transactions that write in the block, within an outer one of a test, too."""
    watch = _Watch()
    with (
        connection.execute_wrapper(watch.execute),
        patch.object(Atomic, "__enter__", watch.entering(Atomic.__enter__)),
        patch.object(Atomic, "__exit__", watch.leaving(Atomic.__exit__)),
    ):
        yield watch.found


class _Watch:
    def __init__(self):
        self.found, self.depth = [], 0

    def entering(self, enter):
        def entered(atomic):
            enter(atomic)  # on SQLite it waits here for the write lock
            self._begin()

        return entered

    def leaving(self, leave):
        def left(atomic, *error):
            try:
                leave(atomic, *error)
            finally:
                self._end()

        return left

    def execute(self, execute, sql, params, many, context):
        """Runs a statement; outside a transaction, each is one."""
        self._begin()
        try:
            result = execute(sql, params, many, context)
            self.rows += _rows(context["cursor"].rowcount, sql) * _writes(sql.split())
        finally:
            self._end()
        return result

    def _begin(self):
        if not self.depth:
            self.rows, self.begun = 0, (time.perf_counter(), time.thread_time())
        self.depth += 1

    def _end(self):
        self.depth -= 1
        if self.rows and not self.depth:
            seconds, processor = self.begun
            took = time.perf_counter() - seconds, time.thread_time() - processor
            self.found.append(Transaction(self.rows, *took))


def _rows(rowcount, sql):
    """SQLite does not count the row of an INSERT that returns its key."""
    return max(rowcount, 1 if "RETURNING" in sql else 0)


def _writes(words):
    """Whether a statement writes; a temporary table does not count, because it takes no lock."""
    is_temporary = any(word.startswith("staged_") or word == "TEMPORARY" for word in words[:4])
    return words[0].upper() in WRITES and not is_temporary
