"""Reviews that are worth most: how likely an answer is drawn, and unbiased estimates from those drawn.

An answer's weight is larger where its error is expected to be larger or is less certain. The answers with
the largest weight / u are drawn, in this order, with u uniform on (0, 1]: priority sampling (Duffield, Lund
and Thorup, 2007). The first m of them are then drawn with the chances min(1, weight / t), where t is the
priority of the next one. An estimate is what is expected of all answers, plus the difference that the
reviewed ones show, each divided by its chance (Horvitz and Thompson, 1952; Zrnic and Candès, 2024: active
inference).
"""

import math

import numpy as np

from ml.stones import COVERAGE

ERROR_OF_WIDTH = 0.31
"""The mean error as a ratio to the width of an 80 % range: of a normal distribution, and of Laplace's."""

LESS_CERTAIN = 2
"""Times the weight of an extrapolated answer, and of one where an alarm is active."""

SHARED = 2
"""Times the version's mean error, which every answer's weight has besides its own: then the coverage is
estimated nearly as well as from a random sample, and the error still from less than half of the reviews."""


def expected_error(answer):
    """The error to expect of an answer, by the width of its range."""
    return ERROR_OF_WIDTH * (answer.high - answer.low)


def weight_of(answer, mean_error, alarmed):
    """An answer's weight. mean_error: that of its version; alarmed: whether an alarm is active for it."""
    extrapolated = any(warning["code"] == "extrapolated" for warning in answer.warnings)
    times = LESS_CERTAIN ** (extrapolated + alarmed)
    return times * expected_error(answer) + SHARED * mean_error


def is_in(answer, segment):
    """Whether an answer is in a segment of an alarm: {"column", "grade" or "from" and "to"}."""
    value = getattr(answer, segment["column"], None)
    if value is None or "grade" in segment:
        return value is not None and value == segment["grade"]
    low, high = segment.get("from"), segment.get("to")
    return (low is None or value >= low) and (high is None or value < high)


def priority_of(weight, rng):
    """A random priority for a weight."""
    return weight / (1 - rng.random())


def chances(weights, threshold):
    """The chance that each was drawn: float64 (n,). threshold: the next one's priority, 0 if all were."""
    weights = np.asarray(weights, float)
    return np.minimum(1, weights / threshold) if threshold else np.ones(len(weights))


def estimated(values, expected, chances, all_expected, population):
    """The mean of all answers' values and its standard error, from those of the reviewed ones.

    values, expected, chances: (n,), what was found, what was expected and the chance; all_expected: the sum
    of what was expected over all answers; population: their number.
    """
    away = (np.asarray(values, float) - expected) / chances
    square = float(np.sum((1 - chances) * away**2))
    return (all_expected + float(away.sum())) / population, math.sqrt(square) / population


def estimated_share(inside, chances, population):
    """The same of the coverage; inside: whether each price is in its range."""
    expected = np.full(len(chances), COVERAGE)
    return estimated(inside, expected, chances, COVERAGE * population, population)
