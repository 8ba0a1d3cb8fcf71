"""The walk down the trees in C (walk.c), if a C compiler was there to build it; otherwise numpy walks.

`python -m ml.forest` builds it in a tenth of a second; make and the Dockerfile run that. The library is
saved next to its source under the source's hash, so an outdated one is never loaded. It returns the
same integers as numpy, only faster. Called by PriceForest.
"""

import ctypes
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Any

import numpy as np

from .arrays import Array, Arrays

SOURCE = Path(__file__).with_name("walk.c")
SUMS = 6
CHUNK = 16_384
"""The most stones taken down a tree at a time: more stones share the visits to each node."""


class _Forest(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("nodes", "starts", "members")] + [
        (name, ctypes.c_int64) for name in ("router", "trees", "features")
    ]


class Walk:
    """The compiled walk of one forest's arrays; `features`: the number of features its trees split on."""

    def __init__(self, library: tuple[Any, ...], arrays: Arrays, features: int) -> None:
        self._arrays = [arrays[name] for name in ("nodes", "starts", "members")]  # kept alive
        self._trees, self._pack = arrays["starts"].shape[1], Struct(f"{features}f").pack
        self._pack_two = Struct(f"{2 * features}f").pack
        places = [array.ctypes.data for array in self._arrays]
        self._forest = _Forest(*places, int(arrays["router"]), self._trees, features)
        self._at = ctypes.addressof(self._forest)
        self._walk_one, self._walk_two, self._find_cells, self._walk_many = library
        self._leaf_words_of_one = ctypes.c_int64 * self._trees
        self._leaf_words_of_two = ctypes.c_int64 * (2 * self._trees)
        self._sums_of_one, self._sums_of_two = ctypes.c_int64 * SUMS, ctypes.c_int64 * (2 * SUMS)

    def walk_one(self, inputs: Sequence[float]) -> tuple[Sequence[int], list[int]]:
        """The words of one stone's leaves, and their sums (as in PriceForest); inputs: floats."""
        leaves, sums = self._leaf_words_of_one(), self._sums_of_one()
        self._walk_one(self._at, self._pack(*inputs), leaves, sums)
        return leaves, sums[:]

    def walk_two(
        self, inputs: Sequence[float], others: Sequence[float]
    ) -> tuple[Sequence[int], list[int], list[int]]:
        """The words of one stone's leaves and their sums, and the sums of another stone; floats."""
        leaves, sums = self._leaf_words_of_two(), self._sums_of_two()
        self._walk_two(self._at, self._pack_two(*inputs, *others), leaves, sums)
        return leaves, sums[:SUMS], sums[SUMS:]

    def sum_many(self, inputs: Array, threads: int) -> Array:
        """The sums over the leaves of n stones, int64 (6, n); inputs: float32 (n, q).

        Neighbours in the router's order visit the same nodes, so they are walked together, in `threads`
        parts at a time.
        """
        inputs = np.ascontiguousarray(inputs)
        cells, out = self._cells(inputs), np.empty((SUMS, len(inputs)), np.int64)

        def add(rows: Array) -> None:
            out[:, rows] = self._sum_part(inputs[rows], cells[rows])

        _in_parts(add, cells, threads)
        return out

    def _cells(self, inputs: Array) -> Array:
        cells = np.empty(len(inputs), np.int32)
        self._find_cells(self._at, inputs.ctypes.data, len(inputs), cells.ctypes.data)
        return cells

    def _sum_part(self, inputs: Array, cells: Array) -> Array:
        sums = np.zeros((SUMS, len(inputs)), np.int64)
        room = np.empty((len(inputs), inputs.shape[1] + 1), np.int64)
        places = (array.ctypes.data for array in (room, sums))
        self._walk_many(self._at, inputs.ctypes.data, cells.ctypes.data, len(inputs), *places)
        return sums


def _in_parts(act: Callable[[Array], None], cells: Array, threads: int) -> None:
    """Calls a function with the rows of each part; neighbours by cell are in the same part."""
    order = cells.argsort(kind="stable")
    size = min(CHUNK, -(-len(order) // threads))
    parts = np.array_split(order, -(-len(order) // size))
    if threads == 1 or len(parts) == 1:
        for part in parts:
            act(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(act, parts))


def compiled_walk(arrays: Arrays, features: int) -> Walk | None:
    """The Walk of a forest's arrays; None if the library was not built."""
    functions = library()
    return Walk(functions, arrays, features) if functions else None


@cache
def library() -> tuple[Any, ...] | None:
    """The four functions of walk.c; None if there is no library for this version of the source."""
    try:
        path = str(_library_path())
        held, free = ctypes.PyDLL(path), ctypes.CDLL(path)
        # One stone takes microseconds, so the GIL is held. Batches release it.
        functions = held.one, held.two, free.cells, free.many
    except (OSError, AttributeError):
        return None
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    for held_one in functions[:2]:
        held_one.argtypes = [pointer, ctypes.c_char_p, pointer, pointer]
    functions[2].argtypes = [pointer, pointer, count, pointer]
    functions[3].argtypes = [pointer, pointer, pointer, count, pointer, pointer]
    for function in functions:
        function.restype = None
    return functions


def _library_path() -> Path:
    digest = sha256(SOURCE.read_bytes()).hexdigest()[:12]
    return SOURCE.with_name(f"walk-{sysconfig.get_platform()}-{digest}.so")


def build() -> str:
    """Builds the library if it is missing; returns one line that says what was done."""
    path, compiler = _library_path(), shutil.which("cc") or shutil.which("gcc")
    if path.exists():
        return f"{path.name} is there"
    if not compiler:
        return "no C compiler: numpy walks the trees, at about half the speed"
    aside = path.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O3", "-shared", "-fPIC", "-o", str(aside), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        aside.unlink(missing_ok=True)
        return f"{compiler} cannot build {SOURCE.name}: numpy walks the trees\n{done.stderr}"
    for old in SOURCE.parent.glob("walk-*.so"):
        old.unlink()
    aside.replace(path)
    return f"built {path.name}"
