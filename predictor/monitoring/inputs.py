"""The test of the alarm *inputs changed*: whether the requested stones match the training stones."""

import numpy as np

from predictor.models import MonitoredDay

from .bins import bins_of
from .eprocess import log_tests_of_shares
from .findings import SHOWN, Finding, Tests, share_since, smallest_change


def inputs_of(version, counted_from=None):
    """A Finding about the days from counted_from on. Raises ForestFileError, OSError."""
    known = {
        name: (bins, bins.reference(smallest_change())) for name, bins in bins_of(version).items()
    }
    days, tallies = _tallies(version, counted_from)
    if not days:
        return Finding()
    counts = {name: _counts(name, bins, tallies) for name, (bins, _) in known.items()}
    tests = Tests(
        {
            name: log_tests_of_shares(counts[name], reference)
            for name, (_, reference) in known.items()
        }
    )
    began = tests.began()
    return Finding(
        tests.evidence,
        tests.moved,
        int(counts["carat"].sum()),
        None if began is None else days[began],
        [_segment(name, *known[name], counts[name], tests) for name in tests.moved[:SHOWN]],
    )


def _tallies(version, counted_from):
    rows = MonitoredDay.objects.all()
    if counted_from:
        rows = rows.filter(day__gte=counted_from)
    found = [(row.day, row.tallies.get(str(version.pk))) for row in rows]
    found = [(day, tally) for day, tally in found if tally]
    return [day for day, _ in found], [tally for _, tally in found]


def _counts(name, bins, tallies):
    """The counts of a column by day; 0 for days that were read when the column was not counted."""
    none = [0] * len(bins.counts)
    return np.array([tally.get(name, none) for tally in tallies])


def _segment(name, bins, reference, counts, tests):
    """The bins of a column whose share moved most, since their own first day."""
    group, now, before = share_since(counts, reference, tests.most[name], tests.first[name])
    return {"column": name, **bins.named(group), "now": now, "before": before}
