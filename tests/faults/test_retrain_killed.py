"""A retraining is killed at any moment: the active version stays, and the next run works."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings

from ml.stones import EXAMPLES
from predictor.models import Activation, ModelVersion
from predictor.versions.store import load
from tests.waiting import PATIENCE, wait_for

from .asking import ask

KILLS = 8
PRICE = f"/api/predict?{urlencode(EXAMPLES['coded'][0])}"

NURSERY = """
import os, sys, django
django.setup()
from django.core.management import execute_from_command_line
import sklearn.ensemble, predictor.management.commands.retrain
print(0, flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        execute_from_command_line(line.split())
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Forks a run for each line, with all imports done, so that the kill hits the work and not the imports."""


class Runs:
    """Runs of manage.py retrain on a site."""

    def __init__(self, site, server, data):
        self.site = site
        self.environment = server.environment | {"DJANGO_SETTINGS_MODULE": "diamondsite.settings"}
        self.command = [
            "manage.py",
            "retrain",
            "--scheme=coded",
            "--force",
            "--year=2008",
            f"--data={data}",
        ]

    def python(self, *arguments):
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        self.nursery = self.python("-c", NURSERY)
        assert self.said() == "0\n"
        return self

    def __exit__(self, *exc_info):
        self.nursery.stdin.close()
        self.nursery.wait(PATIENCE)
        self.nursery.stdout.close()

    def begin(self, seed):
        """Starts a run and returns its process id."""
        self.nursery.stdin.write(" ".join([*self.command, f"--seed={seed}"]) + "\n")
        self.nursery.stdin.flush()
        return int(self.said())

    def end(self):
        """The exit status of the run."""
        return int(self.said())

    def said(self):
        """The next line of NURSERY itself; the output of the run is skipped."""
        return next(line for line in self.nursery.stdout if line.strip().lstrip("-").isdigit())

    def writes(self):
        """Whether a forest is being written."""
        with suppress(FileNotFoundError):  # if a folder is removed meanwhile
            return any((self.site.var / "tmp").glob("forest-*/*"))
        return False


@pytest.fixture
def few_stones(few, tmp_path):
    """A data file that takes about a second to train on."""
    path = tmp_path / "few.csv"
    few.to_csv(path, index=False)
    return path


def test_a_run_killed_at_any_moment_leaves_the_live_version_and_the_next_run_works(
    site, few_stones
):
    choose = random.Random(10)
    with site.server() as server, Runs(site, server, few_stones) as runs:
        begun = time.monotonic()
        runs.begin(seed=99)
        assert runs.end() == 0
        longest, kills = time.monotonic() - begun, 0
        for seed in range(3 * KILLS):
            moment = choose.uniform(0, longest)
            if killed(runs, seed, moment, choose.uniform(0, 0.05)):
                kills += 1
            elif seed % 3:
                longest = moment  # it had finished by then
            if kills == KILLS:
                break
        assert kills == KILLS
        last = runs.python(*runs.command, "--seed=100")
        said, _ = last.communicate(timeout=PATIENCE)
        assert last.returncode == 0, said
        live = live_version()
        assert live.seed == 100
        assert not any((site.var / "tmp").glob("*"))
        wait_for(lambda: answering(server) == live.number, server.log_text)
        assert "refused" not in server.log_text()


def killed(runs, seed, moment, after):
    """Kills a run at a moment of its work; every third run shortly after its first byte is written.

    Checks what the run has left behind, and returns whether it was still running.
    """
    live, activations = live_version(), Activation.objects.count()
    run, begun = runs.begin(seed), time.monotonic()

    def due():
        done = not Path(f"/proc/{run}").exists()
        return done or runs.writes() if seed % 3 == 0 else time.monotonic() - begun > moment

    wait_for(due)
    if seed % 3 == 0:
        time.sleep(after)
    with suppress(ProcessLookupError):
        os.kill(run, signal.SIGKILL)
    end = runs.end()
    if Activation.objects.count() == activations:
        assert live_version() == live
    for version in ModelVersion.objects.all():
        assert load(version).scheme == version.scheme
    return end == -signal.SIGKILL


def live_version():
    return Activation.objects.get(scheme="coded", live=True).version


def answering(server):
    """The version that answers for the coded scheme."""
    reply = ask(server, PRICE)
    assert reply.status == 200
    return reply.content["model"]["version"]
