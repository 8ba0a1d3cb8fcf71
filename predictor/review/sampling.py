"""Random samples of recorded answers, and estimates for all answers from the reviewed ones."""

import heapq
import math
import random
from bisect import bisect_right
from functools import partial
from itertools import takewhile
from operator import attrgetter
from uuid import uuid5

import numpy as np
from django.db import IntegrityError, connection, transaction

from ml.stones import GRADES, MEASURES
from predictor.history.batches import in_batches
from predictor.history.staging import staged
from predictor.models import Alarm, ModelVersion, Sample, SampledPrediction
from predictor.review import worth

READ = 5_000
"""Answers read by one query, so that no query takes long."""

BANDS = 5
"""The most price bands that a sample --by price draws equally from."""

LOOKED_AT = 10_000
"""Prices that the bands' boundaries are computed from; estimates are unbiased for any boundaries."""

MOST = 10_000


class SampleError(ValueError):
    """A sample that cannot be drawn; population: the number of answers, None if they were not counted."""

    def __init__(self, message, population=None):
        super().__init__(message)
        self.population = population


def draw(
    rows, n, seed, by_price=False, by_worth=False, reviewers=(), form=None, progress=None, **values
):
    """Draws n of a queryset's answers into a new Sample; the same seed and rows give the same sample.
    Raises SampleError.

    All have the same chance; by_price: the same within a price band; by_worth: a larger one where a review
    is worth more (worth.py). reviewers: the ids of the users that they are assigned to in turns. form: the
    UUID of the form that was sent: the same form with the same values returns the same Sample; progress:
    called with the number of answers read. values: of the Sample (by, twice, the filter of the list as
    query). One pass over the answers (two by price).
    """
    if not 1 <= n <= MOST:
        raise SampleError(f"a sample of {n:,}: draw from 1 to {MOST:,}")
    chosen = {"seed": seed, "by_price": by_price, "by_worth": by_worth, **values}
    request = form and uuid5(form, f"{n} {[*reviewers]} {sorted(chosen.items())}")
    if known := _drawn_for(request):
        return known
    sample = Sample(request=request, **chosen)
    rng = random.Random(seed)  # noqa: S311 - to be drawn again, not to be secret
    read = partial(_read, progress=progress or (lambda done: None))
    drawn = (_worth_most if by_worth else _alike)(read, rows.filter(status=200), n, rng, sample)
    try:
        _save(sample, _assigned(drawn, [*reviewers]))
    except IntegrityError:  # the form was sent twice at the same moment
        if known := _drawn_for(request):
            return known
        raise
    return sample


def _drawn_for(request):
    return Sample.objects.filter(request=request).first() if request else None


def _assigned(drawn, reviewers):
    """The drawn answers with their places, and reviewers in turns."""
    users = reviewers or [None]
    return [
        (*one, place, users[(place - 1) % len(users)]) for place, one in enumerate(drawn, start=1)
    ]


def _alike(read, answers, n, rng, sample):
    """Draws n answers, by price bands or from all, read by `read`; sets the Sample's population."""
    answers = answers.values_list("pk", "price", named=True)
    ends = _ends_of_bands(read(answers), n, rng) if sample.by_price else []
    drawn, counts = _reservoirs(read(answers), ends, n, rng)
    sample.population = _enough(n, sum(counts))
    chosen = [
        (pk, count / len(some), None, None, None)
        for some, count in zip(drawn, counts, strict=True)
        for pk, _ in some
    ]
    rng.shuffle(chosen)  # so that any first part of the sample is random too
    return chosen


def _enough(n, population):
    if population < n:
        raise SampleError(
            f"a sample of {n:,} of {population:,} answers: there are too few", population
        )
    return population


def _worth_most(read, answers, n, rng, sample):
    """Draws n answers by priority, the largest first; sets the Sample's population, expected, threshold."""
    errors = {version.pk: version.scores["mae"] for version in ModelVersion.objects.defer("card")}
    alarms = Alarm.objects.filter(active=True)
    segments = [(alarm.version_id, one) for alarm in alarms for one in alarm.segments]
    largest, sample.population, sample.expected = [], 0, 0.0
    for answer in read(answers.values_list(*OF_WEIGHT, named=True)):
        alarmed = any(pk == answer.version and worth.is_in(answer, one) for pk, one in segments)
        weight = worth.weight_of(answer, errors[answer.version], alarmed)
        expected = worth.expected_error(answer)
        sample.population, sample.expected = sample.population + 1, sample.expected + expected
        entry = (worth.priority_of(weight, rng), answer.pk, weight, expected)
        (heapq.heappush if len(largest) <= n else heapq.heappushpop)(largest, entry)
    _enough(n, sample.population)
    largest.sort(reverse=True)
    sample.threshold = largest.pop()[0] if len(largest) > n else 0.0
    return [
        (
            pk,
            1 / min(1, weight / sample.threshold) if sample.threshold else 1,
            weight,
            priority,
            known,
        )
        for priority, pk, weight, known in largest
    ]


OF_WEIGHT = ("pk", "price", "low", "high", "warnings", "version", *MEASURES, *GRADES)
"""The fields of an answer that its weight depends on."""

COLUMNS = ("prediction", "stands_for", "weight", "priority", "expected", "place", "reviewer")


def _save(sample, drawn):
    """Saves a Sample with its predictions; drawn: rows of COLUMNS."""
    with (
        staged(SampledPrediction, COLUMNS, drawn) as (table, columns),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        sample.save()
        cursor.execute(
            f"INSERT INTO {SampledPrediction._meta.db_table} (sample_id, {columns}) "  # noqa: S608
            f"SELECT %s, {columns} FROM {table} ORDER BY prediction_id",
            [sample.pk],
        )


def _read(answers, progress):
    done = 0
    for batch in in_batches(answers, READ):
        yield from batch
        done += len(batch)
        progress(done)


def _ends_of_bands(answers, n, rng):
    """The prices at which bands meet: none is empty, and n are enough to draw from each."""
    [some], _ = _reservoirs(answers, [], LOOKED_AT, rng)
    prices = sorted(price for _, price in some)
    if not prices:
        return []
    bands = min(BANDS, n)
    ends = {prices[len(prices) * band // bands] for band in range(1, bands)}
    return sorted(ends - {prices[0]})


def _reservoirs(answers, ends, n, rng):
    """A random part of each band, and the bands' sizes. Source: Vitter (1985), algorithm R."""
    shares = [n // (len(ends) + 1) + (band < n % (len(ends) + 1)) for band in range(len(ends) + 1)]
    drawn, counts = [[] for _ in shares], [0] * len(shares)
    for answer in answers:
        band = bisect_right(ends, answer[1])
        counts[band] += 1
        if len(drawn[band]) < shares[band]:
            drawn[band].append(answer)
        elif (place := rng.randrange(counts[band])) < shares[band]:
            drawn[band][place] = answer
    return drawn, counts


def estimate(sample):
    """Estimates for all answers that a Sample was drawn from, by those reviewed before any is left out.

    {"drawn", "judged" (with an actual price), "left_out" (also, but drawn after one without a review),
    "population": counts; "mae": in the answers' currency, "coverage": a ratio, "mae_error",
    "coverage_error": their standard errors}; without the last four if fewer than two were judged.
    Weighted by stands_for (Horvitz and Thompson, 1952). In the order drawn, those reviewed first are a
    random sample too, so the estimates are unbiased; those that somebody chose to review are not.
    """
    rows = [*sample.predictions.order_by("place").values_list(*OF_DRAWN, named=True)]
    first = takewhile(_is_reviewed, rows)
    judged = [row for row in first if row.prediction__review__actual_price is not None]
    priced = sum(row.prediction__review__actual_price is not None for row in rows)
    results = {
        "drawn": len(rows),
        "judged": len(judged),
        "left_out": priced - len(judged),
        "population": sample.population,
    }
    if len(judged) < 2:
        return results
    estimates = _by_worth(sample, rows, judged) if sample.by_worth else _by_weight(judged)
    for name, (value, error) in estimates.items():
        results[name], results[f"{name}_error"] = value, error
    return results


def _by_weight(judged):
    weights = [row.stands_for for row in judged]
    return {
        name: _weighted_mean([value(row) for row in judged], weights)
        for name, value in (("mae", _error), ("coverage", _is_inside))
    }


def _by_worth(sample, rows, judged):
    """The same of a sample by_worth. Those reviewed without a price count as the others do on average."""
    reviewed = [*takewhile(_is_reviewed, rows)]
    following = rows[len(reviewed)].priority if len(reviewed) < len(rows) else sample.threshold
    chances = worth.chances([row.weight for row in judged], following)
    all_chances = worth.chances([row.weight for row in reviewed], following)
    chances = np.minimum(1, chances * (1 / chances).sum() / (1 / all_chances).sum())
    errors, expected = (
        [value(row) for row in judged] for value in (_error, attrgetter("expected"))
    )
    inside = [_is_inside(row) for row in judged]
    return {
        "mae": worth.estimated(errors, expected, chances, sample.expected, sample.population),
        "coverage": worth.estimated_share(inside, chances, sample.population),
    }


def _is_reviewed(row):
    return row.prediction__review__id is not None


OF_DRAWN = (
    *("stands_for", "weight", "priority", "expected"),
    *(f"prediction__{name}" for name in ("price", "low", "high")),
    *(f"prediction__review__{name}" for name in ("id", "actual_price")),
)


def _error(row):
    return abs(row.prediction__price - row.prediction__review__actual_price)


def _is_inside(row):
    actual = row.prediction__review__actual_price
    return float(row.prediction__low <= actual <= row.prediction__high)


def _weighted_mean(values, weights):
    """A weighted mean and its standard error."""
    total = sum(weights)
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    square = sum(
        (weight * (value - mean)) ** 2 for weight, value in zip(weights, values, strict=True)
    )
    return mean, math.sqrt(square * len(values) / (len(values) - 1)) / total
