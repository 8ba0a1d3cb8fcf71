"""The trees of a boosted trend as masks of their leaves, as walk.c reads them.

A mask has a bit for each leaf of a tree, from left to right. A split that sends a stone to the right
excludes the leaves on its left, so the lowest bit that none of these splits excludes is the stone's leaf.
This needs no walk down each tree: sorted by feature and threshold, the splits that send a stone to the
right come first. For each EVERY splits of a feature, a row has what they exclude together, so that only the
last few splits remain. Method: QuickScorer (Lucchese et al., SIGIR 2015, doi 10.1145/2766462.2767733).
"""

import numpy as np

from .arrays import Array, Arrays
from .matrix import SHOP
from .nodes import FEATURE, LOW, place_of

MOST_LEAVES = 32
"""The most leaves of a boosted tree: a mask has 32 bits."""

EVERY = 128
"""After how many splits of a feature there is a row. Fewer take more memory, more take longer."""

ALL = np.uint32(2**32 - 1)


def masks_of(nodes: Array, roots: Array) -> Arrays:
    """The tables of walk.c from the words of some trees; nodes, roots: as in boosted.py.

    thresholds, masks: uint32, trees: uint16 (splits,), sorted by feature and threshold; begins: int64
    (features + 1,), where the splits of each feature begin. rows: uint32 (rows, trees); reached: uint32
    (rows,), a row counts for values above it; first_rows: int64 (features + 1,). values: uint32 (trees,
    MOST_LEAVES), of the leaves.
    """
    left_leaves, first = _leaves(nodes, roots)
    tree = np.searchsorted(roots, np.arange(len(nodes)), side="right") - 1
    split = np.flatnonzero(left_leaves)
    feature, threshold = nodes[split] >> FEATURE, nodes[split] & LOW
    order = np.lexsort((threshold, feature))
    split, feature = split[order], feature[order]
    excluded = (1 << left_leaves[split]) - 1 << first[split]
    leaf = np.flatnonzero(nodes < 0)
    values = np.zeros((len(roots), MOST_LEAVES), np.uint32)
    values[tree[leaf], first[leaf]] = nodes[leaf] & LOW
    sorted_splits: Arrays = {
        "thresholds": threshold[order].astype(np.uint32),
        "masks": ~excluded.astype(np.uint32),
        "trees": tree[split].astype(np.uint16),
        "begins": np.searchsorted(feature, np.arange(SHOP + 2)),
    }
    return sorted_splits | _rows(**sorted_splits, count=len(roots)) | {"values": values}


def _leaves(nodes: Array, roots: Array) -> tuple[Array, Array]:
    """For each node, how many leaves are under its left child (0 for a leaf), and the number of its first
    leaf from the left; int64. ValueError for a tree of more than MOST_LEAVES."""
    levels, here = [], roots.astype(np.int64)
    while here.size:
        here = here[nodes[here] >= 0]
        levels.append(here)
        here = np.concatenate([place_of(nodes[here]), place_of(nodes[here]) - 1])
    count, first, left_leaves = (np.zeros(len(nodes), np.int64) for _ in range(3))
    count[nodes < 0] = 1
    for splits in reversed(levels):
        left = place_of(nodes[splits])
        left_leaves[splits] = count[left]
        count[splits] = count[left] + count[left - 1]
    if count[roots].max() > MOST_LEAVES:
        raise ValueError(f"a boosted tree of {count[roots].max()} leaves; at most {MOST_LEAVES}")
    for splits in levels:
        left = place_of(nodes[splits])
        first[left], first[left - 1] = first[splits], first[splits] + left_leaves[splits]
    return left_leaves, first


def _rows(thresholds: Array, masks: Array, trees: Array, begins: Array, count: int) -> Arrays:
    """The rows: the first of each feature excludes nothing, each other one EVERY splits more."""
    sizes = np.diff(begins) // EVERY
    first_rows = np.append(0, np.cumsum(sizes + 1))
    rows, reached = np.full((first_rows[-1], count), ALL), np.zeros(first_rows[-1], np.uint32)
    for begin, first, size in zip(begins, first_rows, sizes, strict=False):
        done = slice(begin, begin + size * EVERY)
        row = first + 1 + np.arange(size * EVERY) // EVERY
        np.bitwise_and.at(rows, (row, trees[done]), masks[done])
        here = rows[first : first + size + 1]
        np.bitwise_and.accumulate(here, out=here)
        reached[first + 1 : first + size + 1] = thresholds[done][EVERY - 1 :: EVERY]
    return {"rows": rows, "reached": reached, "first_rows": first_rows}
