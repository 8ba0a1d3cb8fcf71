"""Recomputes recorded answers: with their own version, to the cent, or with another one, to see changes.

Called by the command and the admin. Reads rows in batches, so memory does not grow with their number.
"""

import bisect
import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from ml.forest.artifact import ForestFileError
from ml.forest.differences import PARTS
from ml.forest.price_forest import Answer
from ml.stones import CARAT_BANDS
from ml.vocabulary import TRADE_GRADES
from predictor.history.batches import in_batches
from predictor.models import Prediction
from predictor.replay.actual import Errors, actual_price, groups_of
from predictor.replay.differences import parts_of
from predictor.versions.live import forest_of

HALF_A_CENT = 0.005
STEPS = (-0.2, -0.1, -0.05, -0.02, -0.005, 0.005, 0.02, 0.05, 0.1, 0.2)
"""Relative changes at which the bars of the histogram meet."""
LARGEST = 20


def answered(rows, scheme=None):
    """The Predictions of a queryset that got a price; of one scheme if it is given."""
    rows = rows.filter(status=200).select_related("version").defer("request", "version__card")
    return rows.filter(scheme=scheme) if scheme else rows


def answers_of(forest, predictions):
    """A forest's Answers to the stones of Predictions of its scheme."""
    rows = forest.rows(one.features for one in predictions)
    may_match = np.array([one.may_be_recorded for one in predictions])
    return forest.answer_many(rows, may_match=may_match)


# With their own version


def replayed(prediction, k=0):
    """The Answer to a recorded stone, with k comparables, by the version that gave its price.

    Its price and range equal the recorded ones to the cent. The version may not be active any more.
    Raises ForestFileError or OSError if its file is missing.
    """
    forest = forest_of(prediction.version)
    if not prediction.may_be_recorded:
        forest = forest.by_trees
    return forest.answer(forest.row(prediction.features), k)


@dataclass
class Verified:
    """The number of rows recomputed, and those whose answer differs: [(row, why), …]."""

    rows: int = 0
    different: int = 0
    shown: list = field(default_factory=list)


def verify(rows, progress=None):
    """Recomputes answers with the versions that gave them; a Verified, whose `shown` has the first few.

    rows: a queryset of Predictions; refusals are left out. progress: called with the number of rows done.
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


# With another version


@dataclass
class Group:
    """Answers of one grade or carat band: their number, and the sums of their relative changes."""

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
        """Mean absolute relative change, a ratio."""
        return self.away / self.rows


@dataclass(frozen=True)
class Row:
    """A recorded answer, and another version's Answer to its stone.

    parts: of the difference, in log price, by PARTS; NaN if it cannot be explained. actual: the actual
    price, None without one; groups: {group: weight} of a reviewed answer (predictor/replay/actual.py).
    unknown: what of the stone the version does not know, as PriceForest.unknown_in says it; if there is
    any, the answer is None.
    """

    prediction: Prediction
    answer: Answer | None = None
    parts: np.ndarray | None = None
    actual: float | None = None
    groups: dict = field(default_factory=dict)
    unknown: list = field(default_factory=list)

    @property
    def change(self):
        """The relative change of the price, a ratio."""
        return self.answer.price / self.prediction.price - 1

    @property
    def errors(self):
        """The absolute errors of both answers; the actual price must be known."""
        return abs(self.prediction.price - self.actual), abs(self.answer.price - self.actual)


@dataclass
class Parts:
    """Sums over the rows whose difference could be explained: their parts, and the parts' sizes."""

    rows: int = 0
    sums: np.ndarray = field(default_factory=lambda: np.zeros((2, len(PARTS))))

    def add(self, parts):
        """Adds a row's parts, unless they are unknown."""
        if not np.isnan(parts[0]):
            self.rows += 1
            self.sums += parts, np.abs(parts)

    @property
    def means(self):
        """{part: (mean, mean size)}, in log price; the means sum to the mean difference."""
        return dict(zip(PARTS, (self.sums / self.rows).T.tolist(), strict=True))


@dataclass
class Comparison:
    """The answers of another version, compared with the recorded ones.

    all, and groups {("color", "G"): …, ("carat", 2): …}: Groups of the price's relative change; width:
    that of the range's width. bars: rows by STEPS. outside: rows whose recorded price is outside the
    new range. parts: of the differences. errors: on the reviewed rows. largest: [(relative change, row's
    id, recorded price, new price, parts), …], the largest first. rows: all, also those of stones that the
    version does not know; unknown: {(grade or property, value): their number}.
    """

    rows: int = 0
    unknown: Counter = field(default_factory=Counter)

    all: Group = field(default_factory=Group)
    width: Group = field(default_factory=Group)
    groups: dict = field(default_factory=dict)
    bars: list = field(default_factory=lambda: [0] * (len(STEPS) + 1))
    outside: int = 0
    parts: Parts = field(default_factory=Parts)
    errors: Errors = field(default_factory=Errors)
    largest: list = field(default_factory=list)

    def added(self, batches, progress=None):
        """Adds the Rows of lists as from `repeated`, and yields the lists. progress: as in `compare`."""
        for batch in batches:
            for row in batch:
                self.add(row)
            if progress:
                progress(self.rows)
            yield batch

    def add(self, row):
        """Adds a Row."""
        self.rows += 1
        if row.unknown:
            self.unknown.update(row.unknown)
            return
        prediction, answer, change = row.prediction, row.answer, row.change
        width = prediction.high - prediction.low
        self.all.add(change)
        if width > 0:
            self.width.add((answer.high - answer.low) / width - 1)
        self.bars[bisect.bisect_right(STEPS, change)] += 1
        self.outside += not answer.low <= prediction.price <= answer.high
        for key in prediction.kinds:
            self.groups.setdefault(key, Group()).add(change)
        self.parts.add(row.parts)
        if row.actual is not None:
            self.errors.add(row)
        self._keep_largest(row)

    def _keep_largest(self, row):
        prices = row.prediction.price, row.answer.price
        entry = (abs(row.change), str(row.prediction.pk), row.change, *prices, row.parts)
        if len(self.largest) < LARGEST:
            heapq.heappush(self.largest, entry)
        else:
            heapq.heappushpop(self.largest, entry)

    def in_order(self):
        """The largest changes, [(row's id, relative change, recorded price, new price, parts), …]."""
        return [entry[1:] for entry in sorted(self.largest, reverse=True)]

    def of(self, name):
        """{grade or index of the carat band: Group} of one kind of group, in the usual order."""
        known = {key: group for (kind, key), group in self.groups.items() if kind == name}
        if name == "carat":
            order = range(len(CARAT_BANDS) + 1)
        else:
            order = [*TRADE_GRADES[name], *sorted(known.keys() - set(TRADE_GRADES[name]))]
        return {key: known[key] for key in order if key in known}


def compare(rows, version, progress=None):
    """A ModelVersion's answers to the stones of a queryset, compared with the recorded ones; a Comparison.

    Rows of another scheme and refusals are left out. progress: called with the number of rows done.
    ForestFileError, OSError if its file is missing.
    """
    found = Comparison()
    for _ in found.added(repeated(rows, version), progress):
        pass
    return found


def repeated(rows, version):
    """The Rows of a queryset for a ModelVersion, oldest first, as lists. Errors as in `compare`."""
    forest, ends = forest_of(version), {}
    for batch in in_batches(answered(rows, version.scheme).select_related("version", "review")):
        unknown = [forest.unknown_in(one.features) for one in batch]
        known = [one for one, lacking in zip(batch, unknown, strict=True) if not lacking]
        found = iter(_known_rows(known, forest, version, ends) if known else [])
        yield [
            Row(one, unknown=lacking) if lacking else next(found)
            for one, lacking in zip(batch, unknown, strict=True)
        ]


def _known_rows(predictions, forest, version, ends):
    """The Rows of Predictions whose stones the version knows, in order."""
    groups = groups_of(predictions, version, ends)
    columns = predictions, answers_of(forest, predictions), parts_of(predictions, version)
    for one, answer, parts in zip(*columns, strict=True):
        yield Row(one, answer, parts, actual_price(one, version), groups.get(one.pk, {}))


def last(rows, count):
    """The last `count` rows of a queryset of Predictions, as a queryset: those from an id on."""
    edge = rows.order_by("-pk").values_list("pk", flat=True)[count - 1 : count].first()
    return rows if edge is None else rows.filter(pk__gte=edge)
