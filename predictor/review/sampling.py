"""Random samples of recorded answers, and estimates for all answers from the reviewed ones."""

import math
import random
from bisect import bisect_right
from functools import partial
from itertools import takewhile
from uuid import uuid5

from django.db import IntegrityError, connection, transaction

from predictor.history.batches import in_batches
from predictor.history.staging import staged
from predictor.models import Sample, SampledPrediction

READ = 5_000
"""Answers read by one query, so that no query takes long."""

BANDS = 5
"""The number of price bands that a sample --by price draws equally from."""

LOOKED_AT = 10_000
"""Prices that the bands' boundaries are computed from; estimates are unbiased for any boundaries."""

MOST = 10_000


class SampleError(ValueError):
    """A sample that cannot be drawn; population: the number of answers, None if they were not counted."""

    def __init__(self, message, population=None):
        super().__init__(message)
        self.population = population


def draw(rows, n, seed, by_price=False, by="", query="", form=None, progress=None):
    """Draws n of a queryset's answers into a new Sample, all with the same probability (by_price: the same
    within a price band); the same seed and rows give the same sample. Raises SampleError.

    query: the filter of the list that gave the rows; form: the UUID of the form that was sent: the same
    form with the same values returns the same Sample; progress: called with the number of answers read.
    One pass over the ids (two by price).
    """
    request = form and uuid5(form, f"{n} {seed} {by_price} {query}")
    if known := _drawn_for(request):
        return known
    answers = rows.filter(status=200).values_list("pk", "price", named=True)
    read = partial(_read, answers, progress or (lambda done: None))
    if not 1 <= n <= MOST:
        raise SampleError(f"a sample of {n:,}: draw from 1 to {MOST:,}")
    rng = random.Random(seed)  # noqa: S311 - to be drawn again, not to be secret
    ends = _ends_of_bands(read(), rng) if by_price else []
    drawn, counts = _reservoirs(read(), ends, n, rng)
    if sum(counts) < n:
        raise SampleError(
            f"a sample of {n:,} of {sum(counts):,} answers: there are too few", sum(counts)
        )
    chosen = [
        (pk, count / len(some)) for some, count in zip(drawn, counts, strict=True) for pk, _ in some
    ]
    rng.shuffle(chosen)  # so that any first part of the sample is random too
    drawn = [(pk, place, stands_for) for place, (pk, stands_for) in enumerate(chosen, start=1)]
    said = {"seed": seed, "by_price": by_price, "query": query, "by": by, "request": request}
    sample = Sample(population=sum(counts), **said)
    try:
        _save(sample, drawn)
    except IntegrityError:  # the form was sent twice at the same moment
        if known := _drawn_for(request):
            return known
        raise
    return sample


def _drawn_for(request):
    return Sample.objects.filter(request=request).first() if request else None


def _save(sample, drawn):
    """Saves a Sample with its predictions; drawn: [(id, place, the number it stands for), …]."""
    with (
        staged(SampledPrediction, ["prediction", "place", "stands_for"], drawn) as (table, columns),
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


def _ends_of_bands(answers, rng):
    [some], _ = _reservoirs(answers, [], LOOKED_AT, rng)
    prices = sorted(price for _, price in some)
    if not prices:
        return []
    return sorted({prices[len(prices) * band // BANDS] for band in range(1, BANDS)})


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
    first = takewhile(lambda row: row.prediction__review__id, rows)
    judged = [row for row in first if row.prediction__review__actual_price is not None]
    priced = sum(row.prediction__review__actual_price is not None for row in rows)
    told = {
        "drawn": len(rows),
        "judged": len(judged),
        "left_out": priced - len(judged),
        "population": sample.population,
    }
    if len(judged) < 2:
        return told
    for name, value in (("mae", _error), ("coverage", _is_inside)):
        values, weights = [value(row) for row in judged], [row.stands_for for row in judged]
        told[name], told[f"{name}_error"] = _weighted_mean(values, weights)
    return told


OF_DRAWN = (
    "stands_for",
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
