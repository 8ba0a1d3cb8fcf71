"""Recorded answers asked again: of their own version, to the cent; of another one, for what would change.

Called by the command and the desk. A batch of rows at a time, so the memory does not grow with the rows.
"""

import bisect
import heapq
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from ml.forest.artifact import ForestFileError
from ml.forest.matrix import row_of
from ml.stones import CARAT_BANDS, GRADES
from predictor.history.batches import in_batches
from predictor.versions.live import forest_of

HALF_A_CENT = 0.005
STEPS = (-0.2, -0.1, -0.05, -0.02, -0.005, 0.005, 0.02, 0.05, 0.1, 0.2)
"""Relative changes at which the histogram's bars meet."""
LARGEST = 20


def answered(rows, scheme=None):
    """Those of a queryset of Predictions that got a price; of one scheme where it is named."""
    rows = rows.filter(status=200).select_related("version").defer("request", "version__card")
    return rows.filter(scheme=scheme) if scheme else rows


def answers_of(forest, predictions):
    """A forest's Answers to the stones of Predictions of its scheme."""
    rows = [row_of(one.features, one.scheme) for one in predictions]
    return forest.answer_many(np.array(rows))


# By their own version


def replayed(prediction, k=0):
    """The Answer to a recorded stone, with k comparables, by the version that gave its price.

    Its price and range are the recorded ones, to the cent. That version may not be live any more;
    ForestFileError or OSError where its file is gone.
    """
    forest = forest_of(prediction.version)
    return forest.answer(row_of(prediction.features, prediction.scheme), k)


@dataclass
class Verified:
    """How many rows were asked again, and those that did not come out the same: [(row, why), …]."""

    rows: int = 0
    different: int = 0
    shown: list = field(default_factory=list)


def verify(rows, progress=None):
    """Asks the very versions that answered; a Verified, of which `shown` has the first few differences.

    rows: a queryset of Predictions; refusals are left out. progress: called with the rows done.
    """
    found = Verified()
    for batch in in_batches(answered(rows)):
        for prediction, why in _differences(batch):
            found.different += 1
            if found.different <= LARGEST:
                found.shown.append((prediction, why))
        found.rows += len(batch)
        if progress:
            progress(found.rows)
    return found


def _differences(batch):
    by_version = sorted(batch, key=lambda one: one.version_id)
    for _, some in groupby(by_version, key=lambda one: one.version_id):
        some = list(some)
        try:
            again = answers_of(forest_of(some[0].version), some)
        except (ForestFileError, OSError) as error:
            yield from ((one, f"its version cannot be loaded: {error}") for one in some)
            continue
        for one, answer in zip(some, again, strict=True):
            if why := _difference(one, answer):
                yield one, why


def _difference(prediction, answer):
    for name in ("price", "low", "high"):
        recorded, now = getattr(prediction, name), getattr(answer, name)
        if not abs(now - recorded) < HALF_A_CENT:
            return f"{name} {now:.4f}, recorded {recorded:.4f}"
    return ""


# By another version


@dataclass
class Group:
    """Answers of one grade or carat band: how many, and the sums of their relative changes."""

    rows: int = 0
    change: float = 0.0
    away: float = 0.0

    def add(self, change):
        self.rows += 1
        self.change += change
        self.away += abs(change)

    @property
    def mean(self):
        """Mean relative change, a ratio."""
        return self.change / self.rows

    @property
    def mean_away(self):
        """Mean relative change without its sign, a ratio."""
        return self.away / self.rows


@dataclass
class Comparison:
    """What another version would have answered.

    all, and groups {("color", "G"): …, ("carat", 2): …}: Groups of the price's relative change; width:
    that of the range's width. bars: rows by STEPS. outside: rows whose recorded price lies outside the
    new range. largest: [(relative change, row's id, recorded price, new price), …], the largest first.
    """

    all: Group = field(default_factory=Group)
    width: Group = field(default_factory=Group)
    groups: dict = field(default_factory=dict)
    bars: list = field(default_factory=lambda: [0] * (len(STEPS) + 1))
    outside: int = 0
    largest: list = field(default_factory=list)

    def add(self, prediction, answer):
        """Counts one row and the new version's Answer to it."""
        change = answer.price / prediction.price - 1
        width = prediction.high - prediction.low
        self.all.add(change)
        if width > 0:
            self.width.add((answer.high - answer.low) / width - 1)
        self.bars[bisect.bisect_right(STEPS, change)] += 1
        self.outside += not answer.low <= prediction.price <= answer.high
        for key in prediction.kinds:
            self.groups.setdefault(key, Group()).add(change)
        entry = (abs(change), str(prediction.pk), change, prediction.price, answer.price)
        if len(self.largest) < LARGEST:
            heapq.heappush(self.largest, entry)
        else:
            heapq.heappushpop(self.largest, entry)

    def in_order(self):
        """The largest changes, [(row's id, relative change, recorded price, new price), …]."""
        return [entry[1:] for entry in sorted(self.largest, reverse=True)]

    def of(self, name):
        """{grade or place of the carat band: Group} of one kind of group, in the usual order."""
        known = {key: group for (kind, key), group in self.groups.items() if kind == name}
        if name == "carat":
            order = range(len(CARAT_BANDS) + 1)
        else:
            order = [*GRADES[name], *sorted(known.keys() - set(GRADES[name]))]
        return {key: known[key] for key in order if key in known}


def compare(rows, version, progress=None):
    """What a ModelVersion would have answered to the stones of a queryset; a Comparison.

    Those of another scheme and refusals are left out. ForestFileError, OSError where its file is gone.
    """
    forest, found = forest_of(version), Comparison()
    for batch in in_batches(answered(rows, version.scheme)):
        for prediction, answer in zip(batch, answers_of(forest, batch), strict=True):
            found.add(prediction, answer)
        if progress:
            progress(found.all.rows)
    return found


def last(rows, count):
    """The last so many of a queryset of Predictions, as a queryset: those from an id on."""
    edge = rows.order_by("-pk").values_list("pk", flat=True)[count - 1 : count].first()
    return rows if edge is None else rows.filter(pk__gte=edge)
