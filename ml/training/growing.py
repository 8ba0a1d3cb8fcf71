"""Grows a scheme's trees with scikit-learn, and computes their answers to stones they have not seen.

Called only by ml.training.
"""

import math
import os
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from ml.forest.matrix import as_matrix, inputs_of_many
from ml.forest.trend import Trend, lookup_tables, trend_regressors

from . import calibration
from .calibration import Unseen, leaf_table
from .flatten import flatten

TREES = 100
FOLDS, FOLD_TREES = 5, 40
"""Cross-fitting of the graded forest: the number of folds, and of the trees grown for each."""

GRADED_LEAF = 5
"""The fewest stones in a graded leaf, chosen on a split that no reported figure uses: a smaller number
follows the rounding of the measurements and is less accurate, a larger one is only less accurate."""

WHOLE = 2**32 - 1
UP_TO_TWELVE = 27_720
"""The smallest number divisible by each of 1 to 12."""

RIDGE = 1.0
"""The trend's ridge penalty, chosen on splits that no reported figure uses."""


@dataclass(frozen=True)
class Stones:
    """Training stones of a scheme: matrix float32 (n, p) and price in USD, float64 (n,)."""

    scheme: str
    matrix: np.ndarray
    price: np.ndarray

    @classmethod
    def of(cls, frame, scheme):
        """From a DataFrame with the scheme's columns and `price`; ValueError as ml.forest.matrix."""
        return cls(scheme, as_matrix(frame, scheme), frame.price.to_numpy(np.float64))

    def __getitem__(self, rows):
        return Stones(self.scheme, self.matrix[rows], self.price[rows])

    @property
    def table(self):
        """The matrix as float64."""
        return self.matrix.astype(np.float64)


def grow_here(forest, inputs, target, weight, trees, tell):
    """Fits scikit-learn's forest on this machine's processors; weight: None if all stones count equally.

    Grows a few trees at a time: with warm_start they are the same trees as when grown all at once.
    """
    forest.set_params(warm_start=True, n_jobs=-1)
    step = max(4, os.cpu_count() or 1)
    for done in [*range(step, trees, step), trees]:
        forest.set_params(n_estimators=done)
        forest.fit(inputs, target, sample_weight=weight)
        tell(min(step, done - (done - 1) // step * step))


class Grown:
    """A fitted trend and scikit-learn forest of some training stones."""

    def __init__(self, stones, seed, trees=TREES, tell=None, grow=None):
        """tell: called with the number of trees after each few are done; grow: by default
        `grow_here`, or a function that does the same on other machines."""
        self.stones = stones
        self.trend = fit_trend(stones)
        self.level = self.trend.of(stones.table)
        self.inputs = inputs_of_many(stones.matrix, self.level, stones.scheme)
        if stones.scheme == "coded":
            self.target, self.weight = stones.price, np.ones(len(stones.price))
            self.forest = RandomForestRegressor(random_state=seed)
        else:
            self.target, self.weight = np.log(stones.price) - self.level, np.sqrt(stones.price)
            self.forest = ExtraTreesRegressor(random_state=seed, min_samples_leaf=GRADED_LEAF)
        counted = None if stones.scheme == "coded" else self.weight
        nobody = lambda trees: None  # noqa: E731
        (grow or grow_here)(self.forest, self.inputs, self.target, counted, trees, tell or nobody)

    def _counts_by_tree(self):
        """For each tree, what each stone counts in it: its weight times the number of times drawn."""
        if not self.forest.bootstrap:
            return [self.weight] * len(self.forest.estimators_)
        # Read once: scikit-learn draws all trees' samples anew each time.
        samples = self.forest.estimators_samples_
        return (np.bincount(d, minlength=len(self.weight)).astype(np.float64) for d in samples)

    def tables_by_tree(self):
        """For each tree: its leaf table by node (calibration.py), the stones' counts, their leaves."""
        relative = np.log(self.stones.price) - self.level
        for tree, counts in zip(self.forest.estimators_, self._counts_by_tree(), strict=True):
            leaves = tree.tree_.apply(self.inputs)
            yield tree.tree_, leaf_table(tree.tree_, leaves, counts, relative), counts, leaves

    def unseen_out_of_bag(self):
        """The training stones that some tree did not draw, and those trees' Unseen of them."""
        sums, votes = np.zeros((len(self.weight), COLUMNS)), np.zeros(len(self.weight))
        for tree, table, counts, leaves in self.tables_by_tree():
            out = counts == 0
            sums[out] += _spoken(tree, table, leaves[out])
            votes += out
        some = votes > 0  # a stone may be in every bag
        return some, self._as_unseen(sums[some] / votes[some, None], self.level[some])

    def unseen_of(self, others):
        """The Unseen of other stones, by all trees."""
        level = self.trend.of(others.table)
        inputs = inputs_of_many(others.matrix, level, others.scheme)
        sums = np.zeros((len(inputs), COLUMNS))
        for tree, table, _, _ in self.tables_by_tree():
            sums += _spoken(tree, table, tree.apply(inputs))
        return self._as_unseen(sums / len(self.forest.estimators_), level)

    def _as_unseen(self, averages, level):
        leaves, mean, square = averages[:, :-2], averages[:, -2], averages[:, -1]
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        if self.stones.scheme == "coded":
            log_price, deviation = np.log(mean), deviation / mean
        else:
            log_price = level + mean
        return Unseen(leaves, deviation, level - log_price, log_price)

    def arrays(self, coefficients):
        """The flat arrays of the forest, its trend and its ranges (calibration.Coefficients)."""
        parts, levels = [], []
        for tree, table, counts, leaves in self.tables_by_tree():
            leaf = tree.children_left < 0
            parts.append(table[leaf])
            levels.append(self._mean_levels(counts, leaves, tree.node_count)[leaf])
        spread, ranges = coefficients.packed(np.concatenate(parts))
        halves, value = self._packed_means()
        numbers, level = np.hstack([spread, halves]), {}
        if self.stones.scheme == "graded":  # its comparables are adjusted by the trend
            packed, unit_of_level = _packed_levels(np.concatenate(levels))
            numbers, level = np.hstack([numbers, packed]), {"leaf_level": unit_of_level}
        ends = np.cumsum([len(part) for part in parts])[:-1]
        weight = np.ones(len(self.weight)) if self.forest.bootstrap else self.weight
        return {
            **flatten(self.forest, self.inputs, np.split(numbers, ends)),
            **level,
            "value": value,
            "target": self.target,
            "weight": weight,
            "trend_curves": self.trend.curves,
            "trend_slopes": self.trend.slopes,
            **{f"range_{name}": np.ascontiguousarray(table) for name, table in ranges.items()},
        }

    def _packed_means(self):
        """All leaves' means as integers, the fine and the coarse half, uint16 (leaves, 2); the
        lowest mean and the unit, in the target's unit.

        A coded leaf's mean is over a few whole dollars, so a unit of which 27,720 or a multiple make a
        dollar is exact for up to twelve stones; a graded leaf's is kept to a 4,000,000,000th of the span.
        """
        trees = (tree.tree_ for tree in self.forest.estimators_)
        mean = np.concatenate([tree.value[tree.children_left < 0, 0, 0] for tree in trees])
        least, unit = mean.min(), np.ptp(mean) / WHOLE or 1.0
        room = WHOLE // (UP_TO_TWELVE * math.ceil(abs(mean).max()))
        if self.stones.scheme == "coded" and room:
            least, unit = 0.0, 1 / (UP_TO_TWELVE * room)
        number = np.rint((mean - least) / unit).astype(np.int64)
        return np.column_stack([number & 0xFFFF, number >> 16]).astype(np.uint16), np.array(
            [least, unit]
        )

    def _mean_levels(self, counts, leaves, nodes):
        """The weighted mean trend of the stones in each node of a tree; NaN if there are none."""
        weights, sums = (
            np.bincount(leaves, values, minlength=nodes) for values in (counts, counts * self.level)
        )
        return np.divide(sums, weights, where=weights > 0, out=np.full(nodes, np.nan))


def _packed_levels(mean):
    """Leaves' mean trends as integers, uint16 (leaves, 1); the lowest and the unit, in log price."""
    least, unit = mean.min(), np.ptp(mean) / 65_535 or 1.0
    number = np.rint((mean - least) / unit).astype(np.uint16)
    return number[:, None], np.array([least, unit])


COLUMNS = 3 * len(calibration.WIDTHS) + 2


def _spoken(tree, table, leaves):
    """A tree's values for stones in these leaves: its leaf table, its answer, its answer squared."""
    answer = tree.value[leaves, 0, 0]
    return np.column_stack([table[leaves], answer, answer**2])


def fit_trend(stones):
    """The Trend of some stones: a ridge on log price, centred so that the intercept is not penalised.

    Single-threaded, so that the last bit is the same on any number of cores.
    """
    regressors, target = trend_regressors(stones.table, stones.scheme), np.log(stones.price)
    centre = regressors.mean(axis=0)
    centred = regressors - centre
    with threadpool_limits(1):
        normal = centred.T @ centred + RIDGE * np.eye(len(centre))
        coefficients = np.linalg.solve(normal, centred.T @ (target - target.mean()))
    return Trend(*lookup_tables(coefficients, target.mean() - centre @ coefficients, stones.scheme))


def unseen_in_folds(stones, seed, tell, grow=None):
    """The Unseen of all the stones, each by a smaller forest that was grown without its fold."""
    parts, places = [], []
    folds = KFold(FOLDS, shuffle=True, random_state=seed).split(stones.matrix)
    for number, (rest, out) in enumerate(folds, start=1):
        forest = Grown(stones[rest], (seed + 1000 * number) % 2**32, FOLD_TREES, tell, grow)
        parts.append(forest.unseen_of(stones[out]))
        places.append(out)
    return Unseen.joined(parts, places)
