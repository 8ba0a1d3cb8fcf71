"""SIGUSR2, gunicorn's upgrade of a running server: a new server beside the old one, on the same socket."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from predictor.models import Prediction
from tests.waiting import wait_for

from .history import assert_recorded
from .load import Load

pytestmark = pytest.mark.once


def children(pid):
    """The process ids of a process's running children."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def test_a_server_is_replaced_by_a_new_one_without_a_lost_answer(site, stones):
    with site.server() as server:
        old, new = server.process.pid, None
        workers = set(server.workers())
        try:
            with Load([server.port], stones, threads=2) as load:
                server.process.send_signal(signal.SIGUSR2)
                wait_for(lambda: set(children(old)) - workers, server.log_text)
                [new] = set(children(old)) - workers
                wait_for(lambda: len(children(new)) == 2, server.log_text)
                assert server.stop() == 0
                before = len(load.answers())
                wait_for(lambda: len(load.answers()) > before + 20, server.log_text)
                assert len(children(new)) == 2
        finally:
            for pid in [*children(new), new] if new else []:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert "Traceback" not in server.log_text()
    assert len(load.failed()) <= 1, load.failed()
    assert_recorded(load.answers())
    assert Prediction.objects.count() >= len(load.answers())
