"""The tests of the alarm *errors changed*: whether actual prices differ from the answers as the version's
scores say. Only answers that were drawn at random count: chosen ones are not like the others."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import blake2b
from urllib.parse import parse_qsl

import numpy as np
from django.db.models import F, Max, OuterRef, Subquery
from django.db.models.functions import Abs, Coalesce

from ml.stones import CODES, COVERAGE, ends_of_band
from predictor.models import Prediction, Review, Sample, SampledPrediction
from predictor.versions.live import forest_of

from .bins import held_out_worth
from .eprocess import Reference, log_tests_of_mean, log_tests_of_shares
from .findings import SHOWN, Finding, Tests, share_since, smallest_change

LARGEST_LOSS = 1.0
"""Larger relative errors count as this: a test of a mean needs a bounded loss."""

FEWEST = 100
"""About how many reviews it takes to notice that errors doubled."""

OF_TIME_OR_VERSION = {"created", "scheme", "version", ""}
"""Columns of filters under which a sample is still one of the version's answers."""


@dataclass(frozen=True)
class Judged:
    """An answer that was drawn at random, its actual price, and the day on which that arrived."""

    prediction: Prediction
    actual: float
    arrived: date

    @property
    def relative_error(self):
        """The error as a ratio of the actual price, at most LARGEST_LOSS."""
        return min(abs(self.prediction.price / self.actual - 1), LARGEST_LOSS)

    @property
    def is_outside(self):
        """Whether the actual price is outside the range."""
        return not self.prediction.low <= self.actual <= self.prediction.high


def judged_at_random(version):
    """The Judged answers of a version, in the order in which their prices arrived."""
    samples = _samples()
    priced = Review.history.filter(
        id=OuterRef("prediction__review__id"), actual_price__isnull=False
    ).order_by("history_date")
    rows = _drawn(version, samples).annotate(
        arrived=Coalesce(Subquery(priced.values("history_date")[:1]), "prediction__review__at")
    )
    found = {
        row.prediction_id: Judged(
            row.prediction, row.prediction.review.actual_price, row.arrived.date()
        )
        for row in rows.select_related("prediction__review").defer("prediction__request")
        if _is_kept(row, samples[row.sample_id])
    }
    return sorted(found.values(), key=lambda one: (one.arrived, one.prediction.pk))


def newest_errors(version, since, most):
    """[(day, absolute error), …] of a version's newest answers that were drawn at random, `most` at most.

    since: the first day (UTC). Reads no more answers than that, and only the columns that it needs.
    """
    samples, begin = _samples(), datetime.combine(since, time.min, UTC)
    rows = _drawn(version, samples).filter(prediction__created__gte=begin)
    rows = rows.order_by("-prediction_id").annotate(
        created=F("prediction__created"),
        error=Abs(F("prediction__price") - F("prediction__review__actual_price")),
    )
    columns = ("prediction_id", "sample_id", "stands_for", "created", "error")
    found = {
        row.prediction_id: (row.created.date(), row.error)
        for row in rows.values_list(*columns, named=True)[:most]
        if _is_kept(row, samples[row.sample_id])
    }
    return [*found.values()]


def _samples():
    """{sample: the most that any of its answers stands for} of those whose answers count."""
    samples = Sample.objects.annotate(most=Max("predictions__stands_for"))
    return {sample.pk: sample.most for sample in samples if _is_of_all(sample)}


def _drawn(version, samples):
    """The rows of samples that are a version's answers with an actual price."""
    return SampledPrediction.objects.filter(
        sample__in=samples,
        prediction__version=version,
        prediction__status=200,
        prediction__review__actual_price__isnull=False,
    )


def _is_of_all(sample):
    """Whether a sample is of all answers, or of those of a time or version. One by_worth is reviewed in the
    order of its chances, so that those reviewed first are chosen ones."""
    filters = parse_qsl(sample.query.removeprefix("?"))
    return (
        not sample.by_worth and {name.split("__")[0] for name, _ in filters} <= OF_TIME_OR_VERSION
    )


def _is_kept(row, most):
    """Whether a row of a sample counts. An answer that stands for more others does so with a higher
    probability, so that those which count are drawn with equal ones; most: the most that any stands for."""
    drawn = int.from_bytes(blake2b(row.prediction_id.bytes, digest_size=6).digest()) / 2**48
    return drawn < row.stands_for / most


def error_of(version, counted_from=None):
    """A Finding about the prices that arrived from counted_from on. Raises ForestFileError, OSError."""
    judged = [
        one
        for one in judged_at_random(version)
        if counted_from is None or one.arrived >= counted_from
    ]
    if not judged:
        return Finding()
    days, place = np.unique([one.arrived for one in judged], return_inverse=True)
    tests, references, counts, losses = tests_of(version, judged, place)
    began = tests.began()
    segments = [
        _change(name, version, counts, references, losses[place >= tests.first[name]], tests)
        for name in tests.moved
    ]
    if {"error", "outside"} & {*tests.moved}:
        segments += _where(version, judged, losses, place >= began)
    return Finding(
        tests.evidence,
        tests.moved,
        len(judged),
        None if began is None else days[began],
        segments[: SHOWN + len(tests.moved)],
    )


def tests_of(version, judged, place):
    """The Tests of Judged answers, with their references, counts by day and losses; place: the index of
    each one's day (n,), ascending."""
    references, counts = _references(version), _counts(version, judged, place)
    losses = np.array([one.relative_error for one in judged])
    log_tests = {
        name: log_tests_of_shares(counts[name], reference) for name, reference in references.items()
    }
    log_tests["outside"] = log_tests["outside"][:, :1]  # only more of them is a change
    log_tests["error"] = log_tests_of_mean(losses, place, _largest_error(version))
    return Tests(log_tests), references, counts, losses


def _references(version):
    """{"outside": prices in and outside their range, "place": the tenth of the predicted distribution that
    they lie in}, as References: those of the version's held-out stones."""
    stones, worth = version.scores["stones"], held_out_worth(version)
    outside = 1 - version.scores["coverage"]
    found = {"outside": ([outside * stones, (1 - outside) * stones], [1 - COVERAGE, COVERAGE])}
    if "tenths" in version.card and forest_of(version).curve is not None:
        found["place"] = (version.card["tenths"], [0.1] * 10)
    return {
        name: Reference.of(np.array(counts) * worth, expected, smallest_change())
        for name, (counts, expected) in found.items()
    }


def _counts(version, judged, place):
    """The numbers of Judged answers by day in the bins of `_references`; place: the index of their day."""
    days, curve = int(place[-1]) + 1, forest_of(version).curve
    counts = {"outside": np.zeros((days, 2), int), "place": np.zeros((days, 10), int)}
    np.add.at(counts["outside"], (place, [int(not one.is_outside) for one in judged]), 1)
    if curve is not None:
        ends = [(one.prediction.price, one.prediction.low, one.prediction.high) for one in judged]
        at = curve.percentile(*np.array(ends).T, np.array([one.actual for one in judged]))
        np.add.at(counts["place"], (place, np.minimum(at // 10, 9).astype(int)), 1)
    return counts


def _largest_error(version):
    """The largest mean relative error that counts as unchanged: over the registered one by twice the reach
    of its 95 % interval (3.9 standard errors), and by the smallest change that counts."""
    mape = version.scores["mape"]
    high = version.card.get("intervals", {}).get("scores", {}).get("mape", (mape, mape))[1]
    highest, (points, part) = mape + 2 * (high - mape), smallest_change()
    return min(max(highest + max(points, part * highest), 0.01), 0.99)


def _change(name, version, counts, references, losses, tests):
    """What moved, in which direction, as a segment: {"column": "error", "outside" or "place", …}."""
    if name == "error":
        return {"column": name, "now": float(losses.mean()), "before": version.scores["mape"]}
    first = tests.first[name]
    group, now, before = share_since(counts[name], references[name], tests.most[name], first)
    segment = {"column": name, "now": now, "before": before}
    if name == "place":
        segment |= {"from": 10 * group, "to": 10 * group + 10}
        segment["way"] = _direction(counts[name][first:].sum(axis=0), references[name].shares)
    return segment


def _direction(counts, shares):
    """How prices moved in their ranges: "higher", "lower", "nearer" (to the middle) or "further".

    Prices that all moved one way are also further from the middle, so "further" needs to be twice as clear.
    """
    tenths = np.arange(10) - 4.5
    ways = {("lower", "higher"): tenths, ("nearer", "further"): np.abs(tenths)}
    found = {}
    for names, score in ways.items():
        mean = shares @ score
        spread = np.sqrt(shares @ (score - mean) ** 2)
        found[names] = (counts @ score / counts.sum() - mean) / spread
    one_way, apart = found
    names = one_way if abs(found[one_way]) > abs(found[apart]) / 2 else apart
    return names[int(found[names] > 0)]


def _where(version, judged, losses, since):
    """The grades and carat bands whose mean error since the change is furthest over the registered one."""
    groups, found = {}, []
    for one, loss, late in zip(judged, losses, since, strict=True):
        for key in one.prediction.kinds if late else ():
            groups.setdefault(key, []).append(loss)
    spread = losses[since].std() or 1.0
    for (column, key), some in groups.items():
        before = _registered(version, column, key)
        segment = {"column": column, "now": float(np.mean(some)), "before": before}
        if column == "carat":
            segment["from"], segment["to"] = ends_of_band(key)
        else:
            segment["grade"] = key
        found.append(((segment["now"] - before) / spread * np.sqrt(len(some)), segment))
    found.sort(key=lambda one: -one[0])
    return [segment for _, segment in found]


def _registered(version, column, key):
    """The mean relative error of the held-out stones of a grade, code or carat band; of all, if there were
    too few."""
    wanted = {"from": ends_of_band(key)[0]} if column == "carat" else _grade_in_card(column, key)
    for band in version.card.get("bands", []):
        if band["by"] == column and all(band.get(name) == one for name, one in wanted.items()):
            return band["mape"]
    return version.scores["mape"]


def _grade_in_card(column, key):
    """How the model card names a grade, or a code of the coded scheme as recorded."""
    if not key.isdigit():
        return {"grade": key}
    grades = CODES[column][int(key)]
    return {"grade": grades[0]} if len(grades) == 1 else {"code": int(key)}
