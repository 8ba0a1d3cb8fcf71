"""Concurrent activations and a clock that is set back: one active version, and a history in order."""

import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from urllib.parse import urlencode
from uuid import UUID

import psycopg
import pytest
from django.conf import settings

from ml.stones import EXAMPLES
from predictor.models import Activation, Prediction
from predictor.retraining import lock as retraining
from tests.waiting import PATIENCE, wait_for

from .asking import ask

PRICE = f"/api/predict?{urlencode(EXAMPLES['coded'][0])}"
PROCESSES, THREADS, TIMES = 3, 4, 2

ACTIVATE = """
import sys, django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from predictor.models import ModelVersion
from predictor.versions.activation import activate

def take_turns(thread):
    try:
        for turn in range({times}):
            version = ModelVersion.objects.get(scheme="coded", number=1 + (thread + turn) % 2)
            activate(version, f"{{sys.argv[1]}}.{{thread}}", str(turn))
    finally:
        connection.close()

print("at the start", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor({threads}) as pool:
    list(pool.map(take_turns, range({threads})))
"""

SHIFTED = """
import os, time
from pathlib import Path

real, shift = time.time_ns, Path(os.environ["CLOCK"])
time.time_ns = lambda: real() + int(shift.read_text()) * 1_000_000_000
time.time = lambda: time.time_ns() / 1e9
"""
"""A sitecustomize whose clock is shifted by the number of seconds in a file."""


def test_activations_at_once_leave_one_live_version_and_a_history_in_order(site):
    before = Activation.objects.count()
    environment = site.server().environment | {"DJANGO_SETTINGS_MODULE": "diamondsite.settings"}
    script = ACTIVATE.format(times=TIMES, threads=THREADS)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(number)],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout.readline() == "at the start\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
    assert Activation.objects.count() == before + PROCESSES * THREADS * TIMES
    history = list(Activation.objects.filter(scheme="coded").order_by("pk"))
    assert [one.live for one in history] == [False] * (len(history) - 1) + [True]
    for earlier, later in pairwise(history):
        assert later.replaced_id == earlier.version_id
        assert later.at >= earlier.at
    assert len({one.by for one in history}) == 1 + PROCESSES * THREADS


def test_ids_stay_in_order_where_the_clock_steps_back(site, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(SHIFTED))
    clock = tmp_path / "clock"
    clock.write_text("0")
    shifted = {"PYTHONPATH": str(tmp_path), "CLOCK": str(clock)}
    with site.server(**shifted) as server:
        ids = some_ids(server)
        clock.write_text("-3600")
        ids += some_ids(server)
        old = server.workers()
        server.kill(old[0])
        wait_for(lambda: len(set(server.workers()) - set(old)) == 1, server.log_text)
        wait_for(lambda: server.status_of("/health/ready") == 200, server.log_text)
        ids += some_ids(server)
        assert ids == sorted(set(ids))
    with site.server(**shifted) as server:
        assert min(some_ids(server)) > max(ids)
    assert Prediction.objects.count() == len(ids) + ASKED
    assert Prediction.objects.filter(pk__in=ids).count() == len(ids)


ASKED = 20


def some_ids(server):
    """The ids of answers requested one after the other, from any worker."""
    ids = []
    for _ in range(ASKED):
        reply = ask(server, PRICE)
        assert reply.status == 200
        ids.append(UUID(reply.content["id"]))
        time.sleep(0.002)
    return ids


@pytest.mark.postgresql
def test_machines_that_share_a_database_retrain_in_turn(site):
    with psycopg.connect(site.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [retraining.LOCK])
        running = pytest.raises(retraining.AlreadyRunning, match=r"already, on another machine$")
        with running, retraining.only_one():
            pass
        other.execute("SELECT pg_advisory_unlock(%s)", [retraining.LOCK])
        with retraining.only_one():
            taken = other.execute("SELECT pg_try_advisory_lock(%s)", [retraining.LOCK])
            assert taken.fetchone() == (False,)
        taken = other.execute("SELECT pg_try_advisory_lock(%s)", [retraining.LOCK])
        assert taken.fetchone() == (True,)
