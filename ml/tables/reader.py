"""The way from a path or an open file to a Table."""

import hashlib
from array import array
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from ml.stones import BASIS, COLUMNS

from .cells import frame_of
from .errors import DatasetError, Note
from .files import LIMIT, opened
from .headings import Chosen
from .lists import LeftOut, read_rows
from .rows import opened_rows
from .table import columns_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """The content of a data file: its stones, typed, in the file's order; the sha256 (hex) of its bytes
    as stored; its name; notes on how irregular parts were read; the rows of a list that are left out, and
    the number of all of its rows."""

    stones: "pd.DataFrame"
    sha256: str
    name: str
    notes: tuple[Note, ...]
    left_out: tuple[LeftOut, ...] = ()
    rows: int = 0


def read(
    source: Any,
    name: str = "",
    columns: Sequence[str] = COLUMNS,
    ignore_extra: bool = False,
    limit: int | None = None,
    currency: str = BASIS.currency,
    chosen: Chosen | None = None,
) -> Table:
    """The Table of a path, or of an open, seekable binary file called `name`.

    limit: the most bytes that are read, decompressed; by default LIMIT. In memory a row takes 4 bytes a
    column while the file is read, and each distinct text of a column about 150 more. currency: what
    prices may be marked with, a code of ml.stones.CURRENCIES. chosen: {column: its heading}.
    Raises DatasetError, whose message is one line.
    """
    is_open = hasattr(source, "read")
    name = _on_one_line(name if is_open else source)
    try:
        with nullcontext(source) if is_open else opened(source) as file:
            with opened_rows(file, name, limit or LIMIT) as rows:
                found, of_table = columns_of(rows, columns, currency, ignore_extra, chosen)
            stones, of_cells = frame_of(found, currency)
            return Table(stones, _sha256(file), name, (*rows.notes, *of_table, *of_cells))
    except DatasetError as error:
        error.name = name
        raise


def read_list(
    source: Any,
    name: str = "",
    limit: int | None = None,
    currency: str = BASIS.currency,
    chosen: Chosen | None = None,
) -> tuple[Table, "array[int]"]:
    """(the Table of a shop's list of stones, the line of each of its rows); arguments as for `read`.

    Its stones have the optional columns that the list has, and `report`; their index is the row's place.
    Raises DatasetError for a file that is not a list of stones with prices.
    """
    is_open = hasattr(source, "read")
    name = _on_one_line(name if is_open else source)
    try:
        with nullcontext(source) if is_open else opened(source) as file:
            with opened_rows(file, name, limit or LIMIT) as rows:
                found = read_rows(rows, currency, chosen)
            notes = (*rows.notes, *found.notes)
            count = len(found.stones) + len(found.left_out)
            digest = _sha256(file)
        table = Table(found.stones, digest, name, notes, tuple(found.left_out), count)
        return table, found.lines
    except DatasetError as error:
        error.name = name
        raise


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in iter(partial(file.read, 2**20), b""):
        digest.update(chunk)
    return digest.hexdigest()


def _on_one_line(name: Any) -> str:
    """A file's name for a message of one line, whatever bytes it contains."""
    name = str(name)
    return name if name.isprintable() else repr(name)
