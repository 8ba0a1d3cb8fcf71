"""Stones as numbers: a scheme's columns as a float32 matrix, and the features that forests split on.

Grades are stored as ranks (graded, 0 for the worst) or as the contract's codes (coded).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ml.stones import CODES, GRADES, SCHEMES

from .arrays import Array

RANKS = {
    field: {grade: rank for rank, grade in enumerate(names)} for field, names in GRADES.items()
}

INPUT_COUNTS = {"coded": 7, "graded": 13}
"""How many columns a forest splits on."""


def as_matrix(stones: Any, scheme: str) -> Array:
    """Stones as a finite float32 matrix (n, p), in the order of SCHEMES[scheme].

    stones: a DataFrame with the scheme's columns, or such a matrix. Raises ValueError, with the row and
    column, for a missing column, an unknown grade or code, NaN or infinity, a weight or measurement
    that is not positive, a wrong number of columns, and an empty table.
    """
    columns = SCHEMES[scheme]
    matrix = _from_frame(stones, scheme) if hasattr(stones, "columns") else np.asarray(stones)
    if matrix.ndim != 2 or matrix.shape[1] != len(columns):
        expected = f"(n, {len(columns)}): {', '.join(columns)}"
        raise ValueError(f"a matrix of shape {matrix.shape}; expected {expected}")
    if not len(matrix):
        raise ValueError("no stones")
    for place, name in enumerate(columns):
        _refuse(matrix[:, place], name, scheme)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _from_frame(stones: Any, scheme: str) -> Array:
    missing = [column for column in SCHEMES[scheme] if column not in stones.columns]
    if missing:
        raise ValueError(f"missing column {', '.join(missing)}")
    return np.column_stack([_as_numbers(stones[name], scheme) for name in SCHEMES[scheme]])


def _as_numbers(column: Any, scheme: str) -> Array:
    if scheme == "graded" and column.name in GRADES:
        return _as_ranks(column)
    try:
        return column.to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"column {column.name}: holds something that is no number") from None


def _as_ranks(column: Any) -> Array:
    ranks = RANKS[column.name]
    for row, grade in enumerate(column):
        if grade not in ranks:
            raise ValueError(f"row {row}, column {column.name}: unknown grade {grade!r}")
    return np.array([ranks[grade] for grade in column], dtype=np.float64)


def _refuse(values: Array, name: str, scheme: str) -> None:
    if name in GRADES:
        known: Any = CODES[name] if scheme == "coded" else range(len(GRADES[name]))
        faulty = ~np.isin(values, [*known])
    else:
        faulty = ~(np.isfinite(values) & (values > 0))
    if faulty.any():
        row = int(np.argmax(faulty))
        raise ValueError(f"row {row}, column {name}: {values[row]} is not possible")


def row_of(features: Mapping[str, Any], scheme: str) -> Array:
    """One stone ({column: value}, grades as names or codes) as float32 (p,); KeyError if one is missing."""
    values = [features[name] for name in SCHEMES[scheme]]
    if scheme == "graded":
        values[1:4] = (RANKS[name][features[name]] for name in RANKS)
    return np.array(values, np.float32)


def inputs_of_many(matrix: Array, trend: Array, scheme: str) -> Array:
    """The features that a forest splits on; matrix: float32 (n, p); trend: log(USD) (n,); float32 (n, q).

    coded: the columns. graded: also volume (mm³), carat / volume (ct/mm³), asymmetry (longer over
    shorter width) and the trend.
    """
    if scheme == "coded":
        return matrix
    carat, x, y, z = matrix[:, [0, 6, 7, 8]].T.astype(np.float64)
    volume, asymmetry = x * y * z, np.maximum(x, y) / np.minimum(x, y)
    derived = np.column_stack([volume, carat / volume, asymmetry, trend])
    return np.hstack([matrix, derived.astype(np.float32)])


def inputs_of_one(stone: list[float], trend: float, scheme: str) -> list[float]:
    """The same for one stone, a list of floats; returns floats that are not yet rounded to float32."""
    if scheme == "graded":
        carat, (x, y, z) = stone[0], stone[6:9]
        volume = x * y * z
        return [*stone, volume, carat / volume, max(x, y) / min(x, y), trend]
    return stone


def of_each(function: Callable[[float], float], values: Array) -> Array:
    """Apply a function of floats to each value: float64 (n,). For math.log and math.exp: numpy's own may
    differ in the last bit."""
    return np.fromiter(map(function, values.tolist()), np.float64, len(values))
