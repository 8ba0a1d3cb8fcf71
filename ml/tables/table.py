"""Finds the columns of a table of stones, and reads their cells.

A column stores each distinct text once, with its first line, and a number for each row: a table of
tens of millions of rows has few distinct texts. Called by reader.py.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NoReturn

from .amounts import read_measurements
from .errors import DatasetError, ExtraColumns, Note, quoted
from .headings import HEADINGS, SPREAD, Chosen, Found, find, refuse_other_currency
from .rows import Rows, fitted, is_blank

NAMELESS = re.compile(r"(unnamed: \d+(\.\d+)?)?", re.IGNORECASE)
"""A column without a name: empty, or as pandas names it."""


@dataclass
class Column:
    """The cells of a column: each distinct text with its number, and the number of each row's text.

    lines: the line of each row, from 1; shared by all columns of a table.
    """

    name: str
    lines: "array[int]"
    codes: "array[int]" = field(default_factory=lambda: array("I"))
    texts: dict[str, int] = field(default_factory=lambda: defaultdict(count().__next__))

    def line_of(self, text: str) -> int:
        """The first line that has a text."""
        return self.lines[self.codes.index(self.texts[text])]

    def refuse(self, faulty: Iterable[str], sentence: str, **values: object) -> None:
        """Raises DatasetError for the first line whose text is faulty; `faulty`: texts."""
        wrong = {self.texts[text]: text for text in faulty}
        row = next(row for row, code in enumerate(self.codes) if code in wrong)
        line, text = self.lines[row], wrong[self.codes[row]]
        raise DatasetError(
            "line {line}, column {column}: {value} " + sentence,
            line=line,
            column=self.name,
            value=quoted(text),
            **values,
        )


class Nameless:
    """A column without a name: whether it is empty, or only numbers the rows."""

    def __init__(self) -> None:
        self.empty = self.counts = True

    def add(self, text: str) -> None:
        text = text.strip()
        self.empty &= not text
        self.counts &= text.isdecimal()


@dataclass(frozen=True)
class Header:
    """The indexes of the columns that were found, and of the other columns.

    measurements: the index of the column that x, y and z are read from, None if they have their own.
    """

    cells: list[str]
    known: dict[str, int]
    measurements: int | None
    nameless: dict[int, Nameless]
    extra: dict[int, str]

    @property
    def needed(self) -> int:
        """The least number of cells in a row: empty cells at its end may be left out."""
        places = [place for place in self.known.values() if place < len(self.cells)]
        return 1 + max([*places, *self.extra, self.measurements or 0])


def columns_of(
    rows: Rows,
    names: Sequence[str],
    currency: str,
    ignore_extra: bool = False,
    chosen: Chosen | None = None,
) -> tuple[list[Column], list[Note]]:
    """([Column of each name], notes) of a file's Rows; raises DatasetError if it is not such a table.

    currency: the code that prices are in. chosen: {name: the heading of its column}, for headings that
    are not recognised.
    """
    header, notes = _header(rows, names, chosen)
    if "price" in header.known:
        refuse_other_currency(header.cells[header.known["price"]], currency)
    if header.extra and not ignore_extra:
        _refuse_extra(header.extra, names)
    row_lines = array("Q")
    columns = {name: Column(name, row_lines) for name in names}
    notes += [*_filled(rows, header, columns, row_lines), *of_nameless(header)]
    if extra := header.extra | unclear(header):
        if not ignore_extra:
            _refuse_extra(extra, names)
        notes.append(Note("columns left out: {columns}", columns=", ".join(extra.values())))
    return [*columns.values()], notes


# The header


def _header(rows: Rows, names: Sequence[str], chosen: Chosen | None) -> tuple[Header, list[Note]]:
    """(Header, notes)"""
    cells = rows.header
    found = find(cells, {n: HEADINGS[n] for n in (*names, "measurements")}, rows.line, chosen)
    if not found.places:
        raise DatasetError(
            "line {line} is not a header row: it has none of the columns {names}; it is {text}",
            line=rows.line,
            names=", ".join(names),
            text=quoted(rows.separator.join(cells)),
        )
    if missing := found.lacking(names):
        raise DatasetError(
            "line {line}: columns are missing: {missing}; there are {cells}",
            line=rows.line,
            missing=", ".join(missing),
            cells=", ".join(map(quoted, cells)),
        )
    return header_of(cells, found, names)


def header_of(cells: list[str], found: Found, names: Sequence[str]) -> tuple[Header, list[Note]]:
    """(Header, notes) of the columns that were found among a header's cells; names: those of stones."""
    known, others = dict(found.places), dict(found.others)
    measurements, called = known.pop("measurements", None), others.pop("measurements", None)
    if all(name in known for name in SPREAD if name in names):
        measurements = called = None
    if measurements is not None:
        known |= {name: len(cells) + place for place, name in enumerate(SPREAD)}
    used = {*known.values(), measurements}
    nameless: dict[int, Nameless] = {}
    extra: dict[int, str] = {}
    for place in (place for place in range(len(cells)) if place not in used):
        if NAMELESS.fullmatch(cells[place]):
            nameless[place] = Nameless()
        else:
            extra[place] = quoted(cells[place])
    header = Header(cells, known, measurements, nameless, extra)
    return header, [*_of_header(others, called)]


def _refuse_extra(extra: dict[int, str], names: Sequence[str]) -> NoReturn:
    raise ExtraColumns(
        "additional columns besides {names}: {extra}",
        names=", ".join(names),
        extra=", ".join(extra.values()),
    )


def _of_header(others: dict[str, str], measurements: str | None) -> Iterator[Note]:
    if renamed := [f"{quoted(cell)} → {name}" for name, cell in others.items()]:
        yield Note("columns are named {names}", names=", ".join(renamed))
    if measurements:
        yield Note("x, y and z are taken from the column {name}", name=quoted(measurements))


# The rows


def _filled(
    rows: Rows, header: Header, columns: dict[str, Column], row_lines: "array[int]"
) -> list[Note]:
    """Adds every row's cells to their columns; notes what was left out."""
    width = len(header.cells)
    longer = 0

    def fit(cells: list[str], line: int) -> list[str]:
        nonlocal longer
        longer += len(cells) > width
        return fitted(cells, width, header.needed, line)

    notes = fill(rows, header, columns, row_lines, fit)
    if longer:
        note = Note("rows with a separator too many at their end: {count:,}", count=longer)
        notes = [note, *notes]
    return notes


Fit = Callable[[list[str], int], list[str] | None]
"""Makes a row of another width than the header fit, from its cells and line; None leaves it out."""


def fill(
    rows: Rows, header: Header, columns: Mapping[str, Column], row_lines: "array[int]", fit: Fit
) -> list[Note]:
    """Adds every row's cells to their columns; notes how many rows are blank. DatasetError without rows."""
    # Looked up once: this loop takes most of the reading time.
    cells_of = [
        (columns[n].codes.append, columns[n].texts, place) for n, place in header.known.items()
    ]
    width, sizes = len(header.cells), Sizes()
    blank = 0
    for row in rows:
        if is_blank(row):
            blank += len(row) > 1
            continue
        cells = row if len(row) == width else fit(row, rows.line)
        if cells is None:
            continue
        for place, nameless in header.nameless.items():
            nameless.add(cells[place])
        if header.measurements is not None:
            cells += sizes[cells[header.measurements]]
        row_lines.append(rows.line)
        for append, texts, place in cells_of:
            append(texts[cells[place]])
    if not row_lines:
        raise DatasetError("no rows below the header")
    return [Note("rows without any value, left out: {count:,}", count=blank)] if blank else []


class Sizes(dict[str, tuple[str, ...]]):
    """{a cell of measurements: its x, y and z}; an invalid one is kept, and refused later as a number."""

    def __missing__(self, text: str) -> tuple[str, ...]:
        self[text] = read_measurements(text) or (text,) * len(SPREAD)
        return self[text]


def of_nameless(header: Header) -> Iterator[Note]:
    for place, nameless in header.nameless.items():
        if nameless.empty:
            yield Note("column {number} is empty, left out", number=place + 1)
        elif nameless.counts:
            yield Note(
                "column {number} ({name}) numbers the rows, left out",
                number=place + 1,
                name=quoted(header.cells[place]),
            )


def unclear(header: Header) -> dict[int, str]:
    """Columns without a name that hold more than row numbers."""
    return {
        place: f"column {place + 1} ({quoted(header.cells[place])})"
        for place, nameless in header.nameless.items()
        if not (nameless.empty or nameless.counts)
    }
