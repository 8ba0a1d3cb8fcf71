"""The answers to a large batch, added up by a loop that numba compiles; numpy answers without it.

numba is optional (the `batch` extra) and imported here alone, when the first batch of ROWS stones or
more comes, so that a worker which serves single prices never pays for it: about a second of import,
two to compile, and 130 MB, once a process. The answers are the numpy path's to a ratio of 1e-12 (a
leaf's members are added one by one, not in numpy's pairs). Called by PriceForest.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from .nodes import FEATURE, HEAD, LOW, PLACE, keys_of, walk

ROWS = 20_000
"""Stones from which the compiled loop is worth its start."""

CHUNK = 4096
"""Stones taken down the trees at a time, so that their keys stay in the processor's cache."""


def sums(adder, arrays, router, inputs):
    """Over the trees, the sums of what n stones' leaves say: answer, its square, the numbers for low
    and high; float64 (4, n).

    adder: as `adder` gives it. arrays: nodes, starts, members, weight, weighted (PriceForest).
    inputs: float32 (n, q). Neighbours in the router's order visit the same nodes, so they go together;
    one thread a processor.
    """
    nodes, starts, *leaves = arrays
    chunks = parts(len(inputs))
    cell = np.concatenate([_cells(nodes, router, inputs[part]) for part in chunks])
    order, out = cell.argsort(kind="stable"), np.empty((4, len(inputs)))

    def add(part):
        rows = order[part]
        out[:, rows] = adder(nodes, starts, *leaves, cell[rows], keys_of(inputs[rows]))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(add, chunks))
    return out


def parts(count):
    """Slices of CHUNK stones at the most, one after the other."""
    return [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]


def _cells(nodes, router, inputs):
    """The router's cell of each stone, int32 (n,)."""
    keys = keys_of(inputs)
    return (walk(nodes, np.full(len(keys), router), keys) & LOW).astype(np.int32)


@cache
def adder():
    """The compiled loop, which lets other threads run; None where numba is not installed.

    (nodes, starts, members, weight, weighted, cells (n,), keys (n, q + 1)) -> float64 (4, n).
    """
    try:
        from numba import njit
    except ImportError:
        return None

    @njit(nogil=True)
    def step(nodes, keys, word):
        return nodes[(word - keys[word >> FEATURE]) >> PLACE]

    @njit(nogil=True)
    def walk_four(nodes, starts, keys, leaves):
        """Four walks at a time hide each other's waits for memory."""
        last = len(keys) - 1
        for row in range(0, len(keys), 4):
            i, j, k = min(row + 1, last), min(row + 2, last), min(row + 3, last)
            a, b, c, d = nodes[starts[row]], nodes[starts[i]], nodes[starts[j]], nodes[starts[k]]
            while a & b & c & d >= 0:
                a, b = step(nodes, keys[row], a), step(nodes, keys[i], b)
                c, d = step(nodes, keys[j], c), step(nodes, keys[k], d)
            leaves[row], leaves[i], leaves[j], leaves[k] = a, b, c, d

    @njit(nogil=True)
    def add_up(nodes, starts, members, weight, weighted, cells, keys):
        out, leaves = np.zeros((4, len(keys))), np.empty(len(keys), np.int64)
        for tree in range(starts.shape[1]):
            walk_four(nodes, starts[:, tree][cells], keys, leaves)
            for row in range(len(keys)):
                at = leaves[row] & LOW
                total = above = 0.0
                for place in range(at + HEAD, at + HEAD + members[at]):
                    total += weight[members[place]]
                    above += weighted[members[place]]
                answer = above / total
                out[0, row] += answer
                out[1, row] += answer * answer
                out[2, row] += members[at + 1]
                out[3, row] += members[at + 2]
        return out

    return add_up
