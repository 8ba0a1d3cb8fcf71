"""A worker: how jobs end, who may store that, heartbeats, files."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import get_language, override

from ml.tables.errors import DatasetError
from predictor.jobs import folders
from predictor.jobs.folders import abandoned, locked_folder
from predictor.jobs.kinds import KINDS
from predictor.jobs.queue import of_worker, stop
from predictor.models import Job, Worker

from .conftest import example, state, stored_files

pytestmark = pytest.mark.django_db

ENDS = {
    "done": ("done", "two rows"),
    "failed": ("failed", "no rows match"),
    "broken": ("failed", "ZeroDivisionError: division by zero"),
    "full": ("failed", "[Errno 28] No space left on device"),
    "away": ("queued", ""),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_job_ends(asked, worker, settings, end):
    asked(end=end)
    job = worker.one()
    assert (job.state, job.outcome) == ENDS[end]
    is_done = end == "done"
    assert bool(job.ended) == (end != "away")
    assert (job.done, job.total, job.rows, job.size) == (
        (2, 2, 2, 8) if is_done else (0, 0, None, None)
    )
    assert job.result == ({"rows": 2} if is_done else {})
    assert len(stored_files(settings)) == is_done
    assert bool(job.file) == bool(job.expires) == is_done
    assert worker.context is None


def test_an_outcome_is_in_the_language_of_its_user(kind, asked, worker):
    kind(run=lambda context: get_language())
    with override("pl"):
        asked()
    assert worker.one().outcome == "pl"


def test_an_unknown_kind_fails(asked, worker, monkeypatch):
    with override("pl"):
        asked()
    monkeypatch.delitem(KINDS, "example")
    job = worker.one()
    assert (job.state, job.outcome) == ("failed", "W tej wersji nie ma zadań tego rodzaju.")


def error_of_a_file():
    """As a command raises it because of an error in a file, which it has in English."""
    try:
        raise DatasetError("the file is empty")
    except DatasetError as error:
        raise CommandError(f"stones.csv: {error}") from None


def running_already():
    raise CommandError("a retraining is running already")


@pytest.mark.parametrize(
    ("fails", "outcome"),
    [
        (error_of_a_file, "Plik jest pusty."),
        (running_already, "trwa już inne uczenie modelu"),
    ],
)
def test_errors_of_commands_are_in_the_language_of_the_user(kind, asked, worker, fails, outcome):
    kind(run=lambda context: fails())
    with override("pl"):
        asked()
    job = worker.one()
    assert (job.state, job.outcome) == ("failed", outcome)


def interrupted_by(worker, interrupt):
    """A kind's function that is interrupted after its first row."""

    def run(context):
        with context.write_file("example.csv") as file:
            file.write(b"row\n")
            interrupt(context)
            worker.beat()
            context.progress(1)
            raise AssertionError("it goes on")

    return run


def stop_it(context):
    stop(context.job)


def time_is_over(context):
    context.ends = timezone.now() - timedelta(seconds=1)


def release(context):
    context.released.set()


INTERRUPTS = [
    (stop_it, True, "stopped", ""),
    (time_is_over, True, "failed", "It reached its time limit of 1 min."),
    (release, True, "queued", ""),
]


@pytest.mark.parametrize(("interrupt", "repeats", "after", "outcome"), INTERRUPTS)
def test_a_job_is_interrupted(
    kind, asked, worker, settings, in_english, interrupt, repeats, after, outcome
):
    kind(run=interrupted_by(worker, interrupt), repeats=repeats)
    asked()
    job = worker.one()
    assert (job.state, job.outcome, job.losses, job.file) == (after, outcome, 0, "")
    assert stored_files(settings) == []


def test_a_kind_that_does_not_repeat_is_not_released(kind, asked, worker):
    def run(context):
        context.released.set()
        context.progress(1)
        return "to the end"

    kind(run=run, repeats=False)
    asked()
    assert worker.one().outcome == "to the end"


def taken_by_another(context):
    Job.objects.update(worker=uuid4())


@pytest.mark.parametrize("moment", ["before its file", "after its file"])
def test_a_worker_that_lost_a_job_stores_nothing(kind, asked, worker, settings, moment):
    def run(context):
        if moment == "before its file":
            taken_by_another(context)
        text = example(context)
        taken_by_another(context)
        return text

    kind(run=run)
    asked()
    job = worker.one()
    assert (job.state, job.outcome, job.rows) == ("running", "", None)
    assert not of_worker(job, worker.id).exists()
    assert stored_files(settings) == []


def test_a_heartbeat_shows_the_worker_and_the_progress(kind, asked, worker):
    seen = []

    def run(context):
        context.progress(30, 100)
        Job.objects.update(heartbeat=None)
        worker.beat()
        seen.append(Job.objects.values_list("done", "total", "heartbeat").get())

    kind(run=run)
    asked()
    worker.one()
    [(done, total, heartbeat)] = seen
    assert (done, total) == (30, 100)
    assert heartbeat
    assert Worker.objects.get().name == worker.name


@pytest.mark.parametrize("how", ["lost", "late"])
def test_a_process_ends_if_it_lost_its_job_or_hangs(kind, asked, worker, monkeypatch, how):
    def run(context):
        if how == "lost":
            taken_by_another(context)
        else:
            context.ends = timezone.now() - timedelta(minutes=1)
        worker.beat()

    def exit_now(process, signal):
        raise SystemExit

    monkeypatch.setattr(os, "kill", exit_now)
    kind(run=run)
    asked()
    with pytest.raises(SystemExit):
        worker.one()
    assert state() == ("running" if how == "lost" else "failed")


def test_the_end_of_a_job_waits_for_the_database(asked, worker, monkeypatch):
    """The first attempts to store it fail."""
    fails = [OperationalError("locked")] * 2

    def sometimes(job, worker):
        if fails:
            raise fails.pop()
        return of_worker(job, worker)

    monkeypatch.setattr("predictor.jobs.worker.of_worker", sometimes)
    monkeypatch.setattr("predictor.jobs.worker.INTERVAL", 0)
    monkeypatch.setattr("predictor.jobs.worker.connection.close", lambda: None)
    asked()
    assert worker.one().state == "done"
    assert not fails


def test_folders_of_dead_workers_are_found(settings, tmp_path, db):
    settings.VAR_DIR = tmp_path
    mine, dead, elsewhere = uuid4(), uuid4(), uuid4()
    with locked_folder(mine) as folder:
        for host, worker in ((folders.HOST, dead), ("another-host", elsewhere)):
            (tmp_path / "jobs" / f"{host}-{worker.hex}").mkdir()
        assert {*abandoned().values()} == {dead, elsewhere}
        Worker.objects.create(pk=elsewhere, name="another-host:1")
        assert {*abandoned().values()} == {dead}
    assert not folder.exists()


@pytest.mark.django_db(transaction=True)  # the worker closes its connection
@pytest.mark.parametrize("what", ["delete_old", "delete_expired"])
def test_a_store_that_is_away_does_not_keep_jobs_from_running(
    asked, worker, tmp_path, monkeypatch, what
):
    def away():
        raise OSError("the store is away")

    monkeypatch.setattr(f"predictor.jobs.worker.{what}", away)
    worker.folder = tmp_path
    asked()
    assert [worker._run_one(), worker._run_one()] == [False, True]
    assert state() == "done"


@pytest.mark.django_db(transaction=True)  # the worker closes its connection
@pytest.mark.parametrize("error", [None, OperationalError("away"), ZeroDivisionError()])
def test_work_between_jobs_does_not_keep_jobs_from_running(asked, worker, monkeypatch, error):
    asked()
    calls = []

    def between():
        calls.append(Job.objects.get().state)
        if error and len(calls) == 1:
            raise error
        if len(calls) == 2:
            worker.request_stop()

    monkeypatch.setattr(worker, "between", between)
    monkeypatch.setattr(worker.heart, "start", lambda: None)
    monkeypatch.setattr(worker.heart, "join", lambda timeout: None)
    worker.run()
    assert (calls, state()) == (["queued", "done"], "done")
