"""The bins in which answers are counted: by each column of a version's training stones, and by price."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ml.forest.matrix import RANKS
from ml.stones import CODES, GRADES, SCHEMES
from predictor.versions.live import forest_of

TENTHS = np.arange(1, 10) / 10


@dataclass(frozen=True)
class Bins:
    """The bins of one column: `shares` of the training stones (bins,), all over 0, and the bins' names.

    edges: the boundaries of numbers, ascending (bins - 1,); levels: {grade or code: bin} for a grade.
    """

    shares: np.ndarray
    names: tuple
    edges: np.ndarray | None = None
    levels: dict | None = None

    def count(self, values):
        """The number of a column's values, as recorded, in each bin; int64 (bins,)."""
        if self.levels is None:
            place = np.searchsorted(self.edges, np.asarray(values, np.float64), side="right")
        else:
            place = np.array([self.levels[value] for value in values], int)
        return np.bincount(place, minlength=len(self.shares))

    def ends(self, place):
        """(from, to) of a bin of numbers, None for an open end."""
        edges = [None, *self.edges.tolist(), None]
        return edges[place], edges[place + 1]


@lru_cache(maxsize=8)
def bins_of(version):
    """{column: Bins} of a ModelVersion: for its scheme's columns, and for the price that it answers.

    Raises ForestFileError or OSError if its file is missing.
    """
    forest, scheme = forest_of(version), version.scheme
    stones = training_stones(forest)
    found = {}
    for place, name in enumerate(SCHEMES[scheme]):
        found[name] = (
            _of_grade(name, scheme, stones[:, place])
            if name in GRADES
            else _of_numbers(stones[:, place])
        )
    # Not the recorded prices: answers spread less than they do, even if no input has moved.
    return found | {"price": _of_numbers(forest.price(stones))}


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


def _of_numbers(values):
    values = values.astype(np.float64)
    edges = np.unique(np.quantile(values, TENTHS, method="inverted_cdf"))
    edges = edges[edges > values.min()]
    place = np.searchsorted(edges, values, side="right")
    counts = np.bincount(place, minlength=len(edges) + 1)
    return Bins(counts / counts.sum(), tuple(map(str, range(len(counts)))), edges=edges)


def _of_grade(name, scheme, values):
    ranks = RANKS[name] if scheme == "graded" else {str(code): code for code in CODES[name]}
    counts = np.array([(values == rank).sum() for rank in ranks.values()], np.float64)
    counts = np.maximum(counts, 0.5)  # requests may have a grade that no training stone has
    levels = {level: place for place, level in enumerate(ranks)}
    return Bins(counts / counts.sum(), tuple(ranks), levels=levels)
