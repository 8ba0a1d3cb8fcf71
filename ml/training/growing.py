"""Grows a scheme's trees with scikit-learn, and computes their answers to stones they have not seen.

Called only by ml.training.
"""

import math
import os

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from . import calibration
from .calibration import Unseen, leaf_table
from .exact import rounded
from .flatten import flatten
from .threads import filters_kept
from .trends import FOLDS, Trained, folds_of, nobody

TREES = 100
FOLD_TREES = 40
"""The trees grown without each fold of the graded stones, to learn the range from."""

GRADED_LEAF = 40
"""The fewest stones in a graded leaf. With fewer, better stones cost less more often; with more, prices are
less accurate."""

LIKENESS = 0.25
"""The graded trees split for the residual, and with this weight for the trend: then the stones of a leaf
are alike, and their prices are adjusted by less."""

WHOLE = 2**32 - 1
UP_TO_TWELVE = 27_720
"""The smallest number divisible by each of 1 to 12."""


def grow_here(forest, inputs, target, weight, trees, advance):
    """Fits scikit-learn's forest on this machine's processors; weight: None if all stones count equally.

    Grows a few trees at a time: with warm_start they are the same trees as when grown all at once.
    """
    forest.set_params(warm_start=True, n_jobs=-1)
    step = max(4, os.cpu_count() or 1)
    for done in [*range(step, trees, step), trees]:
        forest.set_params(n_estimators=done)
        with filters_kept():
            forest.fit(inputs, target, sample_weight=weight)
        advance(min(step, done - (done - 1) // step * step))


class Grown:
    """A fitted trend and scikit-learn forest of some training stones."""

    def __init__(self, trained, seed, trees=TREES, advance=nobody, grow=None):
        """advance: called with the number of trees after each few are done; grow: by default
        `grow_here`, or a function that does the same on other machines."""
        self.trained, self.stones = trained, trained.stones
        self.level, self.relative, self.inputs = trained.level, trained.relative, trained.inputs
        if self.stones.scheme == "coded":
            self.target, self.weight = self.stones.price, np.ones(len(self.stones.price))
            self.forest, outputs = RandomForestRegressor(random_state=seed), self.target
        else:
            self.target, self.weight = self.relative, np.sqrt(self.stones.price)
            self.forest = ExtraTreesRegressor(random_state=seed, min_samples_leaf=GRADED_LEAF)
            outputs = np.column_stack([self.target, LIKENESS * self.level])
        counted = None if self.stones.scheme == "coded" else self.weight
        (grow or grow_here)(self.forest, self.inputs, outputs, counted, trees, advance)

    def _counts_by_tree(self):
        """For each tree, what each stone counts in it: its weight times the number of times drawn."""
        if not self.forest.bootstrap:
            return [self.weight] * len(self.forest.estimators_)
        # Read once: scikit-learn draws all trees' samples anew each time.
        samples = self.forest.estimators_samples_
        return (np.bincount(d, minlength=len(self.weight)).astype(np.float64) for d in samples)

    def tables_by_tree(self):
        """For each tree: its leaf table by node (calibration.py), the stones' counts, their leaves."""
        for tree, counts in zip(self.forest.estimators_, self._counts_by_tree(), strict=True):
            leaves = tree.tree_.apply(self.inputs)
            yield tree.tree_, leaf_table(tree.tree_, leaves, counts, self.relative), counts, leaves

    def unseen_out_of_bag(self):
        """The training stones that some tree did not draw, and those trees' Unseen of them."""
        sums, votes = np.zeros((len(self.weight), COLUMNS)), np.zeros(len(self.weight))
        for tree, table, counts, leaves in self.tables_by_tree():
            out = counts == 0
            sums[out] += _spoken(tree, table, leaves[out])
            votes += out
        some = votes > 0  # a stone may be in every bag
        means = sums[some] / votes[some, None]
        return some, self._as_unseen(means, self.level[some], self.stones[some])

    def unseen_of(self, others):
        """The Unseen of other stones, by all trees."""
        level, inputs = self.trained.asked(others.matrix)
        sums = np.zeros((len(inputs), COLUMNS))
        for tree, table, _, _ in self.tables_by_tree():
            sums += _spoken(tree, table, tree.apply(inputs))
        return self._as_unseen(sums / len(self.forest.estimators_), level, others)

    def _as_unseen(self, averages, level, stones):
        leaves, mean, square = averages[:, :-2], averages[:, -2], averages[:, -1]
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        if self.stones.scheme == "coded":
            log_price, deviation = rounded(np.log(mean)), deviation / mean
        else:
            log_price = level + mean
        added = self.trained.added(stones.matrix, log_price) if stones.scheme == "graded" else 0.0
        return Unseen(leaves, deviation, level - log_price, log_price, log_price + added)

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
            **self.trained.arrays,
            **{f"range_{name}": np.ascontiguousarray(table) for name, table in ranges.items()},
            **{f"widths_{name}": table for name, table in coefficients.widths.items()},
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


def unseen_in_folds(stones, seed, advance, grow=None):
    """The Unseen of all the stones, each by a smaller forest and a trend grown without its fold."""
    parts, places, fold = [], [], folds_of(stones, seed)
    for number in range(FOLDS):
        rest, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        own_seed = (seed + 1000 * (number + 1)) % 2**32
        trained = Trained.of(stones[rest], own_seed, fold[rest], advance)
        forest = Grown(trained, own_seed, FOLD_TREES, advance, grow)
        parts.append(forest.unseen_of(stones[out]))
        places.append(out)
    return Unseen.joined(parts, places)
