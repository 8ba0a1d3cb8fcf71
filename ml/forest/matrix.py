"""Stones as numbers: a scheme's columns as a float32 matrix, and the features that forests split on.

Grades are stored as ranks (graded, 0 for the worst) or as the contract's codes (coded).
"""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np

from ml.stones import CODES, GRADES, SCHEMES
from ml.vocabulary import DEFAULT, NOT_STATED, Vocabulary

from .arrays import Array

RANKS = {
    field: {grade: rank for rank, grade in enumerate(names)} for field, names in GRADES.items()
}

VALUES_OF = {scheme: itemgetter(*columns) for scheme, columns in SCHEMES.items()}
"""The values of a stone, {column: value}, in the order of a scheme's columns."""

INPUT_COUNTS = {"coded": 7, "graded": 13}
"""How many columns a forest splits on, if it has no boosted trend."""

FEATURES = (
    "carat",
    "cut",
    "color",
    "clarity",
    "depth",
    "table",
    "smaller diameter",
    "larger diameter",
    "height",
    "volume",
    "fill",
    "asymmetry",
    "table's decimals",
    "ridge trend",
    "shop",
)
"""What a boosted trend splits on. The order of the diameters has a part only in the last one."""

SHOP = FEATURES.index("shop")
BOOSTED_INPUTS = len(FEATURES) + 1
"""How many columns a forest with a boosted trend splits on: also the trend."""

OWN_FEATURES = (*FEATURES[:6], "fill", "asymmetry", "ridge trend")
"""What a boosted trend splits on if there are optional properties: these, the properties, and as many of
MORE_FEATURES as there is room for. Weight, fill, depth and asymmetry determine the others. There is no shop
then; walk.c reads the feature in its place like the others."""

MORE_FEATURES = ("volume", "larger diameter", "smaller diameter", "height", "table's decimals")


def features_of(vocabulary: Vocabulary = DEFAULT) -> tuple[str, ...]:
    """The names of what a boosted trend splits on; len(FEATURES) of them."""
    if not vocabulary.optional:
        return FEATURES
    names = (*OWN_FEATURES, *vocabulary.names)
    return (*names, *MORE_FEATURES[: len(FEATURES) - len(names)])


def as_matrix(stones: Any, scheme: str, vocabulary: Vocabulary = DEFAULT) -> Array:
    """Stones as a finite float32 matrix (n, p), in the order of the vocabulary's columns of the scheme.

    stones: a DataFrame with the scheme's columns and any of the optional ones ("" or a missing column is
    not stated), or such a matrix. Raises ValueError, with the row and column, for a missing column, an
    unknown grade, level or code, NaN or infinity, a weight or measurement that is not positive, a wrong
    number of columns, and an empty table.
    """
    columns = vocabulary.columns(scheme)
    is_table = hasattr(stones, "columns")
    matrix = _from_frame(stones, scheme, vocabulary) if is_table else np.asarray(stones)
    if matrix.ndim != 2 or matrix.shape[1] != len(columns):
        expected = f"(n, {len(columns)}): {', '.join(columns)}"
        raise ValueError(f"a matrix of shape {matrix.shape}; expected {expected}")
    if not len(matrix):
        raise ValueError("no stones")
    for place, name in enumerate(columns):
        _refuse(matrix[:, place], name, scheme, vocabulary)
    return np.ascontiguousarray(_assumed(matrix, scheme, vocabulary), dtype=np.float32)


def _assumed(matrix: Array, scheme: str, vocabulary: Vocabulary) -> Array:
    """The same with the assumed levels of optional properties that are not stated."""
    some = [one for one in vocabulary.optional if one.assumed != NOT_STATED]
    if not some:
        return matrix
    columns, matrix = vocabulary.columns(scheme), matrix.copy()
    for one in some:
        column = matrix[:, columns.index(one.name)]
        column[column == 0] = one.levels.index(one.assumed)
    return matrix


def _from_frame(stones: Any, scheme: str, vocabulary: Vocabulary) -> Array:
    missing = [column for column in SCHEMES[scheme] if column not in stones.columns]
    if missing:
        raise ValueError(f"missing column {', '.join(missing)}")
    columns = [_as_numbers(stones[name], scheme, vocabulary) for name in SCHEMES[scheme]]
    for name in vocabulary.names:
        stated = name in stones.columns
        columns.append(_as_ranks(stones[name], vocabulary) if stated else np.zeros(len(stones)))
    return np.column_stack(columns)


def _as_numbers(column: Any, scheme: str, vocabulary: Vocabulary) -> Array:
    if scheme == "graded" and column.name in GRADES:
        return _as_ranks(column, vocabulary)
    try:
        return column.to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"column {column.name}: holds something that is no number") from None


def _as_ranks(column: Any, vocabulary: Vocabulary) -> Array:
    ranks = vocabulary.numbers[column.name]
    for row, grade in enumerate(column):
        if grade not in ranks:
            raise ValueError(f"row {row}, column {column.name}: unknown grade {grade!r}")
    return np.array([ranks[grade] for grade in column], dtype=np.float64)


def _refuse(values: Array, name: str, scheme: str, vocabulary: Vocabulary) -> None:
    if name in GRADES or name in vocabulary.names:
        coded = scheme == "coded"
        known: Any = CODES[name] if coded else range(len(vocabulary.levels(name)))
        faulty = ~np.isin(values, [*known])
    else:
        faulty = ~(np.isfinite(values) & (values > 0))
    if faulty.any():
        row = int(np.argmax(faulty))
        raise ValueError(f"row {row}, column {name}: {values[row]} is not possible")


def row_of(features: Mapping[str, Any], scheme: str, vocabulary: Vocabulary = DEFAULT) -> Array:
    """One stone ({column: value}, grades as names or codes) as float32 (p,); KeyError if one is missing or
    unknown. Optional properties may be missing, or None: then they are not stated."""
    return np.array(_values_of(features, scheme, vocabulary), np.float32)


def rows_of(
    stones: Iterable[Mapping[str, Any]], scheme: str, vocabulary: Vocabulary = DEFAULT
) -> Array:
    """The same for n stones, in a third of the time; float32 (n, p)."""
    return np.array([_values_of(stone, scheme, vocabulary) for stone in stones], np.float32)


def _values_of(features: Mapping[str, Any], scheme: str, vocabulary: Vocabulary) -> list[Any]:
    values = [*VALUES_OF[scheme](features)]
    if scheme == "graded":
        numbers = vocabulary.numbers
        for place, name in enumerate(GRADES, start=1):
            values[place] = numbers[name][values[place] or NOT_STATED]
        for name in vocabulary.names:
            values.append(numbers[name][features.get(name) or NOT_STATED])
    return values


def renumbered(recorded: Mapping[str, Array], own: Vocabulary, other: Vocabulary) -> Array:
    """The n training stones of a graded version as another vocabulary numbers them; float32 (n, p), with
    NaN for what that one does not know.

    recorded: {column: numbers} by their own vocabulary. A property that they do not have is its fact, or
    not stated.
    """
    count, columns = len(recorded["carat"]), other.columns("graded")
    matrix = np.column_stack([_renumbered(recorded, n, own, other, count) for n in columns])
    for name in (name for name in own.names if name not in other.names):
        known = {NOT_STATED, other.facts.get(name)}
        is_known = np.array([level in known for level in own.levels(name)])
        matrix[~is_known[np.asarray(recorded[name], int)], 0] = np.nan
    return matrix.astype(np.float32)


def _renumbered(
    recorded: Mapping[str, Array], name: str, own: Vocabulary, other: Vocabulary, count: int
) -> Array:
    numbers = other.numbers.get(name)
    if numbers is None:
        return np.asarray(recorded[name], np.float64)
    if name not in recorded:
        return np.full(count, numbers.get(own.facts.get(name, NOT_STATED), np.nan))
    of_levels = np.array([numbers.get(level, np.nan) for level in own.levels(name)])
    return of_levels[np.asarray(recorded[name], int)]


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


def features_of_many(matrix: Array, ridge: Array, vocabulary: Vocabulary = DEFAULT) -> Array:
    """The features of n stones, as `features_of` names them; matrix: float32 (n, p); ridge: log(USD) by the
    ridge trend (n,); float32.

    shop: 1 where x > y, -1 where x < y, otherwise 0. Volume: mm³; fill: ct/mm³; asymmetry: longer over
    shorter diameter; decimals: hundredths.
    """
    carat, table, x, y, z = matrix[:, [0, 5, 6, 7, 8]].T.astype(np.float64)
    smaller, larger, volume = np.minimum(x, y), np.maximum(x, y), x * y * z
    measured = [smaller, larger, z, volume, carat / volume, larger / smaller]
    others = [np.rint(100 * table) % 100, ridge, np.sign(x - y)]
    features = np.column_stack([matrix[:, :6], *measured, *others]).astype(np.float32)
    if not vocabulary.optional:
        return features
    known = dict(zip((*FEATURES, *vocabulary.names), [*features.T, *matrix[:, 9:].T], strict=True))
    return np.column_stack([known[name] for name in features_of(vocabulary)])


def features_of_one(
    stone: list[float], ridge: float, vocabulary: Vocabulary = DEFAULT
) -> list[float]:
    """The same for one stone, a list of floats; returns floats that are not yet rounded to float32."""
    carat, table, (x, y, z) = stone[0], stone[5], stone[6:9]
    smaller, larger, volume = min(x, y), max(x, y), x * y * z
    measured = (smaller, larger, z, volume, carat / volume, larger / smaller)
    features = [*stone[:6], *measured, round(100 * table) % 100, ridge, (x > y) - (x < y)]
    if not vocabulary.optional:
        return features
    known = dict(zip((*FEATURES, *vocabulary.names), [*features, *stone[9:]], strict=True))
    return [known[name] for name in features_of(vocabulary)]


def with_other_shop(features: Array) -> Array:
    """The FEATURES of n stones with the diameters in the other order; float32 (n, q)."""
    other = features.copy()
    other[:, SHOP] = -features[:, SHOP]
    return other


def of_each(function: Callable[[float], float], values: Array) -> Array:
    """Apply a function of floats to each value: float64 (n,). For math.log and math.exp: numpy's own may
    differ in the last bit."""
    return np.fromiter(map(function, values.tolist()), np.float64, len(values))
