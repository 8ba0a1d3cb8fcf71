"""The gate: whether a new forest is good enough to be activated. Called by services.py."""

from dataclasses import dataclass

from ml import training
from ml.dataset import known_by
from ml.forest.artifact import ForestFileError
from ml.forest.keys import NoStoneKeys
from predictor.versions.store import load

SLACK = 0.01
"""Ratio by which a candidate's MAE may exceed the active version's and still pass."""

BETTER_THAN_TREND = 0.05
"""Ratio by which a candidate on a new basis must beat its trend: by chance it would by a few
hundredths."""

LEAST_R2 = 0.5
"""The least R² of a candidate on a new basis: near 0 the prices are not those of the stones."""

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
    must beat its own trend and explain the prices, and the maintainer must have asked for the new basis.
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
    if (r2 := candidate.metadata["scores"]["r2"]) < LEAST_R2:
        why = f"{prices}; its R² is {r2:.2f}, and must be at least {LEAST_R2}"
        return Verdict(False, why, compared)
    if not new_basis:
        return Verdict(False, f"{prices}; to allow that, use --new-basis", compared)
    return Verdict(True, against, compared)


def _compare(candidate, incumbent, raw, live):
    """The gate for a candidate whose prices have the active version's basis."""
    try:
        unseen = training.unseen_by_both(raw, candidate, incumbent)
    except NoStoneKeys as error:
        why = (
            f"the active version cannot be compared ({error}); check the new one, then use --force"
        )
        return Verdict(False, why, {"candidate": candidate.metadata["scores"]})
    all_new, unseen = unseen, unseen[known_by(unseen, incumbent.vocabulary)]
    if len(unseen) < MIN_COMPARED:
        which = (
            "are new to both"
            if len(all_new) == len(unseen)
            else "are new to both and known to both"
        )
        return Verdict(False, f"only {len(unseen)} stones {which}; {MIN_COMPARED} are needed", {})
    some = "" if len(all_new) == len(unseen) else _of_those(unseen, all_new)
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
    why = f"its MAE is {ratio:+.2%} compared with the active version{some}; up to {SLACK:+.0%} is allowed"
    return Verdict(passed, why, compared)


def _of_those(known, new):
    """Says on how many of the new stones two versions of different vocabularies are compared."""
    return (
        f", on {len(known):,} of {len(new):,} new stones: the active version does not know the others' "
        "grades or properties"
    )
