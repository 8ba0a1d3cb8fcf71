"""Loaded by pytest before Django: the suite's own settings, and one folder for all that a run writes.

The folder is made, and removed, by the process that pytest was started as; its workers are told of it.
"""

import atexit
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")


def made():
    """A folder for this run, which goes with this process; temporary files are made in it from now on."""
    folder = Path(tempfile.mkdtemp(prefix="diamonds-tests-"))
    atexit.register(end, folder)
    (folder / "tmp").mkdir()
    os.environ |= {"TESTS_FOLDER": str(folder), "TMPDIR": str(folder / "tmp")}
    tempfile.tempdir = None
    return folder


def end(folder):
    """Ends what an interrupted run, whose workers were given no time, has left, and removes the folder."""
    end_processes_of(folder)
    shutil.rmtree(folder, ignore_errors=True)


def end_processes_of(folder):
    """Kills them, and waits until the kernel has taken all that they held."""
    for _ in range(1000):
        if not (left := processes_of(folder)):
            return
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def processes_of(folder):
    """{pid: command} of all whose environment names the folder, as it does of what a run starts."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_bytes().decode()
    return found


FOLDER = made() if WORKER == "alone" else Path(os.environ["TESTS_FOLDER"])
"""What is made once for all the run's processes lies here."""

var = FOLDER / WORKER
(var / "static").mkdir(parents=True)

for name in (
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
    "LOG_FORMAT",
    "LOG_INPUTS",
    "MAKEFLAGS",  # of the make that runs the suite: it would be that of the make that tests run
    "MAKELEVEL",
    "METRICS_TOKEN",
    "PORT",
    "PROMETHEUS_MULTIPROC_DIR",
    "REDIS_URL",
    "SCRIPT_NAME",
    "TRUSTED_PROXIES",
    "WORKERS",
):
    os.environ.pop(name, None)
os.environ |= {"VAR_DIR": str(var), "SECRET_KEY": "only-for-the-tests", "LOG_LEVEL": "ERROR"}
if not os.environ.get("DATABASE_URL"):
    os.environ.pop("DATABASE_URL", None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Has tmp_path be in the run's folder too; a short way, for a socket's path may not be long."""
    if WORKER == "alone" and not config.option.basetemp:
        config.option.basetemp = FOLDER / "t"
