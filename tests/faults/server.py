"""gunicorn with the project's configuration; the fault tests start it, in new processes, and kill it."""

import os
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import requests
from django.conf import settings

from predictor.management.commands.quickstart import GUNICORN
from predictor.private_files import opened
from tests.waiting import PATIENCE, wait_for

from .asking import ask


class Server:
    """One gunicorn with a folder (VAR_DIR), a database and further settings by name."""

    prefix = ()
    """What the command is run by, such as setpriv and its arguments."""

    address = "127.0.0.1"
    """The address that requests are sent to, as in a URL."""

    def __init__(self, var, database_url="", **environment):
        self.var, self.port = Path(var), free_port()
        self.log = self.var / f"server-{self.port}.log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": os.environ["TMPDIR"],
            "VAR_DIR": str(var),
            "DATABASE_URL": database_url,
            "SECRET_KEY": "only-for-the-fault-tests",
            "PORT": str(self.port),
            "WORKERS": "2",
            "LOG_LEVEL": "WARNING",
            **environment,
        }
        self.process = None

    def __enter__(self):
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:  # an interruption too
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info):
        """Leaves no process behind, whatever the test did."""
        if self.process:
            self.die()

    @contextmanager
    def begun(self):
        """Starts it without waiting until it is ready."""
        try:
            self.start()
            yield self
        finally:
            self.__exit__()

    def die(self):
        """Kills all its processes with SIGKILL, so nothing is cleaned up."""
        if self.process.poll() is None:
            workers = self.workers()
            self.kill(self.process.pid, *workers)
            self.process.wait(PATIENCE)
            wait_for(lambda: not any(map(psutil.pid_exists, workers)))

    def start(self):
        with opened(self.log, "ab") as log:  # private, as all files in VAR_DIR
            self.process = subprocess.Popen(
                [*self.prefix, *GUNICORN],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self):
        """Waits until both workers exist and one of them is ready."""

        def ready():
            return len(self.workers()) == 2 and self.status_of("/health/ready") == 200

        wait_for(ready, self.log_text)

    def status_of(self, path, **headers):
        """The status of a GET on a new connection; None if the server cannot be reached."""
        try:
            return ask(self, path, **headers).status
        except requests.RequestException:
            return None

    def workers(self):
        """The process ids of the workers."""
        master = self.process.pid
        try:
            children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        except FileNotFoundError:
            return []
        return [int(pid) for pid in children]

    def kill(self, *processes):
        """Sends SIGKILL to workers, or to all processes."""
        for pid in processes:
            _kill(pid, signal.SIGKILL)

    def stop(self):
        """Stops it gracefully and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def log_text(self):
        """The server's output so far."""
        return self.log.read_text(errors="replace")

    def worker_of(self, connection):
        """The process id of the worker that holds the server's side of an open HTTPConnection."""
        return self.workers_of([connection])[0]

    def workers_of(self, connections):
        """`worker_of` each connection, from one look at each worker; None where no worker has it."""
        owners = {}
        for pid in self.workers():
            with suppress(psutil.Error):
                held = psutil.Process(pid).net_connections("tcp")
                owners |= {one.raddr.port: pid for one in held if one.raddr}
        return [owners.get(connection.sock.getsockname()[1]) for connection in connections]


def free_port():
    """A port that is not in use."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def refused(port):
    """Whether a port is no longer in use."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def _kill(pid, sig):
    with suppress(ProcessLookupError):
        os.kill(pid, sig)
