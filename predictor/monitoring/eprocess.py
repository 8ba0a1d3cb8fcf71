"""Tests that may be repeated any number of times: e-processes, whose value is the evidence against a
hypothesis.

If the hypothesis is true, the evidence ever reaches 1/a with a probability of at most a, over any number
of repetitions (Ville, 1939; Ramdas et al., 2023). A mean of e-processes is one too: here over bins, over
alternatives, and over the days on which a test starts, with weights that sum to one; the day with the most
evidence shows when a change began. docs/monitoring.md has the proofs. Sources: for shares universal
inference (Wasserman, Ramdas and Balakrishnan, 2020), applied to two samples as Turner, Ly and Grünwald
(2024) do; for means Waudby-Smith and Ramdas (2024); for many hypotheses e-BH, Wang and Ramdas (2022).
Needs only numpy.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

ALPHA = 0.01
"""The highest probability of a false alarm in a history, over all repetitions of both alarms' tests."""

LEVEL = 0.004
"""The part of ALPHA for each alarm's tests. The rest is the probability that the registered error is
further from the true one than predictor.monitoring.errors allows for."""

TILTS = np.array([0.1, 0.2, 0.4, 0.8, 1.6, 3.2])
"""How far above the largest unchanged share (in log odds) the alternatives of a test are."""

BETS = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95])
"""The stakes of the tests of a mean, as ratios of the largest that cannot make the evidence negative."""

HALVINGS = 25
"""Of the interval that has the most likely share: to a millionth of its width and less."""


@dataclass(frozen=True)
class Reference:
    """The groups of bins that are tested, and what is known of their shares without a change.

    groups: 1 for the bins of each group, float64 (bins, groups). counts: a sample's observations in each
    group, float64 (groups,), and in all, float. expected, the same for what was expected of the sample
    before, from others or from theory: all over 0. smallest: by how much a share may differ and still
    counts as unchanged, ratios (groups,).
    """

    groups: np.ndarray
    counts: np.ndarray
    total: float
    expected: np.ndarray
    expected_total: float
    smallest: np.ndarray

    @classmethod
    def of(cls, counts, expected, smallest, pairs=False):
        """counts, expected: of bins (bins,); the expected ones get the weight of a ninth of the sample.
        smallest: (points, part), the larger of a ratio and of a part of the share. pairs: whether two
        neighboring bins are a group, too; otherwise each group is one bin."""
        counts, expected = np.asarray(counts, np.float64), np.asarray(expected, np.float64) + 0.5
        expected *= counts.sum() / 9 / expected.sum()
        each, (points, part) = np.eye(len(counts)), smallest
        groups = np.hstack([each, each[:, :-1] + each[:, 1:]]) if pairs else each
        limits = np.maximum(points, part * (counts @ groups) / counts.sum())
        return cls(groups, counts @ groups, counts.sum(), expected @ groups, expected.sum(), limits)

    @property
    def shares(self):
        """The sample's shares, ratios (groups,)."""
        return self.counts / self.total

    def outside(self):
        """The same for the observations outside each group."""
        counts, expected = self.total - self.counts, self.expected_total - self.expected
        return replace(self, counts=counts, expected=expected)


def log_tests_of_shares(counts, reference):
    """log evidence, by first day, that a group's share is over that of the reference, or under it, by more
    than its smallest change.

    counts: whole numbers (days, bins). Returns float64 (days, 2 * groups): first the tests for more, then
    for less, which are those for more outside the group.
    """
    inside = _sums_from_each_day(counts @ reference.groups)
    total = _sums_from_each_day(counts.sum(axis=1, keepdims=True))
    more = _log_tests(inside, total, reference)
    return np.hstack([more, _log_tests(total - inside, total, reference.outside())])


def _log_tests(hits, total, reference):
    """log evidence that a share is over p + smallest, where p is the reference's true share.

    The likelihood of the observations (a mean over the alternatives) times that of the reference (Beta
    distributed, as expected), divided by the highest one of both for any p, with the share at p + smallest.
    -inf, no evidence, where the observed share is not over that limit.
    """
    most = reference.shares + reference.smallest
    found = np.full(hits.shape, -np.inf)
    days, groups = np.nonzero((hits > total * most) & (most < 1))
    hits, total, of = hits[days, groups], total[days, 0], reference.counts[groups]
    smallest = reference.smallest[groups]
    odds = (most / (1 - np.minimum(most, 0.999999)))[groups] * np.exp(TILTS)[:, None]
    alternatives = _log_likelihood(hits, total, odds / (1 + odds))
    of_both = np.logaddexp.reduce(alternatives, axis=0) - math.log(len(TILTS))
    of_both += _log_likelihood_expected(reference)[groups]
    p = _most_likely(hits, total, of, reference.total, smallest)
    null = _log_likelihood(hits, total, p + smallest) + _log_likelihood(of, reference.total, p)
    found[days, groups] = of_both - null
    return found


def _log_likelihood(hits, total, share):
    return hits * np.log(share) + (total - hits) * np.log1p(-share)


def _log_likelihood_expected(reference):
    """log of the mean likelihood of the reference's counts (groups,) if shares are Beta distributed."""
    a, b = reference.expected, reference.expected_total - reference.expected
    hits, total = reference.counts, reference.total
    return _log_beta(a + hits, b + total - hits) - _log_beta(a, b)


_lgamma = np.vectorize(math.lgamma, otypes=[float])


def _log_beta(a, b):
    return _lgamma(a) + _lgamma(b) - _lgamma(a + b)


def _most_likely(hits, total, of, of_total, smallest):
    """The p under which both samples are most likely, float64 (n,): between the two samples' own."""
    low, high = np.maximum(of / of_total, 1e-12), hits / total - smallest
    for _ in range(HALVINGS):
        p = (low + high) / 2
        share = p + smallest
        slope = of / p - (of_total - of) / (1 - p) + hits / share - (total - hits) / (1 - share)
        low, high = np.where(slope > 0, p, low), np.where(slope > 0, high, p)
    return (low + high) / 2


def log_tests_of_mean(losses, days, most):
    """The same against the hypothesis that losses are at most `most` on average; float64 (days, 1).

    losses: float64 (n,) from 0 to 1; days: the index of each loss's day (n,), ascending from 0; most: a
    ratio over 0 and under 1.
    """
    each = np.log1p(np.outer(losses - most, BETS / most))
    by_day = np.zeros((int(days[-1]) + 1 if len(days) else 1, len(BETS)))
    np.add.at(by_day, np.asarray(days, int), each)
    tests = _sums_from_each_day(by_day)
    return np.logaddexp.reduce(tests, axis=1, keepdims=True) - math.log(len(BETS))


def _sums_from_each_day(values):
    return np.cumsum(values[::-1], axis=0)[::-1].astype(np.float64)


def log_evidence(log_tests):
    """log of the combined evidence of all the tests (float), the index of the test with the most, and the
    index of the day on which that evidence begins; log_tests: (days, tests) of log_tests_of_….

    Day j has the weight 1 / (j (j + 1)); later days count as evidence 1.
    """
    days, tests = log_tests.shape
    begun = np.arange(1, days + 1)[:, None]
    weighted = log_tests - np.log(begun * (begun + 1.0))
    each = np.logaddexp(np.logaddexp.reduce(weighted, axis=0), -math.log(days + 1))
    most = int(np.argmax(each))
    mean = np.logaddexp.reduce(each) - math.log(tests)
    return float(mean), most, int(np.argmax(weighted[:, most]))


def rejected(log_evidences, level=LEVEL):
    """The names of the hypotheses that e-BH rejects; log_evidences: {name: log evidence}.

    If all are true, any is rejected with a probability of at most `level`, because their mean evidence
    then has to reach 1 / level.
    """
    order = sorted(log_evidences, key=log_evidences.get, reverse=True)
    enough = [
        place
        for place, name in enumerate(order, start=1)
        if log_evidences[name] >= math.log(len(order) / (place * level))
    ]
    return order[: max(enough, default=0)]
