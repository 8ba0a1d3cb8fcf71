"""Random samples of recorded answers, and what those that were judged say of all of them."""

import math
import random
from bisect import bisect_right
from itertools import chain

from django.db import transaction

from predictor.history.batches import in_batches
from predictor.models import Sample, SampledPrediction

READ = 5_000
"""Answers that one query reads, so that none takes long."""

BANDS = 5
"""Price bands that a sample --by price draws from alike."""

LOOKED_AT = 10_000
"""Prices that the bands' ends are drawn from; what a sample says is right wherever the ends are."""

MOST = 10_000


class SampleError(ValueError):
    """A sample that cannot be drawn; population: how many answers there are, None where nobody looked."""

    def __init__(self, message, population=None):
        super().__init__(message)
        self.population = population


def draw(rows, n, seed, by_price=False, by="", query=""):
    """Draws n of a queryset's answers into a new Sample, each as likely as another (by_price: as another
    of its price band); the same seed and rows give the same. SampleError.

    query: the filter that the rows are of, as the list has it. One pass over the ids (two by price).
    """
    answers = rows.filter(status=200).values_list("pk", "price", named=True)
    if not 1 <= n <= MOST:
        raise SampleError(f"a sample of {n:,}: draw from 1 to {MOST:,}")
    rng = random.Random(seed)  # noqa: S311 - to be drawn again, not to be secret
    ends = _ends_of_bands(answers, rng) if by_price else []
    drawn, counts = _reservoirs(answers, ends, n, rng)
    if sum(counts) < n:
        raise SampleError(
            f"a sample of {n:,} of {sum(counts):,} answers: there are too few", sum(counts)
        )
    chosen = [
        (pk, count / len(some)) for some, count in zip(drawn, counts, strict=True) for pk, _ in some
    ]
    rng.shuffle(chosen)  # so that whoever stops half-way has judged a random half
    with transaction.atomic():
        sample = Sample.objects.create(
            seed=seed, by_price=by_price, query=query, population=sum(counts), by=by
        )
        SampledPrediction.objects.bulk_create(
            (
                SampledPrediction(
                    sample=sample, prediction_id=pk, place=place, stands_for=stands_for
                )
                for place, (pk, stands_for) in enumerate(chosen, start=1)
            ),
            batch_size=500,
        )
    return sample


def _ends_of_bands(answers, rng):
    [some], _ = _reservoirs(answers, [], LOOKED_AT, rng)
    prices = sorted(price for _, price in some)
    if not prices:
        return []
    return sorted({prices[len(prices) * band // BANDS] for band in range(1, BANDS)})


def _reservoirs(answers, ends, n, rng):
    """Of each band a random part, and how many there are. Source: Vitter (1985), algorithm R."""
    shares = [n // (len(ends) + 1) + (band < n % (len(ends) + 1)) for band in range(len(ends) + 1)]
    drawn, counts = [[] for _ in shares], [0] * len(shares)
    for answer in chain.from_iterable(in_batches(answers, READ)):
        band = bisect_right(ends, answer[1])
        counts[band] += 1
        if len(drawn[band]) < shares[band]:
            drawn[band].append(answer)
        elif (place := rng.randrange(counts[band])) < shares[band]:
            drawn[band][place] = answer
    return drawn, counts


def estimate(sample):
    """What a Sample's judged answers say of all that it was drawn from.

    {"drawn", "judged" (with an actual price), "population": counts; "mae": in the answers' currency,
    "coverage": a ratio, "mae_error", "coverage_error": their standard errors}; without the last four
    where fewer than two were judged. Weighted by what each stands for (Horvitz and Thompson, 1952), so
    unbiased for whatever part was judged in the order drawn.
    """
    rows = [
        (drawn.stands_for, drawn.prediction)
        for drawn in sample.predictions.select_related("prediction__review").filter(
            prediction__review__actual_price__isnull=False
        )
    ]
    told = {
        "drawn": sample.predictions.count(),
        "judged": len(rows),
        "population": sample.population,
    }
    if len(rows) < 2:
        return told
    weights = [weight for weight, _ in rows]
    actual = [(one, one.review.actual_price) for _, one in rows]
    away = [abs(one.price - price) for one, price in actual]
    inside = [float(one.low <= price <= one.high) for one, price in actual]
    for name, values in (("mae", away), ("coverage", inside)):
        told[name], told[f"{name}_error"] = _weighted_mean(values, weights)
    return told


def _weighted_mean(values, weights):
    """A weighted mean and its standard error."""
    total = sum(weights)
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    square = sum(
        (weight * (value - mean)) ** 2 for weight, value in zip(weights, values, strict=True)
    )
    return mean, math.sqrt(square * len(values) / (len(values) - 1)) / total
