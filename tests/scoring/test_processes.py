"""Scoring in several processes: their settings, and what happens when one of them is killed."""

import multiprocessing
import os
import signal
from contextlib import suppress
from threading import Thread

import psutil
import pytest

from predictor.models import ScoringRun
from predictor.scoring import services
from predictor.scoring.errors import ScoringError
from tests.waiting import wait_for

from .conftest import read, score

pytestmark = pytest.mark.django_db


def test_two_processes_answer_as_this_one(
    live_models, small_parts, graded, write, tmp_path, small_forests
):
    printed, status = score(write("in.parquet", graded), tmp_path / "out.parquet", "--workers", "2")
    assert status == 0
    priced = read(tmp_path / "out.parquet")
    assert priced.reference.tolist() == graded.reference.tolist()
    assert (priced.predicted_price == small_forests["graded"].price(graded).astype(int)).all()
    assert "rows/s" in printed


def worker():
    """The process id of a scoring worker; None if there is none."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                return child.pid
    return None


def test_a_killed_process_stops_the_run_and_nothing_is_lost(
    live_models, small_parts, graded, write, tmp_path
):
    planned = services.prepare(write("in.csv", graded), str(tmp_path / "out"))

    def kill():
        os.kill(wait_for(worker), signal.SIGKILL)

    killer = Thread(target=kill)
    killer.start()
    with pytest.raises(ScoringError, match="a worker process was killed or ran out of memory"):
        services.run(planned, 1)
    killer.join()
    assert ScoringRun.objects.get().state == "failed"
    again = services.prepare(planned.source.url, planned.output.url)
    assert services.run(again, 1).rows == 1000
    assert read(tmp_path / "out").reference.tolist() == graded.reference.tolist()


def test_an_interrupted_run_stops_its_workers(live_models, small_parts, graded, write, tmp_path):
    """They do not finish what they have begun, and the run can be resumed."""
    planned = services.prepare(write("in.csv", graded), str(tmp_path / "out"))
    processes = []

    def interrupt(done, total):
        if done:
            processes.extend(multiprocessing.active_children())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.run(planned, 1, progress=interrupt)
    assert [process.exitcode for process in processes] == [-signal.SIGTERM]
    assert ScoringRun.objects.get().outcome == "interrupted"
    again = services.prepare(planned.source.url, planned.output.url)
    assert services.run(again, 1).rows == 1000
    assert read(tmp_path / "out").reference.tolist() == graded.reference.tolist()
