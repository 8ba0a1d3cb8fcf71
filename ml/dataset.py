"""Reads a data file into clean stones, and counts the dropped rows by cause.

Called by training, the retrain command, the notebook and the tests.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from . import tables
from .stones import (
    BASIS,
    CODES,
    COLUMNS,
    GRADES,
    KEYED,
    LOWEST_FILL,
    MEASURES,
    OF_KIND,
    PRICE,
    SCHEMES,
    SOLID_DIAMOND,
    code_of,
    report_key,
)
from .stones import stone_keys as keys_of
from .tables import DatasetError, ExtraColumns
from .vocabulary import NOT_STATED, OPTIONAL

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
    "is_own",
    "known_by",
    "load",
    "own_sha256",
    "read",
    "read_list",
    "split",
    "stone_keys",
]

DEFAULT_PATH = Path(__file__).parent.parent / "data" / "diamonds.csv"
FENCED = ("carat", "depth", "table", "price", "volume")
"""Columns whose 1.5 IQR fences bound the coded scheme's stones."""

OWN_FACTS = {"shape": "Round", "origin": "Natural"}
"""What is true of all stones of the project's own table."""

FAR, FEW_OF_SHAPE = 6, 100
"""How many interquartile ranges from its shape's median a stone's proportions are impossible; the fewest
stones of a shape that this is judged by."""

HELD_OUT_SHARE = 0.3
CODED_SPLIT_SEED = 2022


@dataclass(frozen=True)
class Cleaned:
    """The clean stones of a scheme, the number of rows dropped by cause, and the cause of each dropped row
    by its index (graded only)."""

    stones: pd.DataFrame
    dropped: dict[str, int]
    causes: pd.Series | None = None


def read(source=None, name="", ignore_extra=False, currency=BASIS.currency, chosen=None):
    """Read the raw stones of a data file, and how it was read: returns an ml.tables.Table.

    source: a path (default: the project's table), or an open, seekable binary file called `name`.
    currency: the code of its prices. chosen: {column: its heading}, for headings that are not recognised.
    Raises DatasetError; ExtraColumns for columns that stones do not have.
    """
    source = DEFAULT_PATH if source is None else source
    return tables.read(source, name, COLUMNS, ignore_extra, currency=currency, chosen=chosen)


def read_list(source, name="", currency=BASIS.currency, chosen=None):
    """Read a shop's list: returns an ml.tables.Table without the rows that cannot be used, which are in its
    `left_out`: those that were not understood, and those that are impossible.

    Of a list with the columns and grades of the project's table, only `clean` drops what is impossible.
    Raises DatasetError.
    """
    table, lines = tables.read_list(source, name, currency=currency, chosen=chosen)
    if not is_own(table.stones):
        stones = table.stones[list(COLUMNS)].reset_index(drop=True)
        return replace(table, stones=stones)
    cleaned = clean(table.stones, "graded")
    impossible = [
        tables.LeftOut(lines[row], tables.Note(cause)) for row, cause in cleaned.causes.items()
    ]
    left_out = sorted((*table.left_out, *impossible), key=lambda one: one.line)
    stones = cleaned.stones.reset_index(drop=True)
    return replace(table, stones=stones, left_out=tuple(left_out))


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


def is_own(stones):
    """Whether a table has optional properties or report numbers, or grades that the project's own table
    does not have."""
    if any(name in stones for name in (*OPTIONAL, "report")):
        return True
    return any(not stones[name].isin(grades).all() for name, grades in GRADES.items())


def known_by(stones, vocabulary):
    """Whether a version with a vocabulary can price each of the stones: it knows their grades and levels,
    and they contradict none of its facts; boolean (n,). A version without shapes or origins knows round and
    natural stones only, as the project's table has them. Of coded stones, the recorded grades are looked
    at."""
    known = np.ones(len(stones), bool)
    facts = {**OWN_FACTS, **vocabulary.facts}
    possible = {name: (NOT_STATED, fact) for name, fact in facts.items()}
    possible |= {name: vocabulary.levels(name) for name in (*GRADES, *vocabulary.names)}
    for name, values in possible.items():
        recorded = stones.get(f"{name}_grade", stones.get(name))
        if recorded is not None:
            known &= recorded.isin(values).to_numpy()
    return known


def by_shape(stones):
    """{shape: index of its stones}; {"": all} for a table without shapes."""
    if "shape" not in stones:
        return {NOT_STATED: stones.index}
    return stones.groupby("shape").groups


def fill_of(stones):
    """The weight of each stone by the volume of the box around it, ct/mm³; a float64 Series (n,)."""
    return stones.carat / _volume(stones)


def ratio_of(stones):
    """The longer over the shorter side of each stone; a float64 Series (n,)."""
    sides = stones[["x", "y"]]
    return sides.max(axis=1) / sides.min(axis=1)


def _far_from_its_shape(raw, values, least):
    """The stones whose value is far outside the quartiles of their shape, in log; a boolean Series. least:
    a ratio from the median that is never far."""
    far = pd.Series(False, index=raw.index)
    logs = np.log(values.where(values > 0))
    for rows in by_shape(raw).values():
        if len(rows) < FEW_OF_SHAPE:
            continue
        low, median, high = logs[rows].quantile([0.25, 0.5, 0.75])
        reach = max(FAR * (high - low), np.log(least))
        far[rows] = (logs[rows] - median).abs() > reach
    return far


def _clean_graded(raw):
    """Drops only what is physically impossible for a polished diamond, and in an own list what is
    impossible for its shape."""
    causes = {
        "zero dimension": _has_zero_dimension(raw),
        "heavier than solid diamond of its size": raw.carat > SOLID_DIAMOND * _volume(raw),
        "lighter than any cut of its size": raw.carat < LOWEST_FILL * _volume(raw),
        "outside the accepted bounds": _out_of_bounds(raw),
    }
    if is_own(raw):
        causes |= _by_its_shape(raw)
    why, dropped = pd.Series("", index=raw.index), {}
    for cause, faulty in causes.items():
        why = why.mask(faulty & (why == ""), cause)
        dropped[cause] = int((why == cause).sum())
    kept = why == ""
    return Cleaned(raw[kept].copy(), dropped, why[~kept])


def _by_its_shape(raw):
    fill, ratio = fill_of(raw), ratio_of(raw)
    return {
        "weight and measurements impossible for the shape": _far_from_its_shape(raw, fill, 1.2),
        "length and width impossible for the shape": _far_from_its_shape(raw, ratio, 1.3),
    }


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
    held_out = np.array([_position(key) < HELD_OUT_SHARE for key in listing_keys(stones)])
    return stones[~held_out], stones[held_out]


def _position(key):
    """A stone's fixed position in [0, 1), computed from its key."""
    return int.from_bytes(key[:4], "big") / 2**32


def stone_keys(stones):
    """The keys of stones, a DataFrame of either scheme, as from ml.stones.stone_keys."""
    recorded = {name: stones.get(f"{name}_grade", stones[name]) for name in KEYED}
    kinds = {name: stones[name] for name in OF_KIND if name in stones}
    return keys_of(recorded | kinds)


def listing_keys(stones):
    """The same, but by report number where a stone has one."""
    keys = stone_keys(stones)
    if "report" not in stones:
        return keys
    return [
        report_key(number) if number else key
        for number, key in zip(stones["report"], keys, strict=True)
    ]


def is_among(stones, keys):
    """Whether each of the stones has one of the keys, by report number or by its measures; boolean (n,)."""
    by_listing = zip(stone_keys(stones), listing_keys(stones), strict=True)
    return np.array([not keys.isdisjoint(one) for one in by_listing], bool)
