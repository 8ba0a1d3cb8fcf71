"""The worker beside a server: killed, it is back and takes up its job; it ends with the server."""

import os
import signal

import psutil
import pytest
from django.contrib.auth.models import User

from predictor.admin.predictions import export  # noqa: F401  # a kind of job
from predictor.jobs.queue import ask
from predictor.models import Job, Worker
from tests.waiting import wait_for


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


@pytest.fixture
def server(site, monkeypatch):
    """A server with a worker."""
    server = site.server(WITH_WORKER="true")
    monkeypatch.setattr(server, "wait_until_ready", lambda: wait_for(Worker.objects.exists))
    with server:
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
    wait_for(lambda: state() == "running", server.log_text)
    processes = supervised(server)
    os.kill(server.process.pid, how)
    _gone, alive = psutil.wait_procs(processes, timeout=40)
    assert not alive
    job = Job.objects.get()
    assert (job.state, job.losses, job.worker) == ("queued", 0, None)
    assert not Worker.objects.exists()
