"""The way from a path or an open file to a Table."""

import hashlib
import io
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ml.stones import BASIS, COLUMNS

from .cells import frame_of
from .errors import DatasetError, Note
from .files import HEAD, LIMIT, opened, packing, unpacked
from .table import columns_of
from .text import encoding_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """What a data file holds: its stones, typed, in the file's order; the sha256 (hex) of its bytes,
    as they are; what it is called; and what was made of it where it is not as plain as could be."""

    stones: "pd.DataFrame"
    sha256: str
    name: str
    notes: tuple


def read(source, name="", columns=COLUMNS, ignore_extra=False, limit=None, currency=BASIS.currency):
    """The Table of a path, or of a seekable binary file that is open and called `name`.

    limit: so many bytes are read, unpacked; by default LIMIT. While it is read a row takes 4 bytes a
    column, and a text that differs from all others of its column some 150 more. currency: what may
    stand beside prices, a code of ml.stones.CURRENCIES.
    Raises DatasetError, whose message is one line.
    """
    is_open = hasattr(source, "read")
    name = _on_one_line(name if is_open else source)
    try:
        with nullcontext(source) if is_open else opened(source) as file:
            return _table(file, name, columns, ignore_extra, limit or LIMIT, currency)
    except DatasetError as error:
        error.name = name
        raise


def _table(file, name, columns, ignore_extra, limit, currency):
    """Unpacks twice: all of it for its encoding, whereby it is shown to be whole, then for its cells."""
    kind = packing(_head(file), name)
    with unpacked(file, kind, limit) as stream:
        encoding, notes = encoding_of(stream, kind)
    with unpacked(file, kind, limit) as stream:
        text = io.TextIOWrapper(stream, encoding, newline="")
        found, of_table = columns_of(text, columns, ignore_extra)
    stones, of_cells = frame_of(found, currency)
    if kind:
        notes.insert(0, Note("unpacked: it is a {kind} file", kind=kind))
    return Table(stones, _sha256(file), name, (*notes, *of_table, *of_cells))


def _sha256(file):
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in iter(partial(file.read, 2**20), b""):
        digest.update(chunk)
    return digest.hexdigest()


def _head(file):
    file.seek(0)
    return file.read(HEAD)


def _on_one_line(name):
    """A file's name as a message can hold it, whatever bytes it is made of."""
    name = str(name)
    return name if name.isprintable() else repr(name)
