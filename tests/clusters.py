"""Local Dask clusters, on which tests score and train."""

import json
import os
import subprocess
import sys

from django.conf import settings

from .waiting import wait_for


class Cluster:
    """A scheduler and its workers, each a process with one thread; killed workers are not restarted."""

    def __init__(self, folder, workers, *options):
        """folder: for the files that they write; options: of each worker."""
        self._folder, self.processes = folder, []
        self._file = folder / "scheduler.json"
        try:
            self._start("dask_scheduler", "--port", "0", "--scheduler-file", str(self._file))
            wait_for(self._file.exists)
            for _ in range(workers):
                own = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder), *options)
                self._start("dask_worker", "--scheduler-file", str(self._file), *own)
        except BaseException:
            self.end()
            raise

    @property
    def address(self):
        """The address of the scheduler."""
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
        environment = os.environ | {
            "VAR_DIR": str(settings.VAR_DIR),
            "PYTHONPATH": str(settings.BASE_DIR),
        }
        with (self._folder / f"{what}-{len(self.processes)}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        f"distributed.cli.{what}",
                        "--host",
                        "127.0.0.1",
                        "--no-dashboard",
                        *options,
                    ],
                    cwd=self._folder,
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
            )
