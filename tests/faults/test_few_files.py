"""A process that may open few files: connections wait, and no worker dies."""

import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from .asking import ask
from .history import assert_recorded
from .load import Load

pytestmark = pytest.mark.once

CODED = "/api/predict?carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"
IDLE = 600


def limited(site, files):
    """A server whose processes may open at most this number of files."""
    server = site.server()
    server.prefix = ("prlimit", f"--nofile={files}", "--")
    return server


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is not installed")
def test_with_few_files_new_connections_wait_and_no_worker_dies(site, stones):
    with limited(site, "256:256") as server:
        workers = set(server.workers())
        with ExitStack() as idle:
            for _ in range(IDLE):
                idle.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            time.sleep(3)
            assert set(server.workers()) == workers
            assert all(len(list(Path(f"/proc/{pid}/fd").iterdir())) < 256 for pid in workers)
        assert ask(server, CODED).status == 200
        with Load([server.port], stones, threads=4) as load:
            time.sleep(2)
        assert set(server.workers()) == workers
        assert "Too many open files" not in server.log_text()
    assert load.failed() == []
    assert_recorded(load.answers())


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is not installed")
@pytest.mark.parametrize(
    ("files", "soft"), [("256:256", 256), ("256:4096", 1008), ("2000:4096", 2000)]
)
def test_a_low_limit_is_raised_as_far_as_that_is_allowed_and_needed(site, files, soft):
    with limited(site, files) as server:
        for pid in server.workers():
            shown = ["prlimit", f"--pid={pid}", "--nofile", "--noheadings", "--output=SOFT"]
            assert int(subprocess.run(shown, capture_output=True, check=True).stdout) == soft
