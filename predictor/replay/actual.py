"""Two versions' errors on reviewed stones, compared stone by stone: by recorded answers and by another
version's answers to them.

The difference is a paired one: the same stones for both. Its interval is the normal one of a weighted mean
of the stones' own differences (its linearised variance: Särndal, Swensson and Wretman, 1992, 5.7), so
replays need the memory of a few sums only. Stones of a random sample are weighted by the answers that they
stand for, each sample by itself, up to its first stone without a review (predictor/review/sampling.py);
chosen reviews are a group of their own: they represent only themselves. Stones that one of the versions was
trained on are left out: their errors are too small.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist

from django.db.models import Max, Min

from ml.forest.keys import keys_of
from ml.stones import stone_key
from predictor.models import Sample, SampledPrediction
from predictor.replay.differences import UNEXPLAINED
from predictor.versions.live import forest_of

LEVEL = 0.95
FEWEST = 30
"""The fewest stones that an interval is given for."""

CHOSEN, LATER, TRAINED_ON = "chosen", "drawn later", "trained on"
"""Groups of reviewed stones: chosen ones; those of a sample that were drawn after one without a review;
those that a version was trained on. Other groups are the numbers of samples."""

LEFT_OUT = (LATER, TRAINED_ON)


@dataclass
class Paired:
    """The absolute errors of two versions on the same stones, as weighted sums; in their currency."""

    rows: int = 0
    weight: float = 0.0
    before: float = 0.0
    after: float = 0.0
    squares: list = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def add(self, before, after, weight=1.0):
        """Adds a stone's two absolute errors."""
        self.rows += 1
        self.weight += weight
        self.before += weight * before
        self.after += weight * after
        for power in range(3):
            self.squares[power] += weight**2 * (after - before) ** power

    @property
    def maes(self):
        """The mean absolute errors of both versions."""
        return self.before / self.weight, self.after / self.weight

    @property
    def difference(self):
        """The mean difference of the errors: below 0 if the other version is better."""
        return (self.after - self.before) / self.weight

    @property
    def interval(self):
        """The 95 % interval of the difference, (low, high); None for fewer than 30 stones."""
        if self.rows < FEWEST:
            return None
        mean, (ones, linear, square) = self.difference, self.squares
        spread = max(square - 2 * mean * linear + mean**2 * ones, 0.0)
        error = math.sqrt(spread * self.rows / (self.rows - 1)) / self.weight
        reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * error
        return mean - reach, mean + reach


@dataclass
class Errors:
    """Paired errors by group, {number of a sample or one of the groups above: Paired}; versions: the
    numbers of the versions that recorded the answers."""

    groups: dict = field(default_factory=dict)
    versions: set = field(default_factory=set)

    def add(self, row):
        """Adds a Row of a replay that has an actual price."""
        self.versions.add(row.prediction.version.number)
        for group, weight in row.groups.items():
            self.groups.setdefault(group, Paired()).add(*row.errors, weight)

    def in_order(self):
        """[(group, Paired), …]: the samples with the most reviews first, then the others."""
        others = [group for group in (CHOSEN, *LEFT_OUT) if group in self.groups]
        samples = [group for group in self.groups if group not in others]
        samples.sort(key=lambda sample: -self.groups[sample].rows)
        return [(group, self.groups[group]) for group in (*samples, *others)]


def groups_of(predictions, version, ends):
    """{id: {group: weight}} of the reviewed answers among Predictions; one query, and one for new samples.

    ends: {sample: (place, priority) of its first stone without a review}, of samples that were looked up;
    new ones are added.
    """
    reviewed = [one for one in predictions if actual_price(one, version) is not None]
    samples = SampledPrediction.objects.filter(prediction__in=[one.pk for one in reviewed])
    drawn = {}
    for row in samples.values_list(*OF_DRAWN, named=True):
        drawn.setdefault(row.prediction_id, []).append(row)
    seen = {row.sample_id for rows in drawn.values() for row in rows}
    ends |= _ends(seen - ends.keys())
    return {
        one.pk: {TRAINED_ON: 1.0}
        if trained_on(one, version)
        else _groups(drawn.get(one.pk, []), ends)
        for one in reviewed
    }


OF_DRAWN = "prediction_id", "sample_id", "place", "stands_for", "weight"


def _groups(rows, ends):
    """The groups of one reviewed answer; rows: its places in samples."""
    if not rows:
        return {CHOSEN: 1.0}
    in_order = {
        row.sample_id: _stands_for(row, priority)
        for row in rows
        for place, priority in [ends[row.sample_id]]
        if row.place < place
    }
    return in_order or {LATER: 1.0}


def _stands_for(row, following):
    """The answers that a stone stands for. In the first part of a sample by_worth they are more, by the
    priority of the one that follows (predictor/review/worth.py)."""
    return row.stands_for if row.weight is None else max(1.0, following / row.weight)


def _ends(samples):
    if not samples:
        return {}
    open_ones = SampledPrediction.objects.filter(sample__in=samples, prediction__review=None)
    firsts = open_ones.order_by().values_list("sample").annotate(Min("place"), Max("priority"))
    whole = Sample.objects.filter(pk__in=samples).values_list("pk", "threshold")
    ends = {pk: (math.inf, threshold) for pk, threshold in whole}
    return ends | {pk: (place, priority) for pk, place, priority in firsts}


def actual_price(prediction, version):
    """The actual price of a reviewed answer, in the currency of a version; None without one."""
    review = getattr(prediction, "review", None)
    return (
        review and review.actual_price if prediction.version.currency == version.currency else None
    )


def trained_on(prediction, version):
    """Whether the version that answered or another one was trained on the stone; unknown for coded
    grades: then False."""
    if prediction.scheme != "graded":
        return False
    key = stone_key(prediction.features)
    return any(key in _keys(one) for one in (prediction.version, version))


def _keys(version):
    """The keys of a version's training stones; none if they are unknown."""
    try:
        return _keys_of(forest_of(version))
    except UNEXPLAINED:
        return ()


@lru_cache(maxsize=4)
def _keys_of(forest):
    return frozenset(keys_of(forest))
