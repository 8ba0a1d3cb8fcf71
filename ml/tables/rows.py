"""From an open file to its header and its rows of cells, one row at a time, for every file type.

The csv module parses text: pyarrow.csv was tried, and drops rows of another length or stops at them,
and reads a missing quotation mark as a long cell. Called by sheet.py, table.py and, in predictor, by
scoring.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from .errors import DatasetError, Note, gettext_noop
from .files import HEAD, LIMIT, is_workbook, packing, unpacked
from .formulas import rearmed
from .headings import recognised
from .text import Recoded, as_text
from .workbook import WorkbookRows

SEPARATORS = {
    ",": gettext_noop("commas"),
    ";": gettext_noop("semicolons"),
    "\t": gettext_noop("tabs"),
    "|": gettext_noop("bars"),
}
MOST_COLUMNS = 2_000
MOST_OF_HEADER = 50
"""The most lines that a header may have."""

SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""A line that Excel writes and reads: it names the separator of the lines below it."""

EMPTY = gettext_noop("the file is empty")
TOO_WIDE = gettext_noop("the header has more than {most} columns")
NO_CSV = gettext_noop(
    "line {line} is not valid CSV: a quotation mark is missing or there is one too many"
)
ENDLESS_CELL = gettext_noop(
    "line {line}: a cell has over {most} characters, or a quotation mark is missing"
)
OTHER_WIDTH = gettext_noop(
    "line {line}: the header has {width} cells, this line {count}: a separator too many or too few, or "
    "a decimal comma without quotes"
)


class Rows:
    """The rows of a table under its header; an iterator of lists of cells.

    header: the names of the columns as written, stripped. line: the first line of the row returned last,
    from 1. separator: the character between cells. notes: on how the file was read, complete once all
    rows were read.
    """

    def __init__(
        self,
        reader: Any,
        header: list[str],
        line: int,
        separator: str,
        notes: list[Note],
        source: Recoded | None = None,
    ) -> None:
        self.reader, self.header, self.line = reader, header, line
        self.separator, self.notes, self.source, self.before = separator, notes, source, line

    @property
    def size(self) -> int:
        """The number of bytes of text read; 0 for a workbook."""
        return self.source.size if self.source else 0

    @property
    def for_spreadsheets(self) -> bool:
        """Whether a spreadsheet wrote the file, as its byte-order mark or its encoding shows."""
        return self.source is None or self.source.is_marked

    def __iter__(self) -> Iterator[list[str]]:
        """Raises DatasetError if the file stops being a table at some line."""
        reader, line = self.reader, self.before + 1
        source = self.source
        try:
            for cells in reader:
                self.line, line = line, self.before + reader.line_num + 1
                if source and source.has_apostrophe:
                    cells = [rearmed(cell) for cell in cells]
                yield cells
        except csv.Error as error:
            raise _no_csv(error, line) from None


@contextmanager
def opened_rows(file: BinaryIO, name: str = "", limit: int | None = LIMIT) -> Iterator[Rows]:
    """The Rows of an open, seekable binary file. Raises DatasetError, here or while they are read.

    name: the file's name, whose ending must not contradict how the file is compressed. limit: the most
    bytes that are read, decompressed; None for all.
    """
    file.seek(0)
    kind = packing(file.read(HEAD), name)
    if kind == "zip" and is_workbook(file):
        notes: list[Note] = []
        yield _rows_of_workbook(WorkbookRows(file, limit or LIMIT, MOST_COLUMNS, notes), notes)
        return
    notes = [Note("unpacked: it is a {kind} file", kind=kind)] if kind else []
    with unpacked(file, kind, limit) as stream:
        source = Recoded(stream, kind, notes)
        yield _rows_of_text(as_text(source), source, notes)


def _rows_of_workbook(reader: WorkbookRows, notes: list[Note]) -> Rows:
    header = next((cells for cells in reader if any(map(str.strip, cells))), None)
    if header is None:
        raise DatasetError(EMPTY)
    while header and not header[-1].strip():
        header.pop()
    rows = (cells[: max(len(header), _filled(cells))] for cells in reader)
    return Rows(_Numbered(rows, reader), _names(header), reader.line_num, ",", notes)


class _Numbered:
    """An iterator whose line_num counts from the header on, like that of csv.reader."""

    def __init__(self, rows: Iterator[list[str]], reader: WorkbookRows) -> None:
        self.rows, self.reader, self.before = rows, reader, reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        return self.rows

    @property
    def line_num(self) -> int:
        return self.reader.line_num - self.before


def _filled(cells: list[str]) -> int:
    """The number of a row's cells up to the last one that is not blank."""
    if not any(cells):  # as in most of a workbook's skipped rows, each of which is wide
        return 0
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1].strip()), 0)


def _rows_of_text(text: io.TextIOWrapper, source: Recoded, notes: list[Note]) -> Rows:
    begins, first = _first_line(text, 0)
    marks = [*SEPARATORS]
    if (declared := SEPARATOR_LINE.fullmatch(first[:20])) and declared[1] in SEPARATORS:
        marks = [declared[1]]
        begins, first = _first_line(text, begins)
    head = _header_lines(first, text)
    separator, header = _split_best(head, marks, begins)
    if separator != ",":
        notes.append(Note("cells are separated by {marks}", marks=SEPARATORS[separator]))
    line = begins + len(head) - 1
    reader = _reader(text, separator)
    return Rows(reader, _names(header), line, separator, notes, source)


def _first_line(text: Iterable[str], before: int) -> tuple[int, str]:
    """(number, line) of the first line that is not blank, counting from `before`."""
    for number, line in enumerate(text, before + 1):
        if line.strip():
            return number, line
    raise DatasetError(EMPTY)


def _header_lines(first: str, text: Iterator[str]) -> list[str]:
    """The lines of the header: more than one if a quoted name contains a line break."""
    head, marks = [first], first.count('"')
    while marks % 2 and len(head) < MOST_OF_HEADER and (line := next(text, "")):
        head.append(line)
        marks += line.count('"')
    return head


def _reader(lines: Iterable[str], separator: str) -> Any:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def _split_best(head: list[str], marks: list[str], line: int) -> tuple[str, list[str]]:
    """(separator, cells) of a header, with the separator that gives the most known headings."""
    found: list[tuple[int, int, str, list[str]]] = []
    refused = DatasetError(NO_CSV, line=line)
    for mark in marks:
        try:
            cells = next(_reader(head, mark))
        except csv.Error as error:
            refused = _no_csv(error, line)
            continue
        found.append((recognised(cells), len(cells), mark, cells))
    if not found:
        raise refused
    _, _, separator, cells = max(found, key=lambda one: one[:2])
    return separator, cells


def _no_csv(error: csv.Error, line: int) -> DatasetError:
    """An error of the csv module about a line, as a DatasetError."""
    if str(error).startswith("field larger"):
        return DatasetError(ENDLESS_CELL, line=line, most=f"{csv.field_size_limit():,}")
    return DatasetError(NO_CSV, line=line)


def _names(cells: list[str]) -> list[str]:
    if len(cells) > MOST_COLUMNS:
        raise DatasetError(TOO_WIDE, most=f"{MOST_COLUMNS:,}")
    return [rearmed(cell.strip()) for cell in cells]


def is_blank(cells: list[str]) -> bool:
    """Whether a row has no value, however many separators it has."""
    return not any(map(str.strip, cells))


def fitted(cells: list[str], width: int, needed: int, line: int) -> list[str]:
    """A row's cells, as many as the columns: empty cells at its end may be missing or extra.

    needed: the least number of cells. Raises DatasetError, with the line, for another number of cells.
    """
    if len(cells) < needed or any(map(str.strip, cells[width:])):
        raise DatasetError(OTHER_WIDTH, line=line, width=width, count=len(cells))
    return [*cells[:width], *[""] * (width - len(cells))]
