"""What a running job has: its progress, whether it has to end, and its file."""

import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.core.files.storage import default_storage
from django.utils import timezone

from predictor import private_files
from predictor.history.disk import settle

from .errors import NotOurs, OutOfTime, Released, Stopped
from .queue import of_worker

FOLDER, KEPT = "jobs", timedelta(days=7)
"""Where the files of jobs are stored, and how long."""


class Context:
    """Passed to the function of a job's kind.

    rows: the number of rows in its file. result: data for pages, which is stored with the outcome;
    `keep` stores it before, for a job that begins again.
    """

    def __init__(self, job, kind, worker, folder):
        self.job, self.kind, self.worker, self.folder = job, kind, worker, Path(folder)
        self.done = self.total = 0
        self.rows, self.result, self.file = None, dict(job.result), ""
        self.released, self.stopped = threading.Event(), threading.Event()
        self.ends = timezone.now() + kind.limit

    @property
    def row(self):
        """The job's row as a queryset, which is empty once another worker has the job."""
        return of_worker(self.job, self.worker)

    def progress(self, done, total=None):
        """Reports the progress; ends the job if it was stopped, took too long, or must be released.

        Costs nothing: the worker writes the figures every few seconds.
        """
        self.done, self.total = done, total or 0
        if self.stopped.is_set():
            raise Stopped
        if self.is_late():
            raise OutOfTime
        if self.released.is_set() and self.kind.repeats:
            raise Released

    def is_late(self, after=timedelta(0)):
        """Whether the job has run longer than its kind may, by `after`."""
        return timezone.now() > self.ends + after

    def keep(self, **result):
        """Stores data of the result now; in a transaction, together with what it is about. NotOurs."""
        self.result |= result
        if not self.row.update(result=self.result):
            raise NotOurs

    @contextmanager
    def write_file(self, name):
        """A binary file for writing, which becomes the job's file under this name.

        It is written aside and moved into place when it is complete. If the job ends before that, or
        the process is killed, it is deleted.
        """
        part = self.folder / "part"
        with private_files.opened(part) as file:
            yield file
        settle(part)
        self._store(part, name)

    def _store(self, part, name):
        self.file = f"{FOLDER}/{self.job.pk}-{self.worker.hex[:8]}-{name}"
        self.size = part.stat().st_size
        if not self.row.update(file=self.file):  # so that it can be deleted if this worker is lost
            raise NotOurs
        with part.open("rb") as file:
            self.file = default_storage.save(self.file, private_files.MovableFile(file))

    def of_file(self):
        """The columns of the job's row about its file."""
        if not self.file:
            return {}
        expires = timezone.now() + KEPT
        return {"file": self.file, "rows": self.rows, "size": self.size, "expires": expires}
