"""The walk down the trees and the answer in C (walk.c), if a C compiler was there to build it; else numpy.

`python -m ml.forest` builds it in a tenth of a second; make and the Dockerfile run that. The library is
saved next to its source under the source's hash, so an outdated one is never loaded. It returns the
same numbers as numpy, only faster. Called by PriceForest.
"""

import ctypes
import math
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Array, Arrays
from .masks import masks_of
from .ranges import KNOTS as RANGE_KNOTS
from .support import WIDER
from .trend import DEPTH, TABLE
from .trend import KNOTS as TREND_KNOTS

SOURCE = Path(__file__).with_name("walk.c")
SUMS = 6
CHUNK = 16_384
"""The most stones taken down a tree at a time: more stones share the visits to each node."""
FEW = 2048
"""The most stones that are walked in one thread: starting others takes as long."""


class _Forest(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("nodes", "starts", "members")] + [
        (name, ctypes.c_int64) for name in ("router", "trees", "features")
    ]


class _Curves(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("values", "knots")] + [
        ("count", ctypes.c_int64)
    ]


CURVES = {
    "trend": ("trend_curves", "trend_knots"),
    "carat": ("range_carat", "range_knots"),
    "price": ("range_price", "range_price_knots"),
    "beyond": ("beyond_level", "beyond_knots"),
    "weight": ("boosted_curve", "trend_knots"),
}
"""The arrays of the curves' values and of their knots."""

TABLES = {
    "slopes": "trend_slopes",
    **{name: f"range_{name}" for name in ("cut", "disagreement", "offset", "floor", "step")},
    **{name: f"support_{name}" for name in ("low", "high")},
    **{name: f"beyond_{name}" for name in ("depth", "table")},
}


MASKS = ("thresholds", "masks", "trees", "begins", "rows", "reached", "first_rows", "values")
"""The tables of masks.py, in the order of the struct."""


class _Boosted(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in MASKS),
        *((name, ctypes.c_int64) for name in ("shared", "count")),
        ("value", 2 * ctypes.c_double),
    ]


NETWORK = (
    *("feature", "low", "scale"),
    *("first", "second", "third"),
    *("first_bias", "second_bias", "third_bias"),
)
"""The tables of network.py, in the order of the struct."""


class _Networks(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in NETWORK),
        *((name, ctypes.c_int64) for name in ("nets", "inputs")),
        *((name, 2 * ctypes.c_int64) for name in ("units", "shifts")),
        ("unit", ctypes.c_double),
    ]


class _Shops(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("log_edges", "carat_edges", "values")),
        *((name, ctypes.c_int64) for name in ("logs", "carats")),
    ]


class _Prices(ctypes.Structure):
    _fields_ = [
        ("forest", _Forest),
        *((name, _Curves) for name in CURVES),
        *((name, ctypes.c_void_p) for name in TABLES),
        ("scales", 4 * ctypes.c_double),
        *((name, 2 * ctypes.c_double) for name in ("value", "level")),
        *((name, ctypes.c_double) for name in ("dearest", "adjusted", "wider")),
        *((name, ctypes.c_int64) for name in ("columns", "colors", "clarities")),
        *((f"has_{name}", ctypes.c_int64) for name in ("level", "support", "beyond", "boosted")),
        ("boosted", _Boosted),
        ("shops", _Shops),
        ("widths", 2 * _Boosted),
        ("has_widths", ctypes.c_int64),
        ("networks", _Networks),
        ("has_networks", ctypes.c_int64),
    ]


class Walk:
    """The compiled code for one forest's arrays; `features`: the number of features its trees split on,
    columns: those of its stones; boosted, networks: its trend's; widths: those of its range's ends
    (widths.py)."""

    def __init__(
        self,
        library: tuple[Any, ...],
        arrays: Arrays,
        features: int,
        columns: int,
        boosted: "BoostedWalk | None",
        networks: "NetworksWalk | None",
        widths: "list[BoostedWalk] | None",
    ) -> None:
        trees = "nodes", "starts", "members"
        self._arrays = [arrays[name] for name in trees]
        self._all = arrays, boosted, networks, widths  # kept alive
        self._trees = arrays["starts"].shape[1]
        places = [array.ctypes.data for array in self._arrays]
        forest = _Forest(*places, int(arrays["router"]), self._trees, features)
        trend = boosted.struct if boosted else _Boosted()
        self._prices = self._tables(forest, arrays, columns, trend)
        if widths:
            self._prices.widths = (_Boosted * 2)(*(end.struct for end in widths))
            self._prices.has_widths = 1
        if networks:
            self._prices.networks, self._prices.has_networks = networks.struct, 1
        self._at = ctypes.addressof(self._prices)
        self._answer_one, self._find_cells, self._walk_many = library[:3]
        self._leaf_words, self._figures = ctypes.c_int64 * (2 * self._trees), ctypes.c_double * 7

    def _tables(self, forest: _Forest, arrays: Arrays, columns: int, boosted: _Boosted) -> _Prices:
        """The struct of walk.c that has all that a price needs."""

        arrays = arrays | {"trend_knots": TREND_KNOTS, "range_knots": RANGE_KNOTS}

        def place(name: str) -> int | None:
            if name not in arrays:
                return None
            self._arrays.append(np.ascontiguousarray(arrays[name], np.float64))
            return self._arrays[-1].ctypes.data

        def curves(values: str, knots: str) -> _Curves:
            return _Curves(place(values), place(knots), len(arrays.get(knots, ())))

        _, colors, clarities, _ = arrays["trend_curves"].shape
        return _Prices(
            forest,
            *(curves(*names) for names in CURVES.values()),
            *map(place, TABLES.values()),
            (*DEPTH, *TABLE),
            tuple(arrays["value"].tolist()),
            tuple(arrays["leaf_level"].tolist()) if "leaf_level" in arrays else (0, 0),
            float(arrays["support_dearest"][0]) if "support_dearest" in arrays else 0,
            float(arrays.get("support_adjusted", [math.inf])[0]),
            WIDER,
            *(columns, colors, clarities),
            *(
                name in arrays
                for name in ("leaf_level", "support_low", "beyond_level", "boosted_nodes")
            ),
            boosted,
            _Shops(
                *(place(f"expected_{name}") for name in ("log_edges", "carat_edges", "values")),
                *(len(arrays.get(f"expected_{name}", ())) for name in ("log_edges", "carat_edges")),
            ),
        )

    def answer(self, row: bytes) -> tuple[Sequence[int], list[float]]:
        """The words of one stone's leaves, and its Answer in walk.c; row: float32 (columns,)."""
        leaves, figures = self._leaf_words(), self._figures()
        self._answer_one(self._at, row, leaves, figures)
        return leaves, figures[:]

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


class _Summed:
    """A struct of walk.c, and its function that adds up what the struct's parts give to n stones."""

    def __init__(self, struct: Any, add_up: Any) -> None:
        self.struct, self._add_up = struct, add_up

    def sums(self, features: Array, orders: int, threads: int) -> Array:
        """The sums of n stones, and with 2 orders also those with the diameters in the other order; int64
        (orders, n). features: float32 (n, q). The stones are in `threads` parts."""
        features = np.ascontiguousarray(features)
        sums = np.empty((len(features), orders), np.int64)
        threads = _worthwhile(threads, len(features))
        size, at = -(-len(features) // threads), ctypes.addressof(self.struct)

        def add(start: int) -> None:
            some = features[start : start + size]
            places = some.ctypes.data, sums[start:].ctypes.data
            self._add_up(at, places[0], *some.shape, orders, places[1])

        _each(add, range(0, len(features), size), threads)
        return sums.T


class BoostedWalk(_Summed):
    """The compiled code for the trees of a boosted trend; tables: as in boosted.py. struct: walk.c's."""

    def __init__(self, library: tuple[Any, ...], tables: Arrays) -> None:
        self._masks = masks_of(tables["nodes"], tables["roots"])
        places = (self._masks[name].ctypes.data for name in MASKS)
        counts = int(tables["shared"]), len(tables["roots"])
        super().__init__(_Boosted(*places, *counts, tuple(tables["value"].tolist())), library[3])


class NetworksWalk(_Summed):
    """The compiled code for the networks of a trend; tables: as in network.py. struct: walk.c's."""

    def __init__(self, library: tuple[Any, ...], tables: Arrays) -> None:
        self._tables = [np.ascontiguousarray(tables[name]) for name in NETWORK]
        nets, *units = tables["second"].shape
        struct = _Networks(
            *(table.ctypes.data for table in self._tables),
            *(nets, len(tables["feature"])),
            tuple(reversed(units)),
            tuple(tables["shifts"].tolist()),
            float(tables["unit"]),
        )
        super().__init__(struct, library[4])


def _in_parts(act: Callable[[Array], None], cells: Array, threads: int) -> None:
    """Calls a function with the rows of each part; neighbours by cell are in the same part."""
    order, threads = cells.argsort(kind="stable"), _worthwhile(threads, len(cells))
    size = min(CHUNK, -(-len(order) // threads))
    parts = np.array_split(order, -(-len(order) // size))
    _each(act, parts, threads)


def _worthwhile(threads: int, stones: int) -> int:
    """How many threads are worth starting for some stones."""
    return threads if stones > FEW else 1


def _each(act: Callable[[Any], None], parts: Sequence[Any], threads: int) -> None:
    """Calls a function with each part, `threads` at a time."""
    if threads == 1 or len(parts) == 1:
        for part in parts:
            act(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(act, parts))


def compiled_walk(
    arrays: Arrays,
    features: int,
    columns: int,
    boosted: BoostedWalk | None,
    networks: NetworksWalk | None,
    widths: list[BoostedWalk] | None,
) -> Walk | None:
    """The Walk of a forest's arrays; None if the library was not built. boosted, networks: those of its
    trend; widths: those of its range's ends."""
    functions = library()
    if not functions:
        return None
    return Walk(functions, arrays, features, columns, boosted, networks, widths)


def compiled_boosted(tables: Arrays) -> BoostedWalk | None:
    """The BoostedWalk of a boosted trend's tables; None if the library was not built."""
    functions = library()
    return BoostedWalk(functions, tables) if functions else None


def compiled_networks(tables: Arrays) -> NetworksWalk | None:
    """The NetworksWalk of a trend's networks; None if the library was not built."""
    functions = library()
    return NetworksWalk(functions, tables) if functions else None


@cache
def library() -> tuple[Any, ...] | None:
    """The five functions of walk.c; None if there is no library for this version of the source."""
    try:
        path = str(_library_path())
        held, free = ctypes.PyDLL(path), ctypes.CDLL(path)
        # One stone takes microseconds, so the GIL is held. Batches release it.
        functions = held.answer, free.cells, free.many, free.boosted, free.networks
    except (OSError, AttributeError):
        return None
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    functions[0].argtypes = [pointer, ctypes.c_char_p, pointer, pointer]
    functions[1].argtypes = [pointer, pointer, count, pointer]
    functions[2].argtypes = [pointer, pointer, pointer, count, pointer, pointer]
    for function in functions[3:]:
        function.argtypes = [pointer, pointer, *[count] * 3, pointer]
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
        return "no C compiler: numpy walks the trees, several times slower"
    aside = path.with_suffix(f".{os.getpid()}")
    # Without contraction: a fused operation rounds once where numpy rounds twice.
    options = ["-O3", "-ffp-contract=off", "-shared", "-fPIC", "-o", str(aside)]
    command = [compiler, *options, str(SOURCE), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        aside.unlink(missing_ok=True)
        return f"{compiler} cannot build {SOURCE.name}: numpy walks the trees\n{done.stderr}"
    for old in SOURCE.parent.glob("walk-*.so"):
        old.unlink()
    aside.replace(path)
    return f"built {path.name}"
