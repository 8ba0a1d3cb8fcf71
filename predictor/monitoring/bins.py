"""The bins in which answers are counted: by each column of a version's training stones, and by price."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ml.forest.keys import NoStoneKeys, keys_of
from ml.forest.matrix import RANKS
from ml.stones import CODES, GRADES, KEY_BYTES, SCHEMES
from ml.vocabulary import NOT_STATED
from predictor.versions.live import forest_of

from .eprocess import Reference

BINS = 30
"""The most bins of a column of numbers. Bins and pairs of bins are tested."""

FOR_EDGES = 26
"""Stones whose key ends in a byte under this, a tenth, set the edges of the bins; the rest their shares."""


@dataclass(frozen=True)
class Bins:
    """The bins of one column. counts: the training stones in each, divided by the listings of a stone,
    float64 (bins,); expected: those of the stones that set the edges.

    edges: the boundaries of numbers, float32, ascending (bins - 1,); levels: {grade or code: bin} for a
    grade.
    """

    counts: np.ndarray
    expected: np.ndarray
    edges: np.ndarray | None = None
    levels: dict | None = None

    def count(self, values):
        """The number of a column's values, as recorded, in each bin; int64 (bins,)."""
        if self.levels is None:
            return _in_bins(self.edges, values)
        counts = Counter(values)
        return np.array([counts[level] for level in self.levels])

    def reference(self, smallest):
        """The Reference of the tests; smallest: (points, part), the smallest change that counts."""
        return Reference.of(self.counts, self.expected, smallest, pairs=self.levels is None)

    def named(self, group):
        """A group of the reference: {"grade"} or {"from", "to"}, None for an open end."""
        if self.levels is not None:
            return {"grade": [*self.levels][group]}
        edges, pair = [None, *(float(str(edge)) for edge in self.edges), None], len(self.counts)
        first, width = (group, 1) if group < pair else (group - pair, 2)
        return {"from": edges[first], "to": edges[first + width]}


def _in_bins(edges, values):
    """Counts in bins, of values as float32, like the edges: otherwise 0.31 would be under its own edge."""
    place = np.searchsorted(edges, np.asarray(values, np.float32), side="right")
    return np.bincount(place, minlength=len(edges) + 1)


@lru_cache(maxsize=8)
def bins_of(version):
    """{column: Bins} of a ModelVersion: for its scheme's columns, the optional properties where they are
    stated, and the price that it answers.

    Raises ForestFileError or OSError if its file is missing.
    """
    forest, scheme = forest_of(version), version.scheme
    stones, (for_edges, worth) = training_stones(forest), _listings(forest)
    found = {}
    for place, name in enumerate(SCHEMES[scheme]):
        parts = stones[~for_edges, place], stones[for_edges, place]
        bins = _of_grade(_ranks(name, forest), *parts) if name in GRADES else _of_numbers(*parts)
        found[name] = replace(bins, counts=bins.counts * worth)
    for name in forest.vocabulary.names if scheme == "graded" else ():
        ranks = {level: rank for level, rank in _ranks(name, forest).items() if level != NOT_STATED}
        column = stones[:, forest.columns.index(name)]
        bins = _of_grade(ranks, column[~for_edges], column[for_edges])
        found[name] = replace(bins, counts=bins.counts * worth)
    if "density" in version.card:
        found["price"] = _of_answers(version, forest.price(stones))
    return found


def _listings(forest):
    """Which training stones set the edges, bool (n,), and how many independent stones a listing of the
    others is worth, a ratio (`worth_of`). Listings of one stone are not independent."""
    keys = _keys_of(forest)
    for_edges = keys[:, -1] < FOR_EDGES
    _, listings = np.unique(keys[~for_edges], axis=0, return_counts=True)
    return for_edges, worth_of(listings)


def _keys_of(forest):
    """The keys of the training stones, uint8 (n, 16): those in an old file, whose days are counted by them;
    the row's number (n, 8) if the measurements are unknown."""
    if "stone_keys" in forest.arrays:
        return np.asarray(forest.arrays["stone_keys"])
    try:
        keys = b"".join(keys_of(forest))
    except NoStoneKeys:
        return np.arange(len(forest.arrays["recorded_carat"])).astype(">i8")[:, None].view(np.uint8)
    return np.frombuffer(keys, np.uint8).reshape(-1, KEY_BYTES)


def worth_of(listings):
    """The number of independent stones that a sample is worth, as a ratio of its listings (Kish, 1965);
    listings: of each stone (n,)."""
    return listings.sum() / (listings**2).sum()


def held_out_worth(version):
    """The same for the held-out stones of a version, taken to have one or two listings each."""
    listings = version.scores["stones"]
    stones = version.card.get("intervals", {}).get("stones", listings)
    twice = listings - stones
    return listings / (stones - twice + 4 * twice)


def training_stones(forest):
    """The training stones of a forest, as float32 (n, p) in the order of its columns."""
    recorded = {
        name.removeprefix("recorded_"): np.asarray(values)
        for name, values in forest.arrays.items()
        if name.startswith("recorded_")
    }
    if forest.scheme == "coded":
        for name, codes in CODES.items():
            of_rank = {
                RANKS[name][grade]: code for code, grades in codes.items() for grade in grades
            }
            recorded[name] = np.array([of_rank[rank] for rank in range(len(of_rank))])[
                recorded[name]
            ]
        recorded["volume"] = np.round(recorded["x"] * recorded["y"] * recorded["z"], 3)
    return forest.matrix(np.column_stack([recorded[name] for name in forest.columns]))


def _of_numbers(values, for_edges):
    levels = np.arange(1, BINS) / BINS
    edges = np.unique(np.quantile(for_edges, levels, method="inverted_cdf").astype(np.float32))
    edges = edges[edges > for_edges.min()]
    return Bins(_in_bins(edges, values), _in_bins(edges, for_edges), edges=edges)


def _ranks(name, forest):
    """{grade or code as text: its number in the matrix}."""
    if forest.scheme == "coded":
        return {str(code): code for code in CODES[name]}
    return {level: number for number, level in enumerate(forest.vocabulary.levels(name))}


def _of_grade(ranks, values, for_edges):
    counts, expected = (
        np.array([(some == rank).sum() for rank in ranks.values()]) for some in (values, for_edges)
    )
    return Bins(counts, expected, levels={level: place for place, level in enumerate(ranks)})


def _of_answers(version, of_training):
    """By the answers to the held-out stones, from the model card; of_training: those to the training
    stones, which spread more than answers to others do."""
    density = version.card["density"]
    ends, steps = (density["from"], density["to"]), np.arange(1, density["bins"]) / density["bins"]
    edges = (ends[0] * (ends[1] / ends[0]) ** steps).astype(np.float32)
    answered, _actual, stones = np.array(density["cells"]).T
    counts = np.bincount(answered.clip(0, len(edges)), stones, len(edges) + 1)
    return Bins(counts * held_out_worth(version), _in_bins(edges, of_training), edges=edges)
