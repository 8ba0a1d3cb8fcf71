"""Loaded by pytest before Django: the settings of the test suite, and one folder for all files of a run.

The process that pytest starts as creates and removes the folder; its xdist workers find its path in
the environment.
"""

import atexit
import gc
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For numpy and scikit-learn: the tests run in more processes than there are cores, and the threads of each
would wait for one another's. Forests are the same (tests/ml/training/test_processors.py)."""

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")


def made():
    """Creates the folder of this run, removed when this process exits, and puts temporary files into it."""
    folder = Path(tempfile.mkdtemp(prefix="diamonds-tests-"))
    atexit.register(end, folder)
    (folder / "tmp").mkdir()
    os.environ |= {"TESTS_FOLDER": str(folder), "TMPDIR": str(folder / "tmp")}
    tempfile.tempdir = None
    return folder


def end(folder):
    """Ends processes left by an interrupted run, and removes the folder."""
    end_processes_of(folder)
    shutil.rmtree(folder, ignore_errors=True)


def end_processes_of(folder):
    """Kills the processes of a run and waits until they are gone."""
    for _ in range(1000):
        if not (left := processes_of(folder)):
            return
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def processes_of(folder):
    """{pid: command} of the processes whose environment names the folder: all that a run started."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_bytes().decode()
    return found


FOLDER = made() if WORKER == "alone" else Path(os.environ["TESTS_FOLDER"])
"""Holds what is created once for all processes of the run."""

FORESTS = Path(os.environ.get("TESTS_FORESTS", FOLDER))
"""Holds the run's trained forests."""

gc.disable()  # importing and collecting makes many objects and hardly any garbage

var = FOLDER / WORKER
(var / "static").mkdir(parents=True)

for name in (
    "ALARM_PERCENT",
    "ALARM_POINTS",
    "ALLOWED_HOSTS",
    "API_ACCESS",
    "API_THROTTLE",
    "BAKED_DIR",
    "BEHIND_HTTPS",
    "CORS_ALLOWED_ORIGINS",
    "DEBUG",
    "DEFAULT_LANGUAGE",
    "FALLBACK_LANGUAGE",
    "FOREST_STORE",
    "HOST",
    "HSTS_SECONDS",
    "HSTS_SUBDOMAINS",
    "JOB_KEPT_DAYS",
    "JOB_LOST_SECONDS",
    "LOG_FORMAT",
    "LOG_INPUTS",
    "MAKEFLAGS",  # of the make that runs the suite: a make that a test runs would inherit it
    "MAKELEVEL",
    "METRICS_TOKEN",
    "OTEL_TRACES_EXPORTER",
    "PORT",
    "RECEIPT_KEYS_FILE",
    "REDIS_URL",
    "SCRIPT_NAME",
    "SEALS_DIR",
    "TRUSTED_PROXIES",
    "WORKERS",
):
    os.environ.pop(name, None)
os.environ |= ONE_THREAD | {
    "VAR_DIR": str(var),
    "SECRET_KEY": "only-for-the-tests",
    "LOG_LEVEL": "ERROR",
}
if not os.environ.get("DATABASE_URL"):
    os.environ.pop("DATABASE_URL", None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Puts tmp_path into the folder of the run; the path is short because the path of a socket must be."""
    if WORKER == "alone" and not config.option.basetemp:
        config.option.basetemp = FOLDER / "t"


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop():
    """Collects garbage of the tests only, not among the half a million objects that were there before."""
    gc.freeze()
    gc.set_threshold(5000)
    gc.enable()
