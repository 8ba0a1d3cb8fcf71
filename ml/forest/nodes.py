"""The forest's nodes as 64-bit words, and the single step down that all walks use.

A word is   feature (sign and 4 bits) | place (27 bits) | threshold (32 bits).   A stone has one key for
each feature: feature | 0 | value. Thresholds and values are float32 bits in integer order, so

    place = (word - keys[word >> FEATURE]) >> PLACE

is the step: the features cancel out, and if the value is above the threshold the subtraction borrows
one from the place. So a split's place is that of its left child, and the right child is stored
directly before it. A leaf has feature -1, its own place, and as its threshold the place where its list of
members begins; the last key is just LEAF, so a leaf steps to itself. The same line works for one node
in plain Python, all trees of one stone, many stones at one tree, and walk.c.
"""

import numpy as np

from .arrays import Array

PLACE, FEATURE = 32, 59
LOW = (1 << PLACE) - 1
LEAF = -1 << FEATURE
HEAD = 6
"""A leaf's list begins with its size, its two numbers for the range, the fine and the coarse half (16 bits
each) of its mean, and the mean trend of its members; the members follow."""
SHORT_HEAD = 5
"""The same without the trend, for coded and older forests: the first member is in its place."""
MOST_FEATURES = 16
MOST_PLACES = 1 << FEATURE - PLACE

# Zero-dimensional arrays: with a Python integer numpy takes a microsecond longer.
A_PLACE, A_FEATURE, A_LOW, ZERO = map(np.array, (PLACE, FEATURE, LOW, 0))
HEADS = np.arange(HEAD)[:, None]
_SIGN, _MAGNITUDE = np.array(31), np.array(0x7FFFFFFF)


def ordered(values: Array) -> Array:
    """float32 values as int64 in 0 … 2**32 - 1, in the same order; any shape."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.int32).astype(np.int64)
    return (bits ^ ((bits >> _SIGN) & _MAGNITUDE)) + (1 << 31)


def keys_of_many(features: Array) -> Array:
    """Stones' keys for every feature, followed by LEAF; features: float32 (n, p); int64 (n, p + 1)."""
    keys = ordered(features) + (np.arange(features.shape[1]) << FEATURE)
    return np.column_stack([keys, np.full(len(features), LEAF)])


def keys_of_one(features: Array) -> list[int]:
    """One stone's keys as a list of ints, faster than arrays at this size; features: float32 (p,)."""
    bits = features.view(np.int32).tolist()
    keys = [(b ^ (b >> 31 & 0x7FFFFFFF)) + (f << FEATURE) + 0x80000000 for f, b in enumerate(bits)]
    return [*keys, LEAF]


def threshold_of(words: Array) -> Array:
    """A split's feature and threshold without its place, to compare with a stone's keys."""
    return words & (LEAF | LOW)


def place_of(words: Array) -> Array:
    """The place stored in a word; any shape."""
    return words >> PLACE & (MOST_PLACES - 1)


def descend(words: memoryview, word: int, keys: list[int]) -> int:
    """The word of the leaf that one stone reaches from `word`, in plain Python; words: a memoryview."""
    while word >= 0:
        word = words[(word - keys[word >> FEATURE]) >> PLACE]
    return word


def walk(nodes: Array, places: Array, keys: Array) -> Array:
    """The words of the leaves that n stones reach from n places; keys: (n, p + 1); int64 (n,).

    Stones that have reached a leaf are dropped every few steps.
    """
    width, keys = keys.shape[1], keys.ravel()
    row, word = np.arange(0, len(keys), width), nodes[places]
    leaves = np.empty(len(places), np.int64)
    while row.size:
        for _ in range(3):
            word = nodes[(word - keys[row + (word >> A_FEATURE)]) >> A_PLACE]
        leaves[row // width] = word
        going = (word >= ZERO).nonzero()[0]
        row, word = row[going], word[going]
    return leaves
