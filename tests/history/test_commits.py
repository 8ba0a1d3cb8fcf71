"""Which rows share a commit, which requests wait for others, and which of them get an error."""

import threading

import pytest
from django.db import IntegrityError, OperationalError

from predictor.history import commits as module
from predictor.history.commits import SharedCommits
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.once


class Commits:
    """Replaces the database: records which rows were sent together; the first commit waits for `go`."""

    def __init__(self, errors=()):
        self.sent, self.errors = [], list(errors)
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, rows):
        self.sent.append(rows)
        if len(self.sent) == 1:
            self.begun.set()
            assert self.go.wait(PATIENCE)
        for error, row in self.errors:
            if row in rows:
                raise error


def committed(commits):
    """{row: None or its error} for four rows. The first is being sent when the others arrive."""
    shared, found = SharedCommits(), {}

    def commit(row):
        try:
            found[row] = shared.commit([row], commits)
        except (IntegrityError, MemoryError, OperationalError) as error:
            found[row] = error

    threads = [threading.Thread(target=commit, args=(row,)) for row in "abcd"]
    threads[0].start()
    assert commits.begun.wait(PATIENCE)
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: len(shared._gathered) == 3)
    commits.go.set()
    for thread in threads:
        thread.join(PATIENCE)
    return found


def test_answers_that_come_meanwhile_share_the_next_commit():
    commits = Commits()
    assert committed(commits) == dict.fromkeys("abcd")
    assert [sorted(rows) for rows in commits.sent] == [["a"], ["b", "c", "d"]]


def test_a_row_at_fault_fails_by_itself():
    error = IntegrityError("c is there")
    commits = Commits([(error, "c")])
    assert committed(commits) == {"a": None, "b": None, "c": error, "d": None}
    assert [len(rows) for rows in commits.sent] == [1, 3, 1, 1, 1]


def test_a_row_that_nobody_could_send_does_not_pass_for_recorded():
    error = MemoryError()
    commits = Commits([(IntegrityError("d is there"), "d"), (error, "b")])
    found = committed(commits)
    assert (found["a"], found["b"], found["c"]) == (None, error, None)
    assert isinstance(found["d"], IntegrityError)


def test_a_mistake_of_ours_fails_those_it_was_sent_with():
    error = MemoryError()
    assert committed(Commits([(error, "a")])) == {
        "a": error,
        "b": None,
        "c": None,
        "d": None,
    }


def test_where_the_database_is_away_all_who_wait_learn_it_at_once():
    error = OperationalError("it is away")
    commits = Commits([(error, "a")])
    assert committed(commits) == dict.fromkeys("abcd", error)
    assert commits.sent == [["a"]]


class Requests:
    """Two threads of a worker that handle requests; `sent` lists the rows of each commit."""

    def __init__(self):
        self.shared, self.sent, self.threads = SharedCommits(threads=2), [], []

    def come(self, row):
        """Handles a request and records its row in a new thread; returns once the thread is started."""

        def work():
            self.shared.begin(row)
            self.shared.commit([row], lambda rows: self.sent.append(sorted(rows)))
            self.shared.leave()

        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()

    def gathered(self, count):
        wait_for(lambda: len(self.shared._gathered) >= count)

    def end(self):
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.sent


@pytest.fixture
def patient(monkeypatch):
    """Rows wait without a limit, so that a test can see which requests they wait for."""
    monkeypatch.setattr(module, "A_MOMENT", PATIENCE)
    return Requests()


def test_a_row_waits_for_the_request_that_another_thread_works_on(patient):
    patient.shared.expect("a")
    patient.shared.expect("b")
    patient.come("a")
    patient.gathered(1)
    assert patient.sent == []
    patient.come("b")
    assert patient.end() == [["a", "b"]]


def test_a_row_does_not_wait_where_nobody_else_is_on_the_way(patient):
    patient.shared.expect("a")
    patient.come("a")
    assert patient.end() == [["a"]]


def test_a_row_does_not_wait_for_requests_that_have_no_thread(patient):
    for request in "abc":
        patient.shared.expect(request)
    patient.come("a")
    patient.gathered(1)
    patient.come("b")
    assert patient.end() == [["a", "b"]]


def test_a_row_is_sent_at_once_where_the_awaited_request_turns_out_to_record_nothing(patient):
    patient.shared.expect("a")
    patient.shared.expect("page")
    patient.come("a")
    patient.gathered(1)
    patient.shared.begin("page")
    patient.shared.leave()
    assert patient.end() == [["a"]]


def test_a_row_waits_for_a_moment_at_most():
    requests = Requests()
    requests.shared.expect("a")
    requests.shared.expect("never comes")
    requests.come("a")
    assert requests.end() == [["a"]]


def test_a_row_whose_thread_was_interrupted_is_not_sent_by_another(monkeypatch):
    shared, sent = SharedCommits(), []
    monkeypatch.setattr(shared, "_see_to", raise_memory_error)
    with shared._turn, pytest.raises(MemoryError):
        shared.commit(["a"], sent.append)
    monkeypatch.undo()
    shared.commit(["b"], sent.append)
    assert sent == [["b"]]


def raise_memory_error(own, send):
    raise MemoryError
