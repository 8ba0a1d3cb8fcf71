"""The worker process: if killed its job is marked lost and its lock is free; it exits with its starter."""

import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from predictor.models import Activation, RetrainJob
from predictor.retraining.jobs import ask
from predictor.retraining.services import only_one
from tests.waiting import PATIENCE, wait_for

WORK = ["manage.py", "work", "--verbosity=0"]
STARTER = """
import os, subprocess, sys
environment = os.environ | {{"WORKER_OF": str(os.getpid())}}
print(subprocess.Popen([sys.executable, *{work}], env=environment).pid, flush=True)
input()
"""


@contextmanager
def running(site, *arguments):
    """A Python process on a site, killed at the end if it is still running."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env=site.server().environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.fixture
def job(site):
    return ask("coded", False, "max")


def state():
    return RetrainJob.objects.get().state


def test_a_worker_that_is_killed_leaves_a_lost_job_and_a_free_lock(site, job):
    live = Activation.objects.get(scheme="coded", live=True)
    with running(site, *WORK) as worker:
        wait_for(lambda: state() == "running", state)
        worker.kill()
        worker.wait(PATIENCE)
    with only_one():
        pass
    assert state() == "running"
    RetrainJob.objects.update(heard=timezone.now() - timedelta(minutes=4))
    RetrainJob.mark_lost()
    assert state() == "lost"
    assert Activation.objects.get(scheme="coded", live=True) == live
    assert ask("coded", False, "max").state == "queued"


def test_it_ends_with_whoever_started_it(site):
    with running(site, "-c", STARTER.format(work=WORK)) as starter:
        worker = Path(f"/proc/{starter.stdout.readline().strip()}")
        assert worker.exists()
        starter.kill()
        starter.wait(PATIENCE)
        wait_for(lambda: is_gone(worker))


def is_gone(process):
    """Whether a process, given by its folder in /proc, has ended; init may not have reaped it yet."""
    try:
        return ") Z" in (process / "stat").read_text()
    except OSError:
        return True
