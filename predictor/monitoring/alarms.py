"""The two alarms of an active version: inputs moved, error rose. Active until acknowledged.

Called by the command, the admin and the metrics. docs/monitoring.md describes what they guarantee.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from ml.forest.artifact import ForestFileError
from ml.stones import COVERAGE, SCHEMES, ends_of_band
from predictor.models import Alarm, MonitoredDay, Review
from predictor.versions.activation import live_version
from predictor.versions.live import forest_of

from .bins import bins_of
from .days import count_days
from .eprocess import log_bets_on_mean, log_bets_on_shares, log_evidence, rejected

SHOWN = 5
"""The number of segments that an alarm names."""

LARGEST_LOSS = 1.0
"""Larger relative errors count as this: a test of a mean needs a bounded loss."""


@dataclass
class Finding:
    """The result of one check.

    evidence: log evidence by hypothesis; moved: those rejected; observed: the number of rows read; began:
    the day of the first change; segments, the most affected first: {"column", "grade" or "from" and "to",
    "now", "before"}, shares of the rows or mean relative errors.
    """

    evidence: dict = field(default_factory=dict)
    moved: list = field(default_factory=list)
    observed: int = 0
    began: object = None
    segments: list = field(default_factory=list)


def look(progress=None):
    """Reads the new days, and sets the alarms of the active versions; returns the Alarms, a list."""
    count_days(progress)
    alarms = []
    for scheme in SCHEMES:
        version = live_version(scheme)
        if version is None:
            continue
        for kind, find in ((Alarm.Kind.INPUTS, inputs_of), (Alarm.Kind.ERROR, error_of)):
            alarm, _ = Alarm.objects.select_related("version").get_or_create(
                kind=kind, version=version
            )
            with suppress(ForestFileError, OSError):  # its file is missing: alarm unchanged
                _set(alarm, find(version, alarm.counted_from))
            alarms.append(alarm)
    return alarms


@transaction.atomic
def _set(alarm, finding):
    """Updates an alarm. It stays active even if the evidence shrinks later. If it was acknowledged while
    the days were read, it stays acknowledged: the finding is from before that."""
    counted_from = alarm.counted_from
    alarm.refresh_from_db(from_queryset=_locked())
    if alarm.counted_from != counted_from:
        return
    alarm.looked, alarm.observed = timezone.now(), finding.observed
    highest = max(finding.evidence.values(), default=0.0)
    alarm.evidence = float(np.exp(min(highest, 700)))
    if finding.moved and not alarm.active:
        alarm.active, alarm.began, alarm.segments = True, finding.began, finding.segments
        alarm.acknowledged_by, alarm.acknowledged_at, alarm.why = "", None, ""
    alarm.save()


def active_alarms():
    """[(kind, scheme, whether it is active), …] of active versions, for the metrics; django.db.Error."""
    rows = Alarm.objects.filter(version__activations__live=True)
    return [*rows.values_list("kind", "version__scheme", "active")]


def _locked():
    """The alarms, locked: a second transaction that updates one of them waits."""
    return Alarm.objects.select_for_update(of=("self",)).select_related("version")


@transaction.atomic
def acknowledge(alarm, by, why):
    """Stores the reason; the test restarts on the next day. False if it was already acknowledged."""
    alarm.refresh_from_db(from_queryset=_locked())
    if not alarm.active:
        return False
    alarm.active, alarm.acknowledged_by, alarm.why = False, by, why
    alarm.acknowledged_at = timezone.now()
    alarm.counted_from = timezone.now().date() + timedelta(days=1)
    alarm.save()
    return True


# Inputs moved


def inputs_of(version, counted_from=None):
    """Whether the requested stones match the training stones; a Finding. ForestFileError, OSError."""
    known = bins_of(version)
    days, tallies = _tallies(version, counted_from)
    if not days:
        return Finding()
    counts = {name: np.array([tally[name] for tally in tallies]) for name in known}
    evidence, first = {}, {}
    for name, bins in known.items():
        bets = log_bets_on_shares(counts[name], bins.shares)
        evidence[name], first[name] = log_evidence(bets)
    moved = rejected(evidence)
    began = min((first[name] for name in moved), default=None)
    return Finding(
        evidence,
        moved,
        int(counts["price"].sum()),
        None if began is None else days[began],
        [one for name in moved[:SHOWN] for one in _bin_that_grew(name, known, counts, first)],
    )


def _tallies(version, counted_from):
    rows = MonitoredDay.objects.all()
    if counted_from:
        rows = rows.filter(day__gte=counted_from)
    found = [(row.day, row.tallies.get(str(version.pk))) for row in rows]
    found = [(day, tally) for day, tally in found if tally]
    return [day for day, _ in found], [tally for _, tally in found]


def _bin_that_grew(name, known, counts, first):
    """The bin of a column that is furthest above its expected count since the change."""
    since = counts[name][first[name] :].sum(axis=0)
    shares, total = known[name].shares, since.sum()
    place = int(np.argmax(since - total * shares))
    told = {"column": name, "now": float(since[place] / total), "before": float(shares[place])}
    if known[name].levels is None:
        told["from"], told["to"] = known[name].ends(place)
    else:
        told["grade"] = known[name].names[place]
    yield told


# Error rose


def error_of(version, counted_from=None):
    """Whether actual prices differ more than the version's scores predict; a Finding."""
    reviews = Review.objects.filter(
        actual_price__isnull=False, prediction__version=version, prediction__status=200
    ).select_related("prediction")
    if counted_from:
        reviews = reviews.filter(prediction__created__date__gte=counted_from)
    judged = sorted(reviews, key=lambda review: review.prediction.created)
    if not judged:
        return Finding()
    days = [review.prediction.created.date() for review in judged]
    known = sorted({*days})
    place = np.searchsorted(known, days)
    losses = _losses(judged)
    evidence, first = {}, {}
    scores = version.scores
    for name, most in (("mape", scores["mape"]), ("coverage", 1 - COVERAGE)):
        bets = log_bets_on_mean(losses[name], place, min(max(most, 0.01), 0.99))
        evidence[name], first[name] = log_evidence(bets)
    counts, shares = _percentiles(version, judged, place)
    if counts is not None:
        evidence["percentile"], first["percentile"] = log_evidence(
            log_bets_on_shares(counts, shares)
        )
    moved = rejected(evidence)
    began = min((first[name] for name in moved), default=None)
    return Finding(
        evidence,
        moved,
        len(judged),
        None if began is None else known[began],
        _where(judged, losses["mape"], place, began) if moved else [],
    )


def _losses(judged):
    """{"mape": relative errors up to LARGEST_LOSS, "coverage": 1 for each price outside its range}."""
    pairs = [(review.prediction, review.actual_price) for review in judged]
    return {
        "mape": np.array([min(abs(one.price / price - 1), LARGEST_LOSS) for one, price in pairs]),
        "coverage": np.array([float(not one.low <= price <= one.high) for one, price in pairs]),
    }


def _percentiles(version, judged, place):
    """The tenth of its predicted distribution that each actual price lies in, by day; (counts, shares).

    shares: those of the version's held-out stones. None, None for a version without quantiles.
    """
    tenths = version.card.get("tenths")
    curve = forest_of(version).curve
    if tenths is None or curve is None:
        return None, None
    ends = np.array([(r.prediction.price, r.prediction.low, r.prediction.high) for r in judged])
    at = curve.percentile(*ends.T, np.array([review.actual_price for review in judged]))
    counts = np.zeros((int(place[-1]) + 1, 10), int)
    np.add.at(counts, (place, np.minimum(at // 10, 9).astype(int)), 1)
    shares = np.array(tenths) + 1.0
    return counts, shares / shares.sum()


def _where(judged, losses, place, began):
    """The grades and carat bands whose mean loss since the change is furthest above the others'."""
    since = place >= began
    rows = [review.prediction for review, late in zip(judged, since, strict=True) if late]
    late, found = losses[since], []
    mean, spread = late.mean(), late.std() or 1.0
    groups = {}
    for number, row in enumerate(rows):
        for key in row.kinds:
            groups.setdefault(key, []).append(number)
    for (column, key), numbers in groups.items():
        above = (late[numbers].mean() - mean) / spread * np.sqrt(len(numbers))
        told = {"column": column, "now": float(late[numbers].mean()), "before": float(mean)}
        if column == "carat":
            told["from"], told["to"] = ends_of_band(key)
        else:
            told["grade"] = key
        found.append((above, told))
    found.sort(key=lambda one: -one[0])
    return [told for _, told in found[:SHOWN]]
