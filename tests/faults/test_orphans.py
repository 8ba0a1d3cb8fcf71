"""If the gunicorn master is killed its workers exit too, and the port is free for the next server."""

import signal
import socket

import psutil
import pytest

from tests.waiting import PATIENCE, wait_for

from .server import refused

pytestmark = pytest.mark.once


def test_the_workers_of_a_killed_master_stop_and_let_nobody_wait(site):
    with site.server() as server, socket.create_connection(("127.0.0.1", server.port)):
        workers = server.workers()
        server.kill(server.process.pid)
        assert server.process.wait(PATIENCE) == -signal.SIGKILL
        wait_for(lambda: refused(server.port))
        wait_for(lambda: not any(map(psutil.pid_exists, workers)))
        with socket.create_server(("127.0.0.1", server.port)):
            pass
