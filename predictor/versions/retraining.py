"""Retraining: train, register, and let the gate decide whether the new forest goes live.

Called by the retrain and quickstart commands. Killed at any moment it leaves the live version as it
was: a file is moved into place whole, its row is written after it, the activation last.
"""

import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from ml import dataset, training
from ml.forest.artifact import ForestFileError
from ml.stones import BASIS
from predictor.history.locks import advisory_lock

from .activation import live_version
from .store import load, register

SLACK = 0.01
"""Ratio by which a candidate's MAE may exceed the live version's and still go live."""

BETTER_THAN_TREND = 0.05
"""Ratio by which a candidate on a new basis has to do better than its trend: chance does so by a few
hundredths."""

DOUBTFUL = 2
"""How many times its registered MAE the live version may err on a file before the file is doubted."""

LOCK = int.from_bytes(b"diamonds")
"""PostgreSQL's advisory lock that a retraining holds."""

MIN_COMPARED = 100
"""Fewest common held-out stones on which the gate decides."""


class AlreadyRunning(RuntimeError):
    """Another retraining holds the lock."""


@dataclass(frozen=True)
class Verdict:
    """What the gate decided, why, and the scores that it compared ({who: scores})."""

    passed: bool
    why: str
    compared: dict


@contextmanager
def only_one():
    """Holds the retraining lock; AlreadyRunning where another process has it, on any machine.

    Both locks go with the process that holds them, however it ends.
    """
    with _alone_in_the_folder() as folder, advisory_lock(LOCK, wait=False) as alone:
        if not alone:
            raise AlreadyRunning("a retraining is running already, on another machine")
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        yield


@contextmanager
def _alone_in_the_folder():
    folder = Path(settings.VAR_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "retrain.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning("a retraining is running already") from None
        yield folder


def retrain(
    scheme,
    table=None,
    seed=training.SEED,
    by="",
    progress=None,
    basis=BASIS,
    new_basis=False,
    grow=None,
):
    """Trains on a table and registers the outcome; returns (ModelVersion, gate's Verdict).

    table: as ml.dataset.read gives it; by default the project's. basis: what its prices are; new_basis:
    whether it may differ from the live version's. grow: as ml.training.fit. Raises
    ml.training.NotEnoughStones, and nothing is changed.
    """
    table = table or dataset.read()
    try:
        forest = training.train(table.stones, scheme, seed, progress, table.sha256, basis, grow)
    except training.NotEnoughStones as error:
        raise training.NotEnoughStones(f"{table.name}: {error}") from None
    live = live_version(scheme)
    verdict = judge(forest, table.stones, live, new_basis)
    return register(forest, by), verdict


def judge(candidate, raw, live, new_basis=False):
    """The gate: candidate and live version on the same stones, which neither was trained on.

    Where their prices are not of one kind the live version's errors would say nothing: then the
    candidate has to do better than its own trend, and somebody has to want the new basis.
    """
    if live is None:
        return Verdict(True, "no version is live", {"candidate": candidate.metadata["scores"]})
    if not candidate.basis.is_like(live.basis):
        return _judge_alone(candidate, raw, live, new_basis)
    try:
        incumbent = load(live)
    except (ForestFileError, OSError) as error:
        why = f"the live version cannot be loaded ({error})"
        return Verdict(True, why, {"candidate": candidate.metadata["scores"]})
    return _compare(candidate, incumbent, raw, live)


def _judge_alone(candidate, raw, live, new_basis):
    """The gate for a candidate on a new basis."""
    held_out = training.held_out_of(raw, candidate.scheme)
    compared = {
        "candidate": candidate.metadata["scores"],
        "its trend alone": training.score_of_trend(candidate, held_out),
    }
    prices = "its prices are {}, those of the live version {}".format(
        *(f"{one.currency} {one.kind} of {one.year}" for one in (candidate.basis, live.basis))
    )
    forest, trend = (scores["mae"] for scores in compared.values())
    against = f"{prices}; its MAE is {forest / trend - 1:+.1%} against its trend's"
    if forest > (1 - BETTER_THAN_TREND) * trend:
        return Verdict(False, f"{against}, and has to be {-BETTER_THAN_TREND:.0%}", compared)
    if not new_basis:
        return Verdict(False, f"{prices}; if that is meant: --new-basis", compared)
    return Verdict(True, against, compared)


def _compare(candidate, incumbent, raw, live):
    """The gate for a candidate whose prices are of the live version's kind."""
    unseen = training.unseen_by_both(raw, candidate, incumbent)
    if len(unseen) < MIN_COMPARED:
        return Verdict(False, f"only {len(unseen)} stones are unseen by both; it takes 100", {})
    compared = {
        "candidate": training.score(candidate, unseen),
        f"live ({live.number})": training.score(incumbent, unseen),
    }
    new, old = (scores["mae"] for scores in compared.values())
    if old > DOUBTFUL * live.scores["mae"]:
        why = (
            f"on this file the live version's MAE is {old:,.0f} {live.currency}, "
            f"{live.scores['mae']:,.0f} when it was registered: the file's prices are "
            "of another kind; look at them, then --force"
        )
        return Verdict(False, why, compared)
    ratio = new / old - 1
    passed = ratio <= SLACK
    why = f"its MAE is {ratio:+.2%} against the live one's; up to {SLACK:+.0%} is allowed"
    return Verdict(passed, why, compared)
