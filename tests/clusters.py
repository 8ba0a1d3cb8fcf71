"""Local Dask clusters, on which tests score and train."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress

from django.conf import settings

from .waiting import wait_for


class Cluster:
    """A scheduler and its workers, each a process with one thread; killed workers are not restarted."""

    def __init__(self, folder, workers, *options, code=settings.BASE_DIR):
        """folder: for the files that they write; options: of each worker;
        code: the folder that takes the place of /app."""
        self._folder, self._code, self.processes = folder, code, []
        self._file = folder / "scheduler.json"
        try:
            self._start("scheduler", "--port", "0", "--scheduler-file", str(self._file))
            self.address = wait_for(self._address_of_scheduler)
            for _ in range(workers):
                self._start("worker", "--no-nanny", "--local-directory", str(folder), *options)
        except BaseException:
            self.end()
            raise

    def _address_of_scheduler(self):
        """The address of the scheduler; None before it has written the whole file."""
        with suppress(OSError, ValueError):
            return json.loads(self._file.read_text())["address"]

    def kill_worker(self):
        """Kills one of the workers."""
        process = self.processes.pop()
        process.kill()
        process.wait()

    def end(self):
        """Kills the scheduler and all workers."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, what, *options):
        """Runs the command of docs/scaling.md, with this machine's folder and addresses."""
        page = (settings.BASE_DIR / "docs" / "scaling.md").read_text()
        [(variables, command)] = re.findall(
            rf"^((?:\w+=\S+ )*)(dask {what}.*?)(?: +#.*)?$", page, re.M
        )
        words = [
            self.address if word == "tcp://scheduler:8786" else word for word in command.split()[1:]
        ]
        environment = dict(one.split("=") for one in variables.split())
        if "PYTHONPATH" in environment:
            environment["PYTHONPATH"] = str(self._code)
        with (self._folder / f"{what}-{len(self.processes)}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", *options],
                    cwd=self._folder,
                    env=self._environment() | environment,
                    stdout=log,
                    stderr=log,
                )
            )

    def _environment(self):
        """Without the PYTHONPATH that a test run may have."""
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return own | {"VAR_DIR": str(settings.VAR_DIR)}
