"""Which rows share a commit, what the main thread passes to another, and which rows get an error."""

import selectors
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from types import SimpleNamespace

import pytest
from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connections

from predictor.history import commits as module
from predictor.history.commits import NeedsThread, SharedCommits, Task
from tests.waiting import PATIENCE

pytestmark = pytest.mark.once


class Connection:
    """Replaces a connection to SQLite."""

    vendor, close_at, closed = "sqlite", None, False

    def close(self):
        self.closed = True


class MainThread:
    """A worker's main thread, and a database that records which rows were sent together, by which thread.

    errors: {row: the error of all rows that are sent with it} by the main thread; late: by another.
    """

    def __init__(self, monkeypatch):
        self.sent, self.found, self.errors, self.late = [], {}, {}, {}
        self.opened, self.thread = [], threading.get_ident()
        self._threads, self._deferred = ThreadPoolExecutor(4), SimpleQueue()
        self.selector, self.shared = selectors.DefaultSelector(), SharedCommits()
        monkeypatch.setattr(
            connections[DEFAULT_DB_ALIAS], "connect", None
        )  # so that it is restored
        monkeypatch.setattr(module, "_open", self._open)
        self.shared.serve(4, self.selector, self._threads.submit, self._defer)

    def _open(self):
        self.opened.append(Connection())
        return self.opened[-1]

    def _defer(self, function, *arguments):
        self._deferred.put(partial(function, *arguments))

    def price(self, *rows):
        """Requests with a row each; `found` gets {row: its error, or None}."""
        for row in rows:
            Task.start(partial(self._answer, row), partial(self.found.setdefault, row))

    def _answer(self, row):
        try:
            self.shared.commit([row], self._insert, self._insert)
        except (IntegrityError, MemoryError, OperationalError) as error:
            return error

    def _insert(self, rows, connection):
        here = threading.get_ident() == self.thread
        self.sent.append(("here" if here else "thread", "".join(rows)))
        for row, error in (self.errors if here else self.late).items():
            if row in rows:
                raise error

    def thread_ends(self):
        """Runs what a thread has deferred to the main one."""
        self._deferred.get(timeout=PATIENCE)()

    def connect(self):
        """The first row is sent by a thread, which opens the main thread's connection."""
        self.price("0")
        self.shared.send_gathered()
        self.thread_ends()
        assert (self.sent, self.found, len(self.opened)) == ([("thread", "0")], {"0": None}, 1)
        self.sent.clear()
        self.found.clear()


@pytest.fixture
def main(monkeypatch):
    main = MainThread(monkeypatch)
    with main.selector, main._threads:
        yield main


@pytest.fixture
def connected(main):
    main.connect()
    return main


def test_rows_that_were_gathered_share_a_commit(connected):
    connected.price(*"abc")
    assert connected.found == {}
    connected.shared.send_gathered()
    assert connected.found == dict.fromkeys("abc")
    assert connected.sent == [("here", "abc")]


def test_no_statement_has_more_than_a_few_rows(connected):
    rows = [chr(ord("A") + number) for number in range(module.A_FEW + 2)]
    connected.price(*rows)
    connected.shared.send_gathered()
    assert connected.found == dict.fromkeys(rows)
    assert [len(sent) for _, sent in connected.sent] == [module.A_FEW, 2]


def test_without_a_connection_a_thread_sends_the_rows_and_the_next_wait_for_it(main):
    main.price("a")
    main.shared.send_gathered()
    main.price("b")
    main.shared.send_gathered()
    assert main.found == {}
    main.thread_ends()
    assert main.found == {"a": None}
    main.shared.send_gathered()
    assert main.found == {"a": None, "b": None}
    assert main.sent == [("thread", "a"), ("here", "b")]


def test_a_row_at_fault_fails_by_itself(connected):
    connected.errors["b"] = IntegrityError("b is there")
    connected.price(*"abc")
    connected.shared.send_gathered()
    assert connected.found == {"a": None, "b": connected.errors["b"], "c": None}
    assert [rows for _, rows in connected.sent] == ["abc", "a", "b", "c"]


def test_a_mistake_of_ours_fails_those_it_was_sent_with(connected):
    connected.errors["b"] = error = MemoryError()
    connected.price(*"ab")
    connected.shared.send_gathered()
    assert connected.found == dict.fromkeys("ab", error)


def locked():
    error = OperationalError("database is locked")
    error.__cause__ = sqlite3.OperationalError("database is locked")
    error.__cause__.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def test_rows_are_sent_again_until_sqlite_is_not_locked(connected):
    connected.errors["a"] = locked()
    connected.price("a")
    connected.shared.send_gathered()
    assert (connected.found, connected.shared.most_seconds(1)) == ({}, module.A_TURN)
    connected.price("b")
    connected.shared.send_gathered()
    assert connected.found == {}
    connected.errors.clear()
    connected.shared.send_gathered()
    assert connected.found == {"a": None, "b": None}
    assert [rows for _, rows in connected.sent] == ["a", "ab", "ab"]
    assert (connected.shared.most_seconds(1), connected.opened[0].closed) == (1, False)


def test_rows_are_not_sent_again_for_ever(connected, monkeypatch):
    monkeypatch.setattr(module, "LOCK_SECONDS", -1)
    connected.errors["0"] = locked()
    rows = [*map(str, range(module.A_FEW - 6)), *"abcdefgh"]
    connected.price(*rows)
    connected.shared.send_gathered()
    assert connected.found == dict.fromkeys(rows, connected.errors["0"])
    assert connected.shared.most_seconds(1) == 1


def test_a_thread_waits_for_a_new_connection(connected):
    connected.errors["a"] = OperationalError("the connection is lost")
    connected.price("a")
    connected.shared.send_gathered()
    assert connected.found == {}
    connected.thread_ends()
    assert connected.found == {"a": None}
    assert connected.sent == [("here", "a"), ("thread", "a")]
    assert [one.closed for one in connected.opened] == [True, False]


def test_what_postgresql_refuses_is_not_sent_again(connected):
    """Such as a lock that is not free within lock_timeout. The rows that wait get the error, too."""
    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = Exception()
    error.__cause__.sqlstate = "55P03"
    connected.errors["a"] = error
    connected.opened[0].connection = SimpleNamespace(closed=False)
    connected.price(*map(str, range(module.A_FEW - 1)), *"ab")
    connected.shared.send_gathered()
    assert set(connected.found.values()) == {error}
    assert len(connected.found) == module.A_FEW + 1
    assert len(connected.sent) == 1
    assert not connected.opened[0].closed


def test_a_connection_past_its_time_is_opened_anew(connected):
    connected.opened[0].close_at = time.monotonic()
    connected.price("a")
    connected.shared.send_gathered()
    connected.thread_ends()
    assert connected.found == {"a": None}
    assert [one.closed for one in connected.opened] == [True, False]


def test_where_the_database_is_away_all_who_wait_learn_it_at_once(main):
    main.late["a"] = error = OperationalError("it is away")
    main.price("a")
    main.shared.send_gathered()
    main.price(*"bc")
    main.thread_ends()
    assert main.found == dict.fromkeys("abc", error)
    assert main.sent == [("thread", "a")]
    main.price("d")
    main.shared.send_gathered()
    main.thread_ends()
    assert main.found["d"] is None


def test_rows_that_were_committed_are_so_even_if_no_connection_can_be_opened(main, monkeypatch):
    monkeypatch.setattr(module, "_open", raise_away)
    main.price("a")
    main.shared.send_gathered()
    main.thread_ends()
    assert main.found == {"a": None}


def test_rows_do_not_wait_for_ever_if_a_thread_cannot_close_its_old_connection(main, monkeypatch):
    monkeypatch.setattr(module, "close_old_connections", raise_away)
    main.price("a")
    main.shared.send_gathered()
    main.thread_ends()
    assert isinstance(main.found["a"], OperationalError)
    assert main.sent == []


def raise_away():
    raise OperationalError("it is away")


def test_only_the_main_thread_passes_a_request_to_another(main):
    for call in (
        main.shared.require_thread,
        connections[DEFAULT_DB_ALIAS].connect,
        partial(main.shared.commit, ["a", "b"], None, None),
    ):
        with pytest.raises(NeedsThread):
            call()
    with ThreadPoolExecutor(1) as other:
        assert other.submit(main.shared.require_thread).result() is None
        assert not other.submit(main.shared.in_main_thread).result()
    SharedCommits().require_thread()


# PostgreSQL


class Answer:
    """Replaces a connection to PostgreSQL, which answers an INSERT when a byte is written to `server`."""

    def __init__(self, main):
        self.socket, self.server = socket.socketpair()
        self.socket.setblocking(False)
        self.main = main
        main.opened[-1].connection = SimpleNamespace(fileno=self.socket.fileno)
        main._insert = self.insert
        self.read = []

    def insert(self, rows, connection):
        assert connection is self.main.opened[-1]
        assert self.main.shared._wait(self.execution()) == "INSERT"
        self.main.sent.append(("here", "".join(rows)))

    def execution(self):
        """As psycopg's: yields what it waits for, is sent what has come about."""
        assert (yield selectors.EVENT_WRITE) == selectors.EVENT_WRITE
        self.socket.send(b"INSERT")
        assert (yield selectors.EVENT_READ) == selectors.EVENT_READ
        self.read.append(self.socket.recv(1))
        return "INSERT"


@pytest.fixture
def server(connected):
    answer = Answer(connected)
    with answer.socket, answer.server:
        yield answer


def test_an_answer_that_comes_at_once_is_awaited(connected, server):
    server.server.send(b"1")
    connected.price("a")
    connected.shared.send_gathered()
    assert connected.found == {"a": None}


def test_the_thread_answers_others_while_postgresql_takes_long(connected, server):
    connected.price("a")
    connected.shared.send_gathered()
    connected.price("b")
    connected.shared.send_gathered()
    assert (connected.sent, connected.found) == ([], {})
    server.server.send(b"12")
    [(key, _)] = connected.selector.select(PATIENCE)
    key.data(key.fileobj)
    assert connected.found == {"a": None}
    connected.shared.send_gathered()
    assert connected.found == {"a": None, "b": None}
    assert (connected.sent, server.read) == ([("here", "a"), ("here", "b")], [b"1", b"2"])
    assert not connected.selector.get_map()


def test_postgresql_that_does_not_answer_is_waited_for_no_longer(connected, server, monkeypatch):
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0)
    connected.price("a")
    connected.shared.send_gathered()
    assert connected.found == {}
    connected.shared.send_gathered()
    assert isinstance(connected.found["a"], OperationalError)
    assert connected.opened[-1].closed
    assert not connected.selector.get_map()
