"""Tests that may be repeated any number of times: e-processes, whose value is the evidence against a
hypothesis.

If the hypothesis is true, the evidence ever reaches 1/a with a probability of at most a, over any number
of repetitions (Ville, 1939). A weighted mean of the tests that start on each day, with weights that sum to
one, is also such a test, and shows when a change began. Sources: Ramdas et al. (2023), "Game-theoretic
statistics and safe anytime-valid inference"; for the tests of shares Krichevsky and Trofimov (1981), of a
mean Waudby-Smith and Ramdas (2024); for many hypotheses e-BH, Wang and Ramdas (2022). Needs only numpy.
"""

import math
from functools import lru_cache

import numpy as np

ALPHA = 0.01
"""The highest probability of a false alarm, over all repetitions."""

PRIOR = 0.5
BETS = np.array([0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95])
"""The stakes of the tests of a mean, as ratios of the largest that cannot make the evidence negative."""


def log_bets_on_shares(counts, shares):
    """log evidence, by first day, against the hypothesis that observations fall into bins by `shares`.

    counts: whole numbers (days, bins); shares: ratios (bins,), all over 0, that sum to 1. Returns
    float64 (days,): for the test that starts on each day, its value after the last day.
    """
    sums = np.cumsum(counts[::-1], axis=0)[::-1].astype(np.float64)
    bins, total = len(shares), sums.sum(axis=1)
    alternative = (
        _lgamma(sums + PRIOR).sum(axis=1)
        - bins * math.lgamma(PRIOR)
        + math.lgamma(bins * PRIOR)
        - _lgamma(total + bins * PRIOR)
    )
    return alternative - sums @ np.log(shares)


def log_bets_on_mean(losses, days, most):
    """The same against the hypothesis that losses are at most `most` on average.

    losses: float64 (n,) from 0 to 1; days: the index of each loss's day (n,), ascending from 0; most: a
    ratio over 0 and under 1.
    """
    each = np.log1p(np.outer(losses - most, BETS / most))
    by_day = np.zeros((int(days[-1]) + 1 if len(days) else 1, len(BETS)))
    np.add.at(by_day, np.asarray(days, int), each)
    sums = np.cumsum(by_day[::-1], axis=0)[::-1]
    return np.logaddexp.reduce(sums, axis=1) - math.log(len(BETS))


def log_evidence(log_bets):
    """log of the combined evidence of all the tests of log_bets_on_…, and the index of the day whose test
    has the most: (float, int). Day j has the weight 1 / (j (j + 1)); later days count as evidence 1."""
    days = np.arange(1, len(log_bets) + 1)
    weighted = log_bets - np.log(days * (days + 1.0))
    kept = -math.log(len(log_bets) + 1)
    return float(np.logaddexp(np.logaddexp.reduce(weighted), kept)), int(np.argmax(weighted))


def rejected(log_evidences, alpha=ALPHA):
    """The names of the hypotheses that e-BH rejects; log_evidences: {name: log evidence}.

    If all are true, any is rejected with a probability of at most alpha, because their mean evidence
    then has to reach 1 / alpha.
    """
    order = sorted(log_evidences, key=log_evidences.get, reverse=True)
    many = len(order)
    enough = [
        place
        for place, name in enumerate(order, start=1)
        if log_evidences[name] >= math.log(many / (place * alpha))
    ]
    return order[: max(enough, default=0)]


def _lgamma(values):
    """math.lgamma of an array; cached, because few values are distinct."""
    kinds, places = np.unique(values, return_inverse=True)
    return np.array([_one_lgamma(one) for one in kinds.tolist()])[places].reshape(values.shape)


@lru_cache(100_000)
def _one_lgamma(value):
    return math.lgamma(value)
