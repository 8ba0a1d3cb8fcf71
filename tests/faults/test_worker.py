"""The worker beside a server: killed, it is back and takes up its job; it ends with the server, and goes on
while the server reloads or is upgraded."""

import csv
import io
import os
import re
import signal
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from predictor.admin.predictions import export  # noqa: F401  # a kind of job
from predictor.jobs.queue import ask
from predictor.models import Job, Worker
from tests.waiting import wait_for

from .conftest import POSTGRES
from .history import fill
from .outages import installed, silent, sqlite_locked, stopped


@pytest.fixture
def job(site):
    """A retraining on the whole table, which takes longer than the test."""
    owner = User.objects.create_superuser("owner")
    return ask("retrain", owner, scheme="coded", with_reviewed=False)


def state():
    return Job.objects.values_list("state", flat=True).get()


def supervised(server):
    """(supervisord, its worker) beside a server, as psutil.Processes; empty if there is none."""
    for child in psutil.Process(server.process.pid).children():
        if "diamondsite.supervised" in child.cmdline():
            return [child, *child.children()]
    return []


@contextmanager
def begun(server):
    """A server, once it has a worker."""
    with server.begun():
        wait_for(Worker.objects.exists, server.log_text)
        yield server


@pytest.fixture
def server(site):
    """A server with a worker."""
    with begun(site.server(WITH_WORKER="true")) as server:
        yield server


def test_a_worker_that_is_killed_is_back_and_begins_its_job_again(server, job):
    wait_for(lambda: state() == "running", server.log_text)
    first = Job.objects.get()
    _supervisor, worker = supervised(server)
    worker.kill()
    wait_for(lambda: state() == "running" and Job.objects.get().losses, server.log_text)
    again = Job.objects.get()
    assert again.worker != first.worker
    assert server.process.poll() is None


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_server_and_releases_its_job(server, job, how):
    wait_until_it_runs(server)  # growing trees: it then looks often whether to stop
    processes = supervised(server)
    os.kill(server.process.pid, how)
    _gone, alive = psutil.wait_procs(processes, timeout=40)
    assert not alive
    job = Job.objects.get()
    assert (job.state, job.losses, job.worker) == ("queued", 0, None)
    assert not Worker.objects.exists()


# Exports, which take several seconds

ROWS = 40_000


@pytest.fixture
def exporting(site):
    """An export of many answers."""
    fill(ROWS)
    return ask("export", User.objects.create_superuser("owner"), ending="csv", query="")


def wait_until_it_runs(server, losses=0):
    """Waits until the only job has made progress; returns its worker's id."""
    wait_for(
        lambda: Job.objects.filter(state="running", losses=losses, done__gt=0).exists(),
        server.log_text,
    )
    return Job.objects.get().worker


def assert_one_outcome(server, losses):
    """The job is done, with one file of all rows."""
    wait_for(lambda: state() not in ("queued", "running"), server.log_text)
    job = Job.objects.get()
    assert (job.state, job.losses, job.rows) == ("done", losses, ROWS), server.log_text()
    with default_storage.open(job.file) as file:
        ids = [row["id"] for row in csv.DictReader(io.TextIOWrapper(file, "utf-8-sig"))]
    assert len(set(ids)) == len(ids) == ROWS
    assert default_storage.listdir("jobs") == ([], [job.file.removeprefix("jobs/")])
    return job


def test_a_job_goes_on_while_the_server_reloads(server, exporting):
    worker = wait_until_it_runs(server)
    before, processes = server.workers(), supervised(server)
    server.process.send_signal(signal.SIGHUP)
    kept = {process.pid for process in processes}
    wait_for(lambda: len(server.workers()) == 3 and {*server.workers()} & {*before} <= kept)
    assert supervised(server) == processes
    assert state() == "running"
    assert assert_one_outcome(server, losses=0).worker == worker


def test_a_job_goes_on_beside_an_upgraded_server_which_begins_it_again_when_the_old_one_ends(
    site, exporting
):
    server, new = site.server(WITH_WORKER="true", JOB_LOST_SECONDS="600"), None
    try:
        with begun(server):
            worker, before = wait_until_it_runs(server), {*server.workers()}
            [_supervisor, process] = supervised(server)
            process.suspend()  # so that the job does not end too soon
            server.process.send_signal(signal.SIGUSR2)
            wait_for(lambda: Worker.objects.count() == 2, server.log_text)
            [new] = {*server.workers()} - before
            assert (state(), Job.objects.get().worker) == ("running", worker)
            assert server.stop() == 0
            wait_for(lambda: is_asked_to_end(process))
            process.resume()
        wait_for(lambda: not Worker.objects.filter(pk=worker).exists(), server.log_text)
        assert assert_one_outcome(server, losses=0).worker != worker
    finally:
        if new:
            end_with_children(new)


def is_asked_to_end(process):
    """Whether a suspended process will get a SIGTERM."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    [pending] = re.findall(r"^ShdPnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(int(pending, 16) & 1 << signal.SIGTERM - 1)


def end_with_children(pid):
    """Kills a server, its workers and its worker for jobs."""
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(pid)
        for process in [*found.children(recursive=True), found]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


LONG_OUTAGES = [stopped, silent] if POSTGRES else [sqlite_locked]


@pytest.mark.parametrize("outage", LONG_OUTAGES)
def test_a_database_that_is_away_for_longer_than_a_worker_may_be_silent(site, exporting, outage):
    """As one of minutes, with JOB_LOST_SECONDS shorter: the worker ends, and the next one waits."""
    with installed(site) as installation:
        server = installation.server(WITH_WORKER="true", JOB_LOST_SECONDS="8")
        with begun(server):
            worker = wait_until_it_runs(server)
            [_supervisor, process] = supervised(server)
            with outage(installation, server):
                psutil.wait_procs([process], timeout=120)
                assert not process.is_running(), "it goes on without a heartbeat"
                wait_for(lambda: len(supervised(server)) == 2, server.log_text)
            assert assert_one_outcome(server, losses=1).worker != worker
