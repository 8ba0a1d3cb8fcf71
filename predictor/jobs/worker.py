"""The worker: takes jobs from the queue and runs them, one at a time, in the main thread. Between two jobs
it may do other work, in parts of about a second.

A second thread sends a heartbeat every few seconds, with the job's progress, and learns whether the
job was stopped. If it cannot send one for FENCE seconds, the process ends: before other workers take
the job, which they do after SILENT. So no job runs twice at the same time.
"""

import faulthandler
import logging
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from django.core.management.base import CommandError
from django.db import Error as DatabaseUnusable
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from django.utils.translation import gettext, override

from ml.tables.errors import DatasetError
from predictor.errors import store_errors
from predictor.history import idempotency
from predictor.models import Worker
from predictor.models.jobs import SILENT, State
from predictor.telemetry.redaction import redacted
from predictor.wording.files import sentence_of

from .context import Context
from .errors import Interrupted, JobFailed, OutOfTime, Released, Stopped
from .files import delete_old
from .folders import HOST, abandoned, locked_folder
from .kinds import KINDS
from .queue import (
    begin_again,
    claim,
    delete_expired,
    delete_old_jobs,
    discard,
    of_worker,
    recover,
)

log = logging.getLogger(__name__)

EVERY = 2
"""Seconds between two heartbeats."""

FENCE = 0.75 * SILENT.total_seconds()
"""Seconds without a heartbeat after which a process with a job ends; less than SILENT."""

INTERVAL = 1
"""Seconds between two looks into an empty queue."""

RECOVERY = 5
"""Seconds between two looks for jobs of lost workers."""

TIDYING = 3600
"""Seconds between two looks for old jobs and uploads, which lists a folder of the store."""

GRACE = timedelta(seconds=30)
"""After its limit of time a job has this long to report progress; then its process ends."""


class JobWorker:
    """A worker process; `run` returns when `stopping` is set and the job in progress is released.

    between: called before each look into the queue.
    """

    def __init__(self, between=lambda: None):
        self.between = between
        self.id, self.name = uuid4(), f"{HOST}:{os.getpid()}"
        self.stopping, self.ended = threading.Event(), threading.Event()
        self.lock, self.context = threading.Lock(), None
        self.recovered = self.tidied = float("-inf")
        self.heart = threading.Thread(target=self._beat_forever, name="heartbeat", daemon=True)

    def run(self):
        """Runs jobs until the process is asked to stop. A database that is away is waited for."""
        with locked_folder(self.id) as self.folder:
            self.heart.start()
            while not self.stopping.is_set():
                self._work_between_jobs()
                if not self._run_one():
                    self.stopping.wait(INTERVAL)
            self.ended.set()
            self.heart.join(EVERY)
            with suppress(DatabaseUnusable):
                Worker.objects.filter(pk=self.id).delete()

    def request_stop(self, *_signal):
        """Asks the worker to end soon: as a signal handler, or from another thread."""
        self.stopping.set()
        if context := self.context:
            context.released.set()

    def _run_one(self):
        """Runs the next job; False if there is none."""
        try:
            self._recover()
            job = claim(self.id)
        except (DatabaseUnusable, OSError, *store_errors()) as error:
            log.warning("the queue of jobs cannot be read: %s", redacted(str(error)))
            connection.close()
            return False
        if job is not None:
            self.carry_out(job, self.folder)
        return job is not None

    def _work_between_jobs(self):
        """Does the work between two jobs; an error does not stop the jobs."""
        try:
            self.between()
        except DatabaseUnusable as error:
            log.warning("the work between jobs stopped: %s", redacted(str(error)))
            connection.close()
        except Exception:
            log.exception("the work between jobs failed")

    def _recover(self):
        """Now and then: takes up what lost workers left; deletes old jobs, files and idempotency keys."""
        now = time.monotonic()  # noted first: a store that is away does not keep jobs from running
        if now - self.recovered > RECOVERY:
            self.recovered = now
            gone = abandoned()
            recover(gone.values())
            for folder in gone:
                shutil.rmtree(folder, ignore_errors=True)
            delete_expired()
            idempotency.delete_expired()
        if now - self.tidied > TIDYING:
            self.tidied = now
            delete_old_jobs()
            delete_old()

    def carry_out(self, job, folder):
        """Runs a job that this worker has claimed, and stores how it ended."""
        kind = KINDS.get(job.kind)
        if kind is None:
            return self._close(job, {"state": State.FAILED, "outcome": unknown_kind(job)})
        context = Context(job, kind, self.id, folder)
        with self.lock:
            self.context = context
            self._arm()
        if self.stopping.is_set():
            context.released.set()
        log.info("job %s: %s begins", job.pk, job.kind)
        with override(job.language):
            changes = self._outcome(context)
        self._close(job, changes, context.file)
        return log.info("job %s: %s", job.pk, changes["state"])

    def _outcome(self, context):
        """Runs the job's function; returns the changes of its row."""
        job = context.job
        try:
            text = context.kind.run(context, **job.arguments)
        except Stopped:
            return {"state": State.STOPPED}
        except OutOfTime:
            return {"state": State.FAILED, "outcome": out_of_time(context)}
        except Interrupted as reason:
            return begin_again(job, lost=0 if isinstance(reason, Released) else 1)
        except (OperationalError, InterfaceError) as error:
            log.warning("job %s: the database is unusable: %s", job.pk, error)
            return begin_again(job, lost=1)
        except (JobFailed, CommandError, OSError, *store_errors()) as error:
            if isinstance(error.__cause__, OperationalError | InterfaceError):  # as of a command
                return begin_again(job, lost=1)
            return {"state": State.FAILED, "outcome": redacted(text_of(error))}
        except Exception as error:
            log.exception("job %s failed", job.pk)
            return {"state": State.FAILED, "outcome": redacted(f"{type(error).__name__}: {error}")}
        progress = {"done": context.done, "total": context.total}
        done = {"state": State.DONE, "outcome": text or "", "result": context.result, **progress}
        return done | context.of_file()

    def _close(self, job, changes, file=""):
        """Stores the end of a job in one statement, for as long as the job is this worker's.

        While the database is away it tries again, until FENCE ends the process.
        """
        is_done = changes["state"] == State.DONE
        changes = changes if is_done else {"file": "", **changes}
        with self.lock:
            while True:
                try:
                    stored = of_worker(job, self.id).update(**{"ended": Now(), **changes})
                    break
                except DatabaseUnusable as error:
                    log.warning("job %s: its end cannot be stored yet: %s", job.pk, error)
                    connection.close()
                    time.sleep(INTERVAL)
            self.context = None
            faulthandler.cancel_dump_traceback_later()
        if file and not (stored and is_done):
            discard(file)

    # The heartbeat

    def _beat_forever(self):
        while not self.ended.is_set():
            try:
                self.beat()
            except DatabaseUnusable as error:
                log.warning("no heartbeat: %s", error)
                connection.close()
            self.ended.wait(EVERY)

    def beat(self):
        """Says that this worker is alive, and stores the progress of its job."""
        if not Worker.objects.filter(pk=self.id).update(seen=Now()):
            Worker.objects.create(pk=self.id, name=self.name, seen=Now())
        with self.lock:
            if self.context:
                self._beat_of_job(self.context)

    def _beat_of_job(self, context):
        progress = {"heartbeat": Now(), "done": context.done, "total": context.total}
        if not context.row.update(**progress):
            log.error("job %s is no longer this worker's", context.job.pk)
            os.kill(os.getpid(), signal.SIGKILL)
        self._arm()
        if context.row.filter(stop_requested=True).exists():
            context.stopped.set()
        if context.is_late(GRACE):
            context.row.update(state=State.FAILED, ended=Now(), outcome=out_of_time(context))
            os.kill(os.getpid(), signal.SIGKILL)

    def _arm(self):
        """Ends the process, from a thread that needs neither Python nor the database, unless this is
        called again within FENCE seconds."""
        if self.heart.is_alive():
            faulthandler.dump_traceback_later(FENCE, exit=True, file=sys.__stderr__)


def unknown_kind(job):
    """Why a job of a kind that this release does not have failed, in its user's language."""
    with override(job.language):
        return gettext("This release has no job of this kind.")


def text_of(error):
    """An error's text in the current language, as far as it is translated: commands raise English ones
    because of an error in a file."""
    cause = error
    while cause is not None and not isinstance(cause, DatasetError):
        cause = cause.__cause__ or cause.__context__
    return gettext(str(error)) if cause is None else sentence_of(cause)


def out_of_time(context):
    """Why a job was ended at its limit, in its user's language."""
    with override(context.job.language):
        minutes = int(context.kind.limit.total_seconds() // 60)
        return gettext("It reached its time limit of {minutes} min.").format(minutes=minutes)
