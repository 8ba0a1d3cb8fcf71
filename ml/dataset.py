"""Reads a data file into clean stones, and counts the dropped rows by cause.

Called by training, the retrain command, the notebook and the tests.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from . import tables
from .stones import (
    BASIS,
    CODES,
    COLUMNS,
    GRADES,
    LOWEST_FILL,
    MEASURES,
    PRICE,
    SCHEMES,
    SOLID_DIAMOND,
    code_of,
    key_of_values,
)
from .tables import DatasetError, ExtraColumns

__all__ = [
    "CODED_SPLIT_SEED",
    "COLUMNS",
    "DEFAULT_PATH",
    "FENCED",
    "HELD_OUT_SHARE",
    "Cleaned",
    "DatasetError",
    "ExtraColumns",
    "clean",
    "coded",
    "fences",
    "inside_fences",
    "load",
    "own_sha256",
    "read",
    "split",
    "stone_keys",
]

DEFAULT_PATH = Path(__file__).parent.parent / "data" / "diamonds.csv"
FENCED = ("carat", "depth", "table", "price", "volume")
"""Columns whose 1.5 IQR fences bound the coded scheme's stones."""

HELD_OUT_SHARE = 0.3
CODED_SPLIT_SEED = 2022


@dataclass(frozen=True)
class Cleaned:
    """The clean stones of a scheme, and the number of rows dropped by cause."""

    stones: pd.DataFrame
    dropped: dict[str, int]


def read(source=None, name="", ignore_extra=False, currency=BASIS.currency, chosen=None):
    """Read the raw stones of a data file, and how it was read: returns an ml.tables.Table.

    source: a path (default: the project's table), or an open, seekable binary file called `name`.
    currency: the code of its prices. chosen: {column: its heading}, for headings that are not recognised.
    Raises DatasetError; ExtraColumns for columns that stones do not have.
    """
    source = DEFAULT_PATH if source is None else source
    return tables.read(source, name, COLUMNS, ignore_extra, currency=currency, chosen=chosen)


def own_sha256():
    """The sha256 (hex) of the project's own table."""
    return hashlib.sha256(DEFAULT_PATH.read_bytes()).hexdigest()


def load(path=None):
    """The raw stones of a data file, typed: numbers float64, grades str; (n, 10).

    The index is the row's position in the file, from 0; `path` defaults to the project's table.
    Raises DatasetError (line numbers count the header as line 1).
    """
    return read(path).stones


def clean(raw, scheme):
    """The stones of `raw` that a scheme trains on, with the scheme's columns and `price` (USD).

    Coded stones also keep the recorded x, y, z and grades (as <field>_grade). The index of `raw` is
    kept. Raises ValueError for an unknown scheme.
    """
    cleaners = {"coded": _clean_coded, "graded": _clean_graded}
    if scheme not in cleaners:
        raise ValueError(f"unknown scheme {scheme!r}; there are {', '.join(SCHEMES)}")
    return cleaners[scheme](raw)


def _clean_coded(raw):
    """The original recipe: zero drop, coarse codes, then one pass of IQR fences."""
    zero, unpriced = _has_zero_dimension(raw), ~raw.price.between(PRICE.low, PRICE.high)
    measured = raw[~zero & ~unpriced]
    stones = measured.assign(
        volume=(measured.x * measured.y * measured.z).round(3),
        **{f"{field}_grade": measured[field] for field in CODES},
        **{field: coded(measured[field]) for field in CODES},
    )
    inside = inside_fences(stones)
    dropped = {
        "zero dimension": int(zero.sum()),
        "outside the IQR fences": int((~inside.all(axis=1)).sum()),
    }
    if unpriced.any():
        dropped["outside the accepted bounds"] = int((unpriced & ~zero).sum())
    return Cleaned(stones[inside.all(axis=1)], dropped)


def coded(grades):
    """A Series of grade names as the integer codes of the coded scheme; int64, same index."""
    codes = {grade: code_of(grades.name, grade) for grade in GRADES[grades.name]}
    return grades.map(codes).astype("int64")


def fences(stones):
    """Tukey's 1.5 IQR fences of the columns in FENCED: a DataFrame of `low`, `high` by column."""
    columns = stones[list(FENCED)]
    low, high = columns.quantile(0.25), columns.quantile(0.75)
    reach = 1.5 * (high - low)
    return pd.DataFrame({"low": low - reach, "high": high + reach})


def inside_fences(stones):
    """Which values lie inside their column's fences; boolean (n, len(FENCED))."""
    bounds = fences(stones)
    columns = stones[list(FENCED)]
    return (columns >= bounds.low) & (columns <= bounds.high)


def _clean_graded(raw):
    """Drops only what is physically impossible for a polished diamond."""
    causes = {
        "zero dimension": _has_zero_dimension(raw),
        "heavier than solid diamond of its size": raw.carat > SOLID_DIAMOND * _volume(raw),
        "lighter than any cut of its size": raw.carat < LOWEST_FILL * _volume(raw),
        "outside the accepted bounds": _out_of_bounds(raw),
    }
    kept, dropped = pd.Series(True, index=raw.index), {}
    for cause, faulty in causes.items():
        dropped[cause] = int((kept & faulty).sum())
        kept &= ~faulty
    return Cleaned(raw[kept].copy(), dropped)


def _has_zero_dimension(raw):
    return (raw[["x", "y", "z"]] <= 0).any(axis=1)


def _volume(raw):
    return raw.x * raw.y * raw.z


def _out_of_bounds(raw):
    outside = ~raw.price.between(PRICE.low, PRICE.high)
    for column in ("carat", "depth", "table", "x", "y", "z"):
        outside |= ~raw[column].between(MEASURES[column].low, MEASURES[column].high)
    return outside


def split(stones, scheme):
    """(training, held out): two frames, about 70:30, of the clean stones of a scheme.

    graded: by a key of the stone, so that a stone stays on its side whatever other rows the file has.
    coded: as the original system, shuffled from file order; its forest depends on that order.
    """
    if scheme == "coded":
        from sklearn.model_selection import train_test_split

        return train_test_split(stones, test_size=HELD_OUT_SHARE, random_state=CODED_SPLIT_SEED)
    held_out = np.array([_position(key) < HELD_OUT_SHARE for key in stone_keys(stones)])
    return stones[~held_out], stones[held_out]


def _position(key):
    """A stone's fixed position in [0, 1), computed from its key."""
    return int.from_bytes(key[:4], "big") / 2**32


def stone_keys(stones):
    """A stable 16-byte key for each stone, equal for duplicates; the order of x and y does not matter.

    The key leaves out the price: the same stone at two asking prices is one stone.
    """
    grades = [stones.get(f"{field}_grade", stones[field]) for field in GRADES]
    width, length = np.sort(stones[["x", "y"]].to_numpy(), axis=1).T
    numbers = [stones.carat, stones.depth, stones.table, width, length, stones.z]
    hundredths = [np.rint(np.asarray(number) * 100).astype(int) for number in numbers]
    named = [list(map(str, grade)) for grade in grades]
    stones = zip(*named, *[number.tolist() for number in hundredths], strict=True)
    return [key_of_values(stone) for stone in stones]
