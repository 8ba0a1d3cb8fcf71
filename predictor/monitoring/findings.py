"""The result of one check of an alarm, and what its tests share."""

from dataclasses import dataclass, field

import numpy as np
from django.conf import settings

from .eprocess import log_evidence, rejected

SHOWN = 5
"""The number of segments that an alarm names."""


@dataclass
class Finding:
    """The result of one check.

    evidence: log evidence by hypothesis; moved: those rejected; observed: the number of rows read; began:
    the day of the first change; segments, the most affected first: {"column", "grade" or "from" and "to",
    "now", "before"}, shares of the rows or mean relative errors.
    """

    evidence: dict = field(default_factory=dict)
    moved: list = field(default_factory=list)
    observed: int = 0
    began: object = None
    segments: list = field(default_factory=list)


class Tests:
    """The combined tests of some hypotheses; log_tests: {name: log evidence (days, tests)}.

    evidence: {name: log}; most, first: {name: the index of the test with the most, and of its first day};
    moved: the names rejected, the most evidence first.
    """

    def __init__(self, log_tests):
        found = {name: log_evidence(tests) for name, tests in log_tests.items()}
        self.evidence, self.most, self.first = (
            {name: one[place] for name, one in found.items()} for place in range(3)
        )
        self.moved = rejected(self.evidence)

    def began(self):
        """The index of the first day of the changes; None if nothing moved."""
        return min((self.first[name] for name in self.moved), default=None)


def smallest_change():
    """(points, part) as ratios: the smallest change that counts, by the settings."""
    return settings.ALARM_POINTS / 100, settings.ALARM_PERCENT / 100


def share_since(counts, reference, test, first):
    """How the group of a test moved: (its index, its share since the day `first`, its share before).

    counts: as for log_tests_of_shares, which returned the test.
    """
    group = test % reference.groups.shape[1]
    since = np.asarray(counts)[first:].sum(axis=0)
    return (
        group,
        float(since @ reference.groups[:, group] / since.sum()),
        float(reference.shares[group]),
    )
