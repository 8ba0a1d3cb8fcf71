"""From text to columns: which separator, what the header names, and the cells under it.

A column keeps each text once, with the line where it stands first, and a number a row: a table of
tens of millions of rows has few different texts.
"""

import csv
import re
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from .errors import DatasetError, ExtraColumns, Note, shown

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LONGEST_LINE = 100_000
NAMELESS = re.compile(r"(unnamed: \d+(\.\d+)?)?")
"""How a column without a name is called, in lower case: not at all, or by pandas."""


@dataclass
class Column:
    """The cells of a column: each different text with its number, and the number of each row's text.

    lines: the line of each row, from 1; shared by all columns of a table.
    """

    name: str
    lines: array
    codes: array = field(default_factory=lambda: array("I"))
    texts: dict = field(default_factory=lambda: defaultdict(count().__next__))

    def line_of(self, text):
        """The line in which a text stands first."""
        return self.lines[self.codes.index(self.texts[text])]

    def refuse(self, faulty, sentence, **values):
        """DatasetError of the first line whose text is faulty; `faulty`: texts."""
        faulty = {self.texts[text]: text for text in faulty}
        row = next(row for row, code in enumerate(self.codes) if code in faulty)
        line, text = self.lines[row], faulty[self.codes[row]]
        raise DatasetError(
            "line {line}, column {column}: {value} " + sentence,
            line=line,
            column=self.name,
            value=shown(text),
            **values,
        )


class Nameless:
    """A column without a name: is it empty, or does it count the rows?"""

    def __init__(self):
        self.empty = self.counts = True

    def add(self, text):
        text = text.strip()
        self.empty &= not text
        self.counts &= text.isdecimal()


@dataclass(frozen=True)
class Header:
    """Where each column that is looked for stands, and what else there is: {place: …}."""

    line: int
    separator: str
    cells: list
    known: dict
    nameless: dict
    extra: dict

    @property
    def width(self):
        """How many cells a row has at least: empty ones at its end may be left out."""
        return 1 + max([*self.known.values(), *self.extra])


def columns_of(text, names, ignore_extra=False):
    """([Column of each name], notes) of an open text file; DatasetError where it is no such table."""
    lines = _lines(text)
    header = _header(lines, names)
    if header.extra and not ignore_extra:
        _refuse_extra(header.extra, names)
    row_lines = array("Q")
    columns = {name: Column(name, row_lines) for name in names}
    notes = [*_of_header(header), *_fill(lines, header, columns, row_lines), *_of_nameless(header)]
    if extra := header.extra | _unclear(header):
        if not ignore_extra:
            _refuse_extra(extra, names)
        notes.append(Note("columns left out: {columns}", columns=", ".join(extra.values())))
    return [*columns.values()], notes


def _lines(text):
    for number, line in enumerate(iter(partial(text.readline, LONGEST_LINE), ""), 1):
        if len(line) == LONGEST_LINE:
            raise DatasetError("line {line} is too long for a table of stones", line=number)
        yield line


# The header


def _header(lines, names):
    numbered = enumerate(lines, 1)
    number, line = next((found for found in numbered if found[1].strip()), (0, ""))
    if not number:
        raise DatasetError("the file is empty")
    readings = [(_found(_split(line, mark), names), mark) for mark in SEPARATORS]
    found, mark = max(readings, key=lambda reading: len(reading[0]))
    if not found:
        raise DatasetError(
            "line {line} is no header: it has none of {names}; it reads {text}",
            line=number,
            names=", ".join(names),
            text=shown(line.strip()),
        )
    return _sorted_out(number, mark, _split(line, mark), names)


def _split(line, separator):
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _plain(cell):
    return " ".join(cell.split()).lower()


def _found(cells, names):
    return {_plain(cell) for cell in cells} & set(names)


def _sorted_out(line, separator, cells, names):
    known, nameless, extra = {}, {}, {}
    for place, cell in enumerate(cells):
        name = _plain(cell)
        if name in known:
            raise DatasetError(
                "line {line}: column {column} stands there twice, as number {first} and {second}",
                line=line,
                column=name,
                first=known[name] + 1,
                second=place + 1,
            )
        if name in names:
            known[name] = place
        elif NAMELESS.fullmatch(name):
            nameless[place] = Nameless()
        else:
            extra[place] = shown(cell.strip())
    if missing := [name for name in names if name not in known]:
        raise DatasetError(
            "line {line}: columns are missing: {missing}; there are {cells}",
            line=line,
            missing=", ".join(missing),
            cells=", ".join(map(shown, cells)),
        )
    return Header(line, separator, cells, known, nameless, extra)


def _refuse_extra(extra, names):
    raise ExtraColumns(
        "columns beside {names}: {extra}", names=", ".join(names), extra=", ".join(extra.values())
    )


def _of_header(header):
    if header.separator != ",":
        yield Note("cells are separated by {marks}", marks=SEPARATORS[header.separator])
    written = {name: header.cells[place] for name, place in header.known.items()}
    if other := [f"{shown(cell)} for {name}" for name, cell in written.items() if cell != name]:
        yield Note("columns are named {names}", names=", ".join(other))


# The rows


def _fill(lines, header, columns, row_lines):
    """Puts every row's cells into their columns; notes what was left out."""
    # Bound once: this loop is most of the time that reading takes.
    cells_of = [
        (columns[n].codes.append, columns[n].texts, place) for n, place in header.known.items()
    ]
    blank = longer = 0
    for line, cells in _records(lines, header):
        if not any(map(str.strip, cells)):
            blank += len(cells) > 1
            continue
        if len(cells) != len(header.cells):
            longer += _is_longer(line, cells, header)
        row_lines.append(line)
        for append, texts, place in cells_of:
            append(texts[cells[place]])
        for place, nameless in header.nameless.items():
            nameless.add(cells[place] if place < len(cells) else "")
    if not row_lines:
        raise DatasetError("no rows under the header")
    if longer:
        yield Note("rows with a separator too many at their end: {count:,}", count=longer)
    if blank:
        yield Note("rows without any value, left out: {count:,}", count=blank)


def _records(lines, header):
    """(line on which it begins, cells) of each record under the header."""
    reader = csv.reader(lines, delimiter=header.separator, skipinitialspace=True, strict=True)
    while True:
        line = header.line + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DatasetError("line {line}: is no CSV: {why}", line=line, why=error) from None
        yield line, cells


def _is_longer(line, cells, header):
    """Whether a row has more cells than the header; those must be empty, and none may be missing."""
    if any(map(str.strip, cells[len(header.cells) :])) or len(cells) < header.width:
        raise DatasetError(
            "line {line}: the header has {width} cells, this line {count}: a separator too many or "
            "too few, or a decimal comma without quotes",
            line=line,
            count=len(cells),
            width=len(header.cells),
        )
    return len(cells) > len(header.cells)


def _of_nameless(header):
    for place, nameless in header.nameless.items():
        if nameless.empty:
            yield Note("column {number} is empty, left out", number=place + 1)
        elif nameless.counts:
            yield Note(
                "column {number} ({name}) numbers the rows, left out",
                number=place + 1,
                name=shown(header.cells[place]),
            )


def _unclear(header):
    """Columns without a name that hold more than the rows' numbers."""
    return {
        place: f"column {place + 1} ({shown(header.cells[place])})"
        for place, nameless in header.nameless.items()
        if not (nameless.empty or nameless.counts)
    }
