"""Tests that may be looked at as often as one likes: bets against a hypothesis, won ones being evidence.

Where the hypothesis is true, the winnings ever reach 1/a with a probability of at most a, over any number
of looks (Ville, 1939). A bet on each day from that day on, with weights that sum to one, is a bet too, and
tells when a change began. Sources: Ramdas et al. (2023), "Game-theoretic statistics and safe anytime-valid
inference"; for the bets on shares Krichevsky and Trofimov (1981), on a mean Waudby-Smith and Ramdas
(2024); for many hypotheses e-BH, Wang and Ramdas (2022). numpy alone.
"""

import math
from functools import lru_cache

import numpy as np

ALPHA = 0.01
"""How likely a false alarm is at most, over all looks."""

PRIOR = 0.5
BETS = np.array([0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95])
"""Bets on a mean, as ratios of the largest that cannot ruin."""


def log_bets_on_shares(counts, shares):
    """log winnings, for each first day, of a bet that observations do not fall into bins by `shares`.

    counts: whole numbers (days, bins); shares: ratios (bins,), all over 0, that sum to 1. Returns
    float64 (days,): the bet that was begun at the start of each day, as it stands after the last.
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
    """The same of a bet that losses exceed `most` on average.

    losses: float64 (n,) from 0 to 1; days: the place of each loss's day (n,), ascending from 0; most: a
    ratio over 0 and under 1.
    """
    each = np.log1p(np.outer(losses - most, BETS / most))
    by_day = np.zeros((int(days[-1]) + 1 if len(days) else 1, len(BETS)))
    np.add.at(by_day, np.asarray(days, int), each)
    sums = np.cumsum(by_day[::-1], axis=0)[::-1]
    return np.logaddexp.reduce(sums, axis=1) - math.log(len(BETS))


def log_evidence(log_bets):
    """log of what all the bets of log_bets_on_… hold together, and the place of the day whose bet holds
    most: (float, int). Day j weighs 1 / (j (j + 1)); what is kept for days to come stays 1."""
    days = np.arange(1, len(log_bets) + 1)
    weighted = log_bets - np.log(days * (days + 1.0))
    kept = -math.log(len(log_bets) + 1)
    return float(np.logaddexp(np.logaddexp.reduce(weighted), kept)), int(np.argmax(weighted))


def rejected(log_evidences, alpha=ALPHA):
    """The names of the hypotheses that e-BH rejects; log_evidences: {name: log evidence}.

    Any at all with a probability of at most alpha where all are true, for the mean of their evidence
    then reaches 1 / alpha.
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
    """math.lgamma of an array; the same few values come again and again."""
    kinds, places = np.unique(values, return_inverse=True)
    return np.array([_one_lgamma(one) for one in kinds.tolist()])[places].reshape(values.shape)


@lru_cache(100_000)
def _one_lgamma(value):
    return math.lgamma(value)
