"""A small file of rows as a whole; uploads are read with it."""

import io
from dataclasses import dataclass

from .errors import DatasetError, Note, gettext_noop
from .files import size
from .headings import recognised
from .rows import fitted, is_blank, opened_rows

UNPACKED = 5
TOO_MANY_BYTES = gettext_noop("the file is larger than {limit}")
TOO_MANY_ROWS = gettext_noop("the file has more than {most} rows")
NO_HEADER = gettext_noop("line {line} does not name columns: remove the lines above those that do")
NO_ROWS = gettext_noop("no rows below the header")
BLANK_ROWS = gettext_noop("rows without any value, left out: {count:,}")


@dataclass(frozen=True)
class Sheet:
    """header: its cells. columns: the same made unique, none of them empty. rows: [(line of the file,
    [cell, …]), …], each as long as the header. separator: the character between cells. line: the
    header's. notes: [Note, …]."""

    header: list[str]
    columns: list[str]
    rows: list[tuple[int, list[str]]]
    separator: str
    line: int
    notes: list[Note]


def read_sheet(content: bytes, name: str, most_rows: int, most_bytes: int) -> Sheet:
    """The Sheet of a file's bytes; raises DatasetError.

    most_bytes: as sent; decompressed it may be UNPACKED times as large.
    """
    if len(content) > most_bytes:
        raise DatasetError(TOO_MANY_BYTES, limit=size(most_bytes))
    with opened_rows(io.BytesIO(content), name, UNPACKED * most_bytes) as found:
        header, line, rows, blank = _trimmed(found.header), found.line, [], 0
        for cells in found:
            if is_blank(cells):
                blank += len(cells) > 1
                continue
            if len(cells) > len(header) and not recognised(header):
                raise DatasetError(NO_HEADER, line=line)
            rows.append((found.line, fitted(cells, len(header), 1, found.line)))
            if len(rows) > most_rows:
                raise DatasetError(TOO_MANY_ROWS, most=f"{most_rows:,}")
    if not rows:
        raise DatasetError(NO_ROWS)
    notes = [*found.notes, *([Note(BLANK_ROWS, count=blank)] if blank else [])]
    return Sheet(header, _named(header), rows, found.separator, line, notes)


def _trimmed(header: list[str]) -> list[str]:
    """The cells of a header without the empty cells at its end."""
    width = next((place for place in range(len(header), 0, -1) if header[place - 1]), 0)
    return header[:width]


def _named(header: list[str]) -> list[str]:
    """The names of the columns as unique keys: none is empty or repeated."""
    names: dict[str, None] = {}
    for place, name in enumerate(header, 1):
        name = name or f"column {place}"
        while name in names:
            name = f"{name} ({place})"
        names[name] = None
    return [*names]
