"""Whether a shadow is better or worse than the active version, by the actual prices of the same stones.

A test by betting (Waudby-Smith and Ramdas, 2024), which may be repeated after each actual price.
docs/review.md has the assumptions. Needs only numpy.
"""

import math
from dataclasses import dataclass

import numpy as np

from predictor.monitoring.eprocess import log_tests_of_mean

ALPHA = 0.01
"""The highest probability that the verdict is ever wrong, over all looks."""

NEEDED = 2 / ALPHA
"""The evidence that a verdict needs; half of ALPHA is for each of the two."""

LARGEST = 0.2
"""Larger differences of two errors, in log price, count as this: a test of a mean needs a bound. There are
none where the prices of both versions differ by less than 22 %, whatever the actual price."""

BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"


@dataclass(frozen=True)
class Evidence:
    """What the actual prices of a shadow's stones show.

    live, shadow: the versions' mean absolute errors, in log price. better, worse: the evidence that the
    shadow's error is smaller on average than the active version's, or larger.
    trained_on, repeated: the numbers of actual prices that do not count.
    """

    outcomes: int
    live: float
    shadow: float
    better: float
    worse: float
    trained_on: int = 0
    repeated: int = 0

    @property
    def verdict(self):
        """BETTER, WORSE or UNDECIDED."""
        if self.better >= NEEDED:
            return BETTER
        return WORSE if self.worse >= NEEDED else UNDECIDED


def compared(live, shadow, actual, trained_on=0, repeated=0):
    """The Evidence of prices by both versions and actual prices, float64 (n,), in the order in which these
    arrived."""
    errors = np.abs(np.log(np.array([live, shadow]) / actual))
    means = errors.mean(axis=1) if len(actual) else np.zeros(2)
    better = errors[0] - errors[1]
    evidence = (evidence_above_zero(side) for side in (better, -better))
    return Evidence(len(actual), *means.tolist(), *evidence, trained_on, repeated)


def evidence_above_zero(differences):
    """The evidence that differences of errors, float64 (n,), are above 0 on average; if they are not, it
    ever reaches 1/a with a probability of at most a."""
    scaled = (np.clip(differences / LARGEST, -1, 1) + 1) / 2
    [[found]] = log_tests_of_mean(scaled, np.zeros(len(scaled), int), 0.5)
    return math.exp(min(found, 700))
