"""The gate: whether a new forest is good enough to be activated. Called by services.py."""

from dataclasses import dataclass

from ml import training
from ml.forest.artifact import ForestFileError
from predictor.versions.store import load

SLACK = 0.01
"""Ratio by which a candidate's MAE may exceed the active version's and still pass."""

BETTER_THAN_TREND = 0.05
"""Ratio by which a candidate on a new basis must beat its trend: by chance it would by a few
hundredths."""

DOUBTFUL = 2
"""A file is suspect if the active version's error on it is over this many times its registered MAE."""

MIN_COMPARED = 100
"""The fewest common held-out stones that the gate compares."""


@dataclass(frozen=True)
class Verdict:
    """The gate's decision, the reason, and the scores that it compared ({who: scores})."""

    passed: bool
    why: str
    compared: dict


def judge(candidate, raw, live, new_basis=False):
    """The gate: compares candidate and active version on stones that neither was trained on.

    If their prices have different bases, the active version's errors mean nothing: then the candidate
    must beat its own trend, and the maintainer must have asked for the new basis.
    """
    if live is None:
        return Verdict(True, "no version is active", {"candidate": candidate.metadata["scores"]})
    if not candidate.basis.is_like(live.basis):
        return _judge_alone(candidate, raw, live, new_basis)
    try:
        incumbent = load(live)
    except (ForestFileError, OSError) as error:
        why = f"the active version cannot be loaded ({error})"
        return Verdict(True, why, {"candidate": candidate.metadata["scores"]})
    return _compare(candidate, incumbent, raw, live)


def _judge_alone(candidate, raw, live, new_basis):
    """The gate for a candidate on a new basis."""
    held_out = training.held_out_of(raw, candidate.scheme)
    compared = {
        "candidate": candidate.metadata["scores"],
        "its trend only": training.score_of_trend(candidate, held_out),
    }
    prices = "its prices are {}, those of the active version {}".format(
        *(f"{one.currency} {one.kind} of {one.year}" for one in (candidate.basis, live.basis))
    )
    forest, trend = (scores["mae"] for scores in compared.values())
    against = f"{prices}; its MAE is {forest / trend - 1:+.1%} against its trend's"
    if forest > (1 - BETTER_THAN_TREND) * trend:
        return Verdict(False, f"{against}, and must be {-BETTER_THAN_TREND:.0%}", compared)
    if not new_basis:
        return Verdict(False, f"{prices}; to allow that, use --new-basis", compared)
    return Verdict(True, against, compared)


def _compare(candidate, incumbent, raw, live):
    """The gate for a candidate whose prices have the active version's basis."""
    unseen = training.unseen_by_both(raw, candidate, incumbent)
    if len(unseen) < MIN_COMPARED:
        return Verdict(False, f"only {len(unseen)} stones are new to both; 100 are needed", {})
    compared = {
        "candidate": training.score(candidate, unseen),
        f"live ({live.number})": training.score(incumbent, unseen),
    }
    new, old = (scores["mae"] for scores in compared.values())
    if old > DOUBTFUL * live.scores["mae"]:
        why = (
            f"on this file the active version's MAE is {old:,.0f} {live.currency}, "
            f"{live.scores['mae']:,.0f} when it was registered: the file's prices are "
            "of another kind; check them, then use --force"
        )
        return Verdict(False, why, compared)
    ratio = new / old - 1
    passed = ratio <= SLACK
    why = f"its MAE is {ratio:+.2%} compared with the active version; up to {SLACK:+.0%} is allowed"
    return Verdict(passed, why, compared)
