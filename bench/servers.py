"""Starts servers under gunicorn, loads them with wrk and reads the results; for bench/api.py."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUNICORN = [sys.executable, "-m", "gunicorn", "--log-level", "warning"]
OURS = [*GUNICORN, "--config", "diamondsite/gunicorn.conf.py"]
BARE = [*GUNICORN, "--config", "bench/bare_gunicorn.py"]
WORKERS = 2
PATIENCE = 120
"""Seconds until a server must have answered for the first time."""


class Void(Exception):
    """The measurement cannot be trusted, so it is not shown."""


class Server:
    """A site under gunicorn, from its start to `stop`."""

    def __init__(self, command, tree=ROOT, **environment):
        self.port = _free_port()
        environment = {"PORT": str(self.port), "WORKERS": str(WORKERS), **environment}
        command = [part.format(port=self.port) for part in command]
        if command[0] == sys.executable:
            command[0] = python_of(tree)
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - the lines of its requests, and why it failed
        self.started = time.perf_counter()
        self.process = subprocess.Popen(  # noqa: S603 - our own servers
            command,
            cwd=tree,
            env={**environment_of_sites(tree), **environment},
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
        )

    def url(self, query):
        return f"http://127.0.0.1:{self.port}/api/predict?{query}"

    def first_answer(self, query):
        """Waits for the first 200; returns the seconds from the start of the process."""
        while time.perf_counter() - self.started < PATIENCE and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url(query), timeout=PATIENCE) as response:  # noqa: S310
                    response.read()
                return time.perf_counter() - self.started
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.005)
        self.log.seek(0)
        log = self.log.read().decode()[-2000:]
        raise Void(f"the server did not answer: {' '.join(self.process.args)}\n{log}")

    def workers(self):
        """The process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def memory(self):
        """The proportional set size of the largest worker, MB."""
        return max(pss(pid) for pid in self.workers())

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(PATIENCE)


@contextmanager
def serving(command, query, **environment):
    """A Server that has answered once; stopped at the end."""
    server = Server(command, **environment)
    try:
        server.first_answer(query)
        yield server
    finally:
        server.stop()


def load(server, requests, seconds, connections, strict=True):
    """The results of wrk: answers, seconds, rate (answers/s), p50 and p99 (ms), and those that
    failed, refused and broken: strict, Void if there are any."""
    command = [
        "wrk",
        "--threads",
        "1",
        "--connections",
        str(connections),
        "--duration",
        f"{seconds}s",
        "--timeout",
        "60s",
        "--script",
        "bench/wrk.lua",
        f"http://127.0.0.1:{server.port}",
        "--",
        str(requests),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    found = json.loads(done.stdout.splitlines()[-1])
    if strict and (found["refused"] or found["broken"]):
        raise Void(f"not all answers were 200: {found}")
    return {**found, "rate": found["answers"] / found["seconds"]}


def manage(*arguments, tree=ROOT, **environment):
    """Runs a checkout's manage.py; prints its output only if it fails."""
    done = subprocess.run(  # noqa: S603
        [python_of(tree), "manage.py", *arguments],
        cwd=tree,
        env={**environment_of_sites(tree), **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Void(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def compiled(tree):
    """Builds the walk in C of a checkout, if it is not there."""
    subprocess.run([python_of(tree), "-m", "ml.forest"], cwd=tree, check=True, capture_output=True)  # noqa: S603


def python_of(tree):
    """The Python of a checkout: that of its own environment, if it is an older one and has one."""
    own = tree / ".venv" / "bin" / "python"
    return str(own) if tree != ROOT and own.exists() else sys.executable


def environment_of_sites(tree=ROOT):
    """The environment without variables that would slow starts or change default settings."""
    ours = ("DATABASE_URL", "VAR_DIR", "PYTHONDONTWRITEBYTECODE", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "PYTHONPATH": str(tree)}


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def pss(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
