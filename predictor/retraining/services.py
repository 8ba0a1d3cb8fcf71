"""Creates new versions: train, register, compare with the active one, activate.

Called by the retrain command (also for jobs, jobs.py), by quickstart and by bake. If it is killed at
any moment, the active version stays as it was: the complete file is moved into place, then its row is
written, and the activation comes last.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from ml import training
from ml.stones import BASIS
from ml.tables import by_reason, left_out_csv
from predictor.models import ModelVersion
from predictor.versions.activation import activate, live_version
from predictor.versions.store import load, register

from .gate import Verdict, judge

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


def train(scheme, table, seed=training.SEED, progress=None, basis=BASIS, grow=None, public=None):
    """A forest trained on a table, without a database. progress, grow: as in ml.training.fit; public: as in
    ml.vocabulary. Raises ml.training.NotEnoughStones."""
    try:
        forest = training.train(
            table.stones, scheme, seed, progress, table.sha256, basis, grow, public
        )
    except training.NotEnoughStones as error:
        raise training.NotEnoughStones(f"{table.name}: {error}") from None
    if table.left_out:
        _add_left_out(forest, table)
    return forest


def _add_left_out(forest, table):
    """Adds the rows of a list that could not be used to its forest: their counts, and all as CSV."""
    counts = {reason: len(rows) for reason, rows in by_reason(table.left_out)}
    rows = forest.metadata["rows"]
    forest.metadata["rows"] = rows | {
        "raw": table.rows,
        "left out": len(table.left_out),
        "dropped": counts | rows["dropped"],
    }
    packed = zlib.compress(left_out_csv(table.left_out).encode(), 9)
    forest.arrays = forest.arrays | {"left_out": np.frombuffer(packed, np.uint8)}


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
