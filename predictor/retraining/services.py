"""Creates new versions: train, register, compare with the active one, activate.

Called by the retrain command (also for jobs, jobs.py), by quickstart and by bake. If it is killed at
any moment, the active version stays as it was: the complete file is moved into place, then its row is
written, and the activation comes last.
"""

import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from ml import training
from ml.stones import BASIS
from predictor import private_files
from predictor.history.locks import advisory_lock
from predictor.models import ModelVersion
from predictor.versions.activation import activate, live_version
from predictor.versions.store import load, register

from .gate import Verdict, judge

LOCK = int.from_bytes(b"diamonds")
"""PostgreSQL's advisory lock that a retraining holds."""


class AlreadyRunning(RuntimeError):
    """Another process holds the retraining lock."""


@contextmanager
def only_one():
    """Holds the retraining lock; AlreadyRunning if another process has it, on any machine.

    Both locks are released when the process ends, however it ends.
    """
    with _alone_in_the_folder() as folder, advisory_lock(LOCK, wait=False) as alone:
        if not alone:
            raise AlreadyRunning("a retraining is running already, on another machine")
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        yield


@contextmanager
def _alone_in_the_folder():
    folder = private_files.make_folder(settings.VAR_DIR)
    with private_files.opened(folder / "retrain.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning("a retraining is running already") from None
        yield folder


GATE, ALWAYS, NEVER = "gate", "always", "never"
"""What decides whether a new version is activated; NEVER: it is only registered."""


@dataclass(frozen=True)
class Outcome:
    """The result of a retraining: the registered ModelVersion, the gate's Verdict, whether it is active."""

    version: ModelVersion
    verdict: Verdict
    live: bool
    asked: str

    def __str__(self):
        kept = "not activated (--no-activate)" if self.asked == NEVER else "not activated"
        return f"{self.version}: {'activated' if self.live else kept}: {self.verdict.why}"


def train(scheme, table, seed=training.SEED, progress=None, basis=BASIS, grow=None):
    """A forest trained on a table, without a database. progress, grow: as in ml.training.fit. Raises
    ml.training.NotEnoughStones."""
    try:
        return training.train(table.stones, scheme, seed, progress, table.sha256, basis, grow)
    except training.NotEnoughStones as error:
        raise training.NotEnoughStones(f"{table.name}: {error}") from None


def retrain(
    scheme, table, by, activation=GATE, *, new_basis=False, basis=BASIS, job=None, **options
):
    """Trains on a table, registers the forest, and activates it if the gate or the caller says so; returns
    an Outcome.

    table: as from ml.dataset.read. basis: of its prices; new_basis: whether it may differ from the
    active version's. job: its Context; a job that begins again continues with the version that it has
    registered. options: as in `train`. Raises ml.training.NotEnoughStones without any change.
    """
    version = job and ModelVersion.objects.filter(pk=job.result.get("version")).first()
    forest = load(version) if version else train(scheme, table, basis=basis, **options)
    verdict = judge(forest, table.stones, live_version(scheme), new_basis)
    version = version or register(forest, by, job and (lambda made: job.keep(version=made.pk)))
    live = activation == ALWAYS or (activation == GATE and verdict.passed)
    if live and version != live_version(scheme):
        forced = "" if verdict.passed else "forced; "
        activate(version, by, f"retrain: {forced}{verdict.why}")
    return Outcome(version, verdict, live, activation)
