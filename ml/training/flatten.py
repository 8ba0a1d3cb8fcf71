"""Turns a fitted scikit-learn forest into the arrays that PriceForest answers from.

The trees become words (see nodes.py), the leaves lists of the training stones that fell into them.
The router, one more tree in the same words, leads a stone to a cell of the input space. For each cell
and tree the deepest node that all of the cell's stones pass is stored: the walk starts from there.
Called only by ml.training.
"""

import numpy as np

from ml.forest.nodes import (
    FEATURE,
    LEAF,
    LOW,
    MOST_FEATURES,
    MOST_PLACES,
    PLACE,
    keys_of_many,
    ordered,
    place_of,
    threshold_of,
    walk,
)

MOST_STONES = 65_535
CELLS = 4096
TAIL = 12
"""With at most this mean number of trees left, plain Python is faster than numpy."""


def flatten(estimator, features, numbers):
    """The arrays of a fitted forest: nodes, router, starts, members and steps.

    estimator: a scikit-learn forest fitted on `features`, float32 (n, p). numbers: for each tree the
    numbers of its leaves, uint16 (leaves, 4 or 5), stored at the head of the lists (nodes.py). Raises
    ValueError over 16 features, 134 million nodes or 65,535 stones.
    """
    if features.shape[1] > MOST_FEATURES or len(features) > MOST_STONES:
        raise ValueError(f"{features.shape}: more stones or features than the lists have room for")
    words, members, roots, place, list_end = [], [], [], 0, 0
    for tree, samples, heads in zip(
        estimator.estimators_, estimator.estimators_samples_, numbers, strict=True
    ):
        lists, begins = _member_lists(tree.tree_, features, samples, heads)
        words.append(tree_words(tree.tree_, place, list_end + begins))
        members.append(lists)
        roots.append(place + 1)
        place += len(words[-1])
        list_end += len(lists)
    if place + 2 * CELLS >= MOST_PLACES:
        raise ValueError(f"{place} nodes; a word has room for {MOST_PLACES}")
    nodes = np.concatenate(words)
    router, starts = _grow_router(nodes, np.array(roots), features)
    arrays = {
        "nodes": np.concatenate([nodes, router]),
        "router": np.array(len(nodes) + 1),
        "starts": starts.astype(np.int32),
        "members": np.concatenate(members),
    }
    return arrays | {"steps": np.array(_numpy_steps(arrays, features))}


def round_down(thresholds):
    """float64 thresholds to the nearest float32 not above; they split float32 values in the same way."""
    near = thresholds.astype(np.float32)
    below = np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
    return below + np.float32(0)  # turns -0.0 into 0.0


def tree_words(tree, offset, lists):
    """One tree laid out from place `offset`: a gap, the root, then pairs of siblings; int64 (nodes + 1,).

    tree: scikit-learn's Tree, or its arrays; lists: the lowest 32 bits of each leaf's word.
    """
    leaf = tree.children_left < 0
    split = np.flatnonzero(~leaf)
    place = np.full(tree.node_count, offset + 1)
    left = offset + 3 + 2 * np.arange(len(split))
    place[tree.children_left[split]], place[tree.children_right[split]] = left, left - 1
    threshold, by_node = round_down(tree.threshold[split]), np.zeros(tree.node_count, np.int64)
    by_node[split] = tree.feature[split] << FEATURE | left << PLACE | ordered(threshold)
    by_node[leaf] = LEAF | place[leaf] << PLACE | lists
    words = np.zeros(tree.node_count + 1, np.int64)
    words[place - offset] = by_node
    return words


def _member_lists(tree, features, samples, numbers):
    """For each leaf its size, its numbers and its members (a member drawn twice is listed twice),
    uint16; and where each leaf's list begins."""
    leaf = (np.cumsum(tree.children_left < 0) - 1)[tree.apply(features)][samples]
    size = np.bincount(leaf, minlength=tree.n_leaves)
    first = np.cumsum(size) - size
    head = 1 + numbers.shape[1]
    begins = first + head * np.arange(len(size))
    lists = np.empty(len(samples) + head * len(size), np.uint16)
    lists[begins[:, None] + np.arange(head)] = np.column_stack([size, numbers])
    in_order = np.sort(leaf << 16 | samples) & 0xFFFF  # by leaf, then by stone
    lists[np.arange(len(samples)) + head * (1 + np.repeat(np.arange(len(size)), size))] = in_order
    return lists, begins


def _numpy_steps(arrays, features):
    """How many steps numpy takes with all trees of one stone, until walking the remaining few one by one
    is faster."""
    keys, nodes = keys_of_many(features[:: len(features) // 500 + 1]), arrays["nodes"]
    cell = walk(nodes, np.full(len(keys), arrays["router"]), keys) & LOW
    row, steps, word = np.arange(len(keys))[:, None], 0, nodes[arrays["starts"][cell]]
    while (word >= 0).sum(axis=1).mean() > TAIL:
        word = nodes[(word - keys[row, word >> FEATURE]) >> PLACE]
        steps += 1
    return steps


class _Cells:
    """The router while it grows: boxes of keys, low < key <= high, and where their trees start."""

    def __init__(self, nodes, roots, features):
        self.nodes = nodes
        self.keys = ordered(features) | np.arange(features.shape[1]) << FEATURE
        self.low = np.full((1, self.keys.shape[1]), LEAF)
        self.high = np.full((1, self.keys.shape[1]), np.iinfo(np.int64).max)
        self.start = roots[None]
        self.of_stone = np.zeros(len(features), np.int64)
        self.router_place = np.array([1])
        self.words = np.zeros(2, np.int64)

    def most_crowded(self, room):
        """The cells with the most stones times unfinished trees, at most `room` cells."""
        unfinished = (self.nodes[self.start] >= 0).sum(axis=1)
        crowd = np.bincount(self.of_stone, minlength=len(self.start)) * unfinished
        worst = np.argsort(-crowd, kind="stable")[: min(len(self.start) // 3 + 1, room)]
        return worst[crowd[worst] > 0]

    def split(self, cells):
        """Splits each of the cells at the split of most of its trees; the upper half is a new cell."""
        count = len(self.start)
        key = _wanted(self.nodes[self.start[cells]])
        self._add_to_router(cells, key)
        upper, both = count + np.arange(len(cells)), np.append(np.arange(count), cells)
        self.start, self.low, self.high = self.start[both], self.low[both], self.high[both]
        feature = key >> FEATURE
        self.high[cells, feature] = self.low[upper, feature] = key
        halves = np.append(cells, upper)
        self.start[halves] = _advance(
            self.nodes, self.start[halves], self.low[halves], self.high[halves]
        )
        self._move_stones(cells, upper, feature, key)

    def _add_to_router(self, cells, key):
        left = len(self.words) + 1 + 2 * np.arange(len(cells))
        self.words = np.append(self.words, np.zeros(2 * len(cells), np.int64))
        self.words[self.router_place[cells]] = key | len(self.nodes) + left << PLACE
        self.router_place[cells] = left
        self.router_place = np.append(self.router_place, left - 1)

    def _move_stones(self, cells, upper, feature, key):
        """Moves stones above their cell's new threshold to its upper half."""
        plan = np.zeros((3, len(self.start)), np.int64)
        plan[:, cells] = upper, feature, key
        to, feature, key = plan[:, self.of_stone]
        above = (to > 0) & (self.keys[np.arange(len(self.keys)), feature] > key)
        self.of_stone[above] = to[above]


def _grow_router(nodes, roots, features):
    """The router's words, stored after the trees', and each cell's start in every tree."""
    cells = _Cells(nodes, roots, features)
    while len(cells.start) < CELLS:
        crowded = cells.most_crowded(CELLS - len(cells.start))
        if not crowded.size:
            break
        cells.split(crowded)
    number = np.arange(len(cells.start))
    cells.words[cells.router_place] = LEAF | len(nodes) + cells.router_place << PLACE | number
    return cells.words, cells.start


def _wanted(words):
    """For each row of words: the feature most of them split on, at the median threshold."""
    key = np.sort(np.where(words < 0, np.iinfo(np.int64).max, threshold_of(words)), axis=1)
    votes = np.stack([(words >> FEATURE == f).sum(axis=1) for f in range(MOST_FEATURES)], axis=1)
    before = np.cumsum(votes, axis=1) - votes
    most = votes.argmax(axis=1)[:, None]
    middle = np.take_along_axis(before + votes // 2, most, axis=1)
    return np.take_along_axis(key, middle, axis=1)[:, 0]


def _advance(nodes, places, low, high):
    """Each place (cells, trees) moved down as long as its whole cell goes to the same child."""
    trees, place = places.shape[1], places.ravel().copy()
    active = np.arange(place.size)
    while active.size:
        word = nodes[place[active]]
        active, word = active[word >= 0], word[word >= 0]
        cell, feature, key = active // trees, word >> FEATURE, threshold_of(word)
        right, left = low[cell, feature] >= key, high[cell, feature] <= key
        active, moved = active[right | left], (place_of(word) - right)[right | left]
        place[active] = moved
    return place.reshape(-1, trees)
