"""From an Excel workbook (.xlsx) to rows of text, one row at a time. Called by rows.py.

openpyxl reads it. It decompresses with Python's zipfile, which limits each file in the archive to the
size stated in its directory, so that the sizes can be checked before anything is decompressed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO, TypeVar
from zipfile import BadZipFile, ZipFile

from ml.stones import bounded

from .errors import DatasetError, Note, gettext_noop, quoted
from .files import size

T = TypeVar("T")
LIMIT = 2**26
"""Bytes, decompressed: the most that is read of a workbook, some 300,000 rows."""

MOST_FILES = 1_000
MOST_BLANK = 10_000
"""Consecutive rows without a cell; a workbook can skip a million of them in a few bytes."""

LITERAL = re.compile(r'"[^"]*"|\\.|_.|\[[^][]*\]')
"""What a number's format shows as it stands: 0.0"%" puts the sign after a number that is in percent."""

TOO_LARGE = gettext_noop("is larger than {limit} when unpacked")
DAMAGED = gettext_noop("the Excel workbook is damaged: save it again, or save the table as CSV")
MOSTLY_BLANK = gettext_noop("line {line}: over {most} blank rows before it")
NO_SHEET = gettext_noop("the Excel workbook has no sheet with cells")


def check_size(file: BinaryIO, limit: int) -> None:
    """Raises DatasetError if a workbook decompresses to more than a limit, in bytes."""
    entries = ZipFile(file).infolist()
    limit = min(limit, LIMIT)
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > limit:
        raise DatasetError(TOO_LARGE, limit=size(limit))


class WorkbookRows:
    """The rows of the first sheet that has any; an iterator of lists of texts, like csv.reader.

    line_num: the number of the sheet's rows read. Raises DatasetError, here or while it is read.
    """

    def __init__(self, file: BinaryIO, limit: int, most_columns: int, notes: list[Note]) -> None:
        check_size(file, limit)
        self.line_num = 0
        self.rows = _guarded(lambda: self._rows(file, most_columns, notes))

    def __iter__(self) -> "WorkbookRows":
        return self

    def __next__(self) -> list[str]:
        cells = _guarded(lambda: next(self.rows, None))
        if cells is None:
            raise StopIteration
        return cells

    def _rows(self, file: BinaryIO, most_columns: int, notes: list[Note]) -> Iterator[list[str]]:
        from openpyxl import load_workbook

        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        filled = [sheet for sheet in sheets if _has_cells(sheet)]
        if not filled:
            raise DatasetError(NO_SHEET)
        if others := filled[1:]:
            names = ", ".join(quoted(sheet.title) for sheet in others[:3])
            notes.append(
                Note(
                    "the sheet {name} is read; left out: {others}",
                    name=quoted(filled[0].title),
                    others=names + ", …" * bool(others[3:]),
                )
            )
        return self._texts(filled[0].iter_rows(max_col=most_columns + 1))

    def _texts(self, rows: Iterable[Any]) -> Iterator[list[str]]:
        blank, before = 0, None
        cells: list[str] = []
        for self.line_num, row in enumerate(rows, 1):
            if row is not before:  # for rows that the file skips openpyxl gives one and the same
                before, cells = row, [_text(cell) for cell in row]
            blank = 0 if any(cells) else blank + 1
            if blank > MOST_BLANK:
                raise DatasetError(MOSTLY_BLANK, line=self.line_num, most=f"{MOST_BLANK:,}")
            yield cells


def _has_cells(sheet: Any) -> bool:
    sheet.reset_dimensions()  # programs other than Excel write wrong ones
    return any(any(cell.value is not None for cell in row) for row in islice(sheet.iter_rows(), 50))


def _guarded(call: Callable[[], T]) -> T:
    """Calls openpyxl; raises DatasetError if it cannot read the file."""
    try:
        return call()
    except DatasetError:
        raise
    except (BadZipFile, OSError, EOFError, LookupError, SyntaxError, TypeError, ValueError):
        raise DatasetError(DAMAGED) from None


def _text(cell: Any) -> str:
    """A cell as the sheet shows it: 61.5 for 0.615 in a cell with the percentage format."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float | int):
        value = value * 100 if _is_percentage(cell.number_format) else value
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        value = value.date()
    return value.isoformat() if isinstance(value, date) else str(value)


@lru_cache(maxsize=1000)
def _is_percentage(number_format: str) -> bool:
    return "%" in LITERAL.sub("", bounded(number_format))
