"""The error to expect of answers before their prices are known, from their ranges.

The curve of a version (ml.forest.quantiles) describes how prices spread between the ends of each range,
so the ranges of the stones that are asked for now give the mean absolute error. This estimates a loss
directly, as NannyML's DLE does, but with the calibrated ranges in place of a second model.
"""

import math
from dataclasses import dataclass

import numpy as np

from predictor.versions.live import forest_of

from .errors import newest_errors

SPREAD = "spread"
"""The name of the sums below in MonitoredDay.tallies."""

MOST_ACTUAL = 20_000
"""The most answers whose actual error is compared with the expected one: the page of the admin waits."""

NORMAL = 1.96
TOLERANCE = 0.1
"""How far ranges may be off, as a ratio: bench/alarms.py compares with the errors of held-out stones, by
weight, which differ by up to 9 %."""


@dataclass(frozen=True)
class ExpectedError:
    """The mean absolute error to expect, and its 95 % interval; in the version's currency."""

    mean: float
    low: float
    high: float


def spread_of(price, low, high):
    """The sums that `expected_error` needs of some answers, float64 (6,): their number, the distances from
    price to low and to high, both squared, and their product."""
    price, low, high = (np.asarray(one, np.float64) for one in (price, low, high))
    below, above = price - low, high - price
    return np.array(
        [len(price), below.sum(), above.sum(), below @ below, above @ above, below @ above]
    )


def expected_error(version, spread):
    """The ExpectedError of a version's answers; None for a version without quantiles, or no answers.

    spread: as from `spread_of`, or the sum of several. The interval is that of the mean error of these
    answers: their number, and TOLERANCE. Raises ForestFileError, OSError.
    """
    curve, (count, below, above, below_2, above_2, both) = forest_of(version).curve, spread
    if curve is None or not count:
        return None
    at = curve.at(np.arange(0.0005, 1, 0.001))
    low, high = np.maximum(-at, 0), np.maximum(at, 0)
    a, b = low.mean(), high.mean()
    mean = (a * below + b * above) / count
    square = (low @ low * below_2 + high @ high * above_2) / len(at)
    variance = (square - (a * a * below_2 + b * b * above_2 + 2 * a * b * both)) / count
    reach = NORMAL * math.sqrt(max(variance, 0.0) / count) + TOLERANCE * mean
    return ExpectedError(mean, max(mean - reach, 0.0), mean + reach)


def errors_of_days(version, days):
    """[(day, ExpectedError or None, the actual error or None, the number of reviews), …] of the answers of
    MonitoredDays, and the same for all of them, with None as the day. ForestFileError, OSError.

    The actual error: the mean absolute one of the answers drawn at random, the newest MOST_ACTUAL at most.
    """
    key, actual = str(version.pk), {day.day: [] for day in days}
    for day, error in newest_errors(version, min(actual), MOST_ACTUAL) if actual else ():
        if day in actual:
            actual[day].append(error)
    spreads = {day.day: np.array(day.tallies.get(key, {}).get(SPREAD, np.zeros(6))) for day in days}
    groups = [([day], day) for day in spreads] + [([*spreads], None)]
    found = []
    for some, day in groups:
        errors = [error for one in some for error in actual[one]]
        expected = expected_error(version, sum((spreads[one] for one in some), np.zeros(6)))
        found.append((day, expected, float(np.mean(errors)) if errors else None, len(errors)))
    return found
