"""A worker is killed in each phase of each kind of job, the disk fills up, the database goes away: the
next worker takes the job up, and there is one outcome.

The first worker is a fork of this process, which kills itself at the phase; the next one is this
process.
"""

import csv
import io
import math
import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connections
from django.test import Client
from django.utils import timezone

from ml import dataset
from ml.stones import EXAMPLES, SCHEMES
from predictor.admin import scoring  # noqa: F401  # declares a kind of job
from predictor.admin.predictions import model_admin  # noqa: F401  # declares the others
from predictor.jobs import context as contexts
from predictor.jobs import uploads
from predictor.jobs import worker as workers
from predictor.jobs.folders import abandoned, locked_folder
from predictor.jobs.queue import ask
from predictor.models import (
    Job,
    ModelVersion,
    MonitoredDay,
    Prediction,
    PricedFile,
    Review,
    Sample,
    ScoringRun,
    Worker,
)
from predictor.pages.price_file import pricing
from predictor.pages.price_file import upload as lists
from predictor.versions.activation import live_version

ROWS = 5
GOOD, BAD = 6, 2
"""The rows of a list that are priced, and those that have errors."""


@pytest.fixture
def owner(site, few, tmp_path, monkeypatch):
    """A superuser on a site with a short history; retrainings read a few rows."""
    path = tmp_path / "few.csv"
    few.to_csv(path, index=False)
    table = replace(dataset.read(path), sha256=dataset.own_sha256())
    monkeypatch.setattr(dataset, "read", lambda *_, **options: table)
    monkeypatch.setattr(pricing.write_in_batches, "__defaults__", (GOOD // 3,))
    for module in (pricing, lists):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    for _ in range(ROWS):
        assert Client().get("/api/predict", EXAMPLES["coded"][0]).status_code == 200
    return User.objects.create_superuser("owner")


STONES = pd.DataFrame([EXAMPLES["coded"][0]] * ROWS).to_csv(index=False).encode()


def _prices():
    rows = [f"{pk},900" for pk in Prediction.objects.values_list("pk", flat=True)]
    return "\n".join(["id,price", *rows]).encode()


def ask_for(kind, owner):
    """Requests a job of a kind."""
    if kind == "list":
        return send_list()
    version = live_version("coded")
    arguments = {
        "export": {"ending": "csv", "query": ""},
        "replay": {"version": version.pk, "count": ROWS, "query": "", "csv": True},
        "monitor": {},
        "retrain": {"scheme": "coded", "with_reviewed": False},
        "prices": {"upload": uploads.store_of_user(_prices(), owner), "name": "prices.csv"},
        "mark": {"query": "", "state": "checked", "note": "all"},
        "sample": {"query": "", "form": "5" * 32, "n": 2, "seed": 5},
        "prune": {
            "before": (timezone.now() + timedelta(days=1)).isoformat(),
            "keep_reviewed": False,
        },
        "score": {"upload": uploads.store_of_user(STONES, owner), "name": "a.csv", "scheme": ""},
    }
    return ask(kind, owner, **arguments[kind])


def send_list():
    """Sends a list to be priced, with the page; returns its job."""
    stone = EXAMPLES["coded"][0]
    rows = [stone] * GOOD + [{**stone, "carat": "abc"}] * BAD
    lines = [SCHEMES["coded"], *(row.values() for row in rows)]
    sent = {"table": "\n".join(",".join(map(str, line)) for line in lines)}
    assert Client().post("/file/", sent).status_code == 302
    return Job.objects.latest("id")


def assert_one_outcome(job):
    """The job is done, and what it made is there once."""
    job.refresh_from_db()
    assert (job.state, job.losses <= 1) == ("done", True), job.outcome
    if job.kind in ("export", "replay", "score"):
        with default_storage.open(job.file) as file:
            rows = [*csv.DictReader(io.TextIOWrapper(file, "utf-8"))]
        assert len(rows) == job.rows == ROWS
        column = "price" if job.kind == "replay" else "predicted_price"
        prices = Prediction.objects.values_list("price", flat=True)
        total = sum(math.trunc(float(row[column])) for row in rows)
        assert total == sum(map(math.trunc, prices)) > 0
    if job.kind == "list":
        ids = PricedFile.objects.get(pk=job.arguments["id"]).predictions
        rows = Prediction.objects.filter(source="batch").order_by("id")
        assert [one.pk.hex for one in rows] == ids
        assert (len(ids), job.rows) == (GOOD, BAD)
        with default_storage.open(job.file) as file:
            assert len(file.readlines()) == 1 + BAD
    assert stored() == ([job.file] if job.file else [])
    reviewed = ROWS if job.kind in ("prices", "mark") else 0
    assert Review.objects.count() == Review.history.count() == reviewed
    assert Sample.objects.count() == (job.kind == "sample")
    assert ScoringRun.objects.filter(state="done").count() == (job.kind == "score")
    assert ScoringRun.objects.count() == (job.kind == "score")
    answers = {"prune": 0, "list": ROWS + GOOD}.get(job.kind, ROWS)
    assert Prediction.objects.count() == answers
    assert MonitoredDay.objects.count() == (job.kind == "monitor")
    assert ModelVersion.objects.count() == 4 + (job.kind == "retrain")


def stored():
    """The files of jobs in the storage."""
    if not default_storage.exists("jobs"):
        return []
    return [f"jobs/{name}" for name in default_storage.listdir("jobs")[1]]


def work():
    """Runs the jobs in the queue in this process, after taking up what lost workers left."""
    worker = workers.JobWorker()
    with locked_folder(worker.id) as worker.folder:
        worker.beat()
        while worker._run_one():
            pass
    Worker.objects.all().delete()


def before(module, name, monkeypatch):
    """The process kills itself before a function is called."""
    monkeypatch.setattr(module, name, lambda *_, **options: os.kill(os.getpid(), signal.SIGKILL))


def after(module, name, monkeypatch):
    """The process kills itself after a function was called."""
    function = getattr(module, name)

    def called(*arguments, **options):
        function(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(module, name, called)


PHASES = {
    "before it says running": (before, workers, "claim"),
    "after it says running": (after, workers, "claim"),
    "in the middle": (before, contexts.Context, "progress"),
    "after its first rows": (after, pricing, "_price"),
    "in the transaction of its rows": (before, PricedFile, "save"),
    "while it writes its file": (before, contexts, "settle"),
    "after its file is in place": (after, contexts.Context, "_store"),
    "after its version is registered": (after, contexts.Context, "keep"),
    "while it says done": (before, workers.JobWorker, "_close"),
    "after it has said done": (after, workers.JobWorker, "_close"),
}
SPECIAL = {
    "export": {"file"},
    "replay": {"file"},
    "score": {"file"},
    "list": {"file", "rows"},
    "retrain": {"version"},
    **{kind: set() for kind in ("monitor", "prices", "mark", "sample", "prune")},
}
"""What each kind of job has that only some phases are about."""

KILLS = [
    (kind, phase)
    for kind, own in SPECIAL.items()
    for phase in PHASES
    if {"file", "rows", "version"} & {*phase.split()} <= own
]


def killed(phase):
    """Runs a worker in a fork of this process until it kills itself."""
    how, module, name = PHASES[phase]
    if pid := os.fork():
        assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
        return
    inherited = connections["default"].connection  # kept, or it would be closed for the parent, too
    connections["default"].connection = None
    how(module, name, pytest.MonkeyPatch())
    try:
        work()
    finally:
        os._exit(len([inherited]))


@pytest.mark.parametrize(("kind", "phase"), KILLS)
def test_a_worker_is_killed(owner, kind, phase):
    job = ask_for(kind, owner)
    killed(phase)
    work()
    assert_one_outcome(job)
    assert not abandoned()
    again = ask_for(kind, owner)
    work()
    again.refresh_from_db()
    assert (again.pk != job.pk, again.state) == (True, "done")


@pytest.mark.parametrize("kind", ["export", "replay", "list"])
def test_a_full_disk_fails_the_job_and_the_next_one_runs(owner, kind, monkeypatch):
    job = ask_for(kind, owner)
    full = lambda path: Path("/dev/full").open("wb")  # noqa: E731, SIM115
    with monkeypatch.context() as patch:
        patch.setattr(contexts.private_files, "opened", full)
        work()
    job.refresh_from_db()
    assert (job.state, job.file, stored()) == ("failed", "", [])
    assert "No space left" in job.outcome
    again = ask_for(kind, owner)
    work()
    assert_one_outcome(again)


def cut_connection():
    """The connection's queries fail until it is opened again, as after a restart of the database."""
    connection = connections["default"]
    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(lambda: 1, 1)
    else:
        connection.connection.close()


@pytest.mark.parametrize("kind", ["export", "replay", "monitor", "list"])
def test_a_database_that_goes_away_in_the_middle(owner, kind, monkeypatch):
    job = ask_for(kind, owner)
    progress, gone = contexts.Context.progress, []

    def cut_once(context, *figures):
        if not gone:
            gone.append(1)
            cut_connection()
            Job.objects.get(pk=job.pk)
        progress(context, *figures)

    monkeypatch.setattr(contexts.Context, "progress", cut_once)
    work()
    assert gone
    assert_one_outcome(job)


def test_two_workers_at_once_run_each_job_once(owner):
    jobs = [ask_for(kind, owner) for kind in ("export", "monitor", "replay")]
    if pid := os.fork():
        work()
        assert os.waitpid(pid, 0)[1] == 0
    else:
        inherited = connections["default"].connection
        connections["default"].connection = None
        try:
            work()
            os._exit(0)
        finally:
            os._exit(len([inherited]))
    states = [*Job.objects.order_by("pk").values_list("state", "losses")]
    assert states == [("done", 0)] * len(jobs)
    assert len(stored()) == 2
