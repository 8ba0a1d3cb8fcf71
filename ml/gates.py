"""The tops of all trees, looked up instead of walked (QuickScorer: Lucchese et al., SIGIR 2015).

A tree's top are the splits that most training stones pass; the nodes right below it are its gates,
from left to right the bits of one word. A split that sends a stone right closes the gates to its
left, so each feature has a table that says, between any two thresholds, which gates of every tree
are still open; the leftmost gate open in all features' tables is where the stone leaves the top.
Trees with uneven splits, as the graded forest's, are left with half their depth. Built by
ml.flatten, read by PriceForest.
"""

from bisect import bisect_left

import numpy as np

GATES = 63
"""At the most so many gates a tree: the bits of an int64 without its sign."""


def build(tops, features):
    """The arrays words, bounds, first and tables of the tops of all trees.

    tops: for each tree what `top_of` gives. features: how many there are.
    """
    words = np.zeros((len(tops), GATES), np.int64)
    for row, (gates, *_) in zip(words, tops, strict=True):
        row[: len(gates)] = gates
    tree = np.repeat(np.arange(len(tops)), [len(top[1]) for top in tops])
    feature, threshold, mask = (np.concatenate([top[part] for top in tops]) for part in (1, 2, 3))
    bounds, tables = [], []
    for here in (feature == number for number in range(features)):
        levels, rank = np.unique(threshold[here], return_inverse=True)
        table = np.full((len(levels) + 1, len(tops)), -1)
        np.bitwise_and.at(table, (rank + 1, tree[here]), mask[here])
        bounds.append(levels)
        tables.append(np.bitwise_and.accumulate(table))
    return {
        "gate_words": words.ravel(),
        "gate_bounds": np.concatenate(bounds),
        "gate_sizes": np.array([len(levels) for levels in bounds]),
        "gate_tables": np.concatenate(tables),
    }


def top_of(tree, words, thresholds):
    """A tree's top: its gates' words, and of its splits the feature, the threshold and the mask of
    gates that stay open above it.

    tree: scikit-learn's Tree, nodes in preorder; words (ml.nodes) and float32 thresholds by node.
    """
    split = np.flatnonzero(tree.children_left >= 0)
    top = split[np.argsort(-tree.n_node_samples[split], kind="stable")[: GATES - 1]]
    left, right = tree.children_left[top], tree.children_right[top]
    gates = np.setdiff1d(np.concatenate([[0], left, right]), top)
    one = np.int64(1)
    closed = (one << np.searchsorted(gates, right)) - (one << np.searchsorted(gates, left))
    return words[gates], tree.feature[top], thresholds[top], ~closed


class Gates:
    """The tops of all trees; arrays as `build` gives them, without their prefix."""

    def __init__(self, arrays):
        self._words, self._tables = arrays["words"], arrays["tables"]
        ends = np.cumsum(arrays["sizes"])
        bounds = [part.tolist() for part in np.split(arrays["bounds"], ends[:-1])]
        first = ends - arrays["sizes"] + np.arange(len(ends))
        self._bounds = list(zip(first.tolist(), bounds, strict=True))
        self._before = np.arange(self._tables.shape[1]) * GATES - 1

    def of_one(self, inputs):
        """The words at which a stone leaves the tops; inputs: float32 (q,); int64 (trees,)."""
        rows = [
            first + bisect_left(bounds, value)
            for (first, bounds), value in zip(self._bounds, inputs.tolist(), strict=True)
        ]
        still_open = np.bitwise_and.reduce(self._tables.take(rows, axis=0))
        bit = np.frexp(still_open & -still_open)[1]  # the lowest one, counted from 1
        return self._words[self._before + bit]
