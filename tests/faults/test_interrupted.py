"""A run of the suite that is interrupted leaves no process, no database and no file behind."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from tests.environment import processes_of
from tests.waiting import PATIENCE, wait_for

from .conftest import POSTGRES

PART = ["tests/faults/test_kill.py", "tests/web/test_lock_out.py"]
"""Servers under load, and tests of the suite's own database beside them."""


def to_all(run):
    """What the terminal does on Ctrl-C."""
    os.killpg(run.pid, signal.SIGINT)


def to_pytest_alone(run):
    run.send_signal(signal.SIGINT)


@pytest.fixture
def ctrl_c_heard():
    """Whoever is started in a shell's background is deaf to Ctrl-C, and so is what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def surroundings(tmp_path, site):
    """What a run of the suite finds: an empty temp folder and, on PostgreSQL, a database of its own."""
    folder = tmp_path / "temp"
    folder.mkdir()
    outer = ("PYTEST", "TESTS_FOLDER")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    return inherited | {"TMPDIR": str(folder), "DATABASE_URL": site.url}


def databases():
    """What PostgreSQL has, of databases and of roles."""
    if not POSTGRES:
        return set()
    with psycopg.connect(POSTGRES) as postgres:
        query = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles"
        return {name for [name] in postgres.execute(query)}


def counts(folder):
    """Where the run's servers count: files that their workers have mapped, once they are at work."""
    found = set()
    for pid in processes_of(folder):
        with suppress(OSError):
            maps = Path(f"/proc/{pid}/maps").read_text()
            found |= set(re.findall(r"/\S+/diamonds-counts-\w+(?=/)", maps))
    return found


@pytest.mark.usefixtures("ctrl_c_heard")
@pytest.mark.parametrize(
    "interrupt", [to_all, pytest.param(to_pytest_alone, marks=pytest.mark.once)]
)
def test_nothing_is_left_of_a_run_that_is_interrupted(surroundings, tmp_path, interrupt):
    folder, log = Path(surroundings["TMPDIR"]), tmp_path / "log"
    with log.open("w") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", *PART],
            cwd=settings.BASE_DIR,
            env=surroundings,
            start_new_session=True,
            stdout=output,
            stderr=output,
        )
    try:
        counted = wait_for(lambda: counts(folder), log.read_text)
        interrupt(run)
        assert run.wait(PATIENCE) == pytest.ExitCode.INTERRUPTED, log.read_text()
        wait_for(lambda: not processes_of(folder), lambda: str(processes_of(folder)))
        assert list(folder.iterdir()) == []
        assert not any(Path(path).exists() for path in counted)
        assert not {name for name in databases() if name_of(surroundings) in name[1:]}
    finally:
        for pid in processes_of(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def name_of(surroundings):
    """The suite's database, whose name is part of that of each worker's own; never a whole name."""
    return urlsplit(surroundings["DATABASE_URL"]).path.lstrip("/") or "no database"
