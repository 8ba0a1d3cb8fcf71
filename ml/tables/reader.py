"""The way from a path or an open file to a Table."""

import hashlib
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
from .rows import opened_rows
from .table import columns_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """The content of a data file: its stones, typed, in the file's order; the sha256 (hex) of its bytes
    as stored; its name; and notes on how irregular parts were read."""

    stones: "pd.DataFrame"
    sha256: str
    name: str
    notes: tuple[Note, ...]


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
