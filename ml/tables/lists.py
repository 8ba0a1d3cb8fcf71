"""Reads a list of stones as a shop has it: rows that cannot be used are left out, by reason, not refused.

Columns that are not known are left out too. Grades and optional properties are those of the trade
(levels.py). Called by ml.dataset.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.stones import BASIS, COLUMNS, GRADES
from ml.vocabulary import MOST_LEVELS, NOT_STATED, OPTIONAL

from .amounts import CODES_OF_SIGNS, MARKS
from .cells import Numbers, derive_depths
from .errors import DatasetError, Note, gettext_noop, listed, quoted
from .grades import bare
from .headings import HEADINGS, OF_LISTS, OF_STONES, SPREAD, Chosen, find, refuse_other_currency
from .levels import MISSING, read_level, read_trade_grade
from .rows import Rows, fitted
from .table import Column, Fit, Header, fill, header_of, of_nameless, unclear
from .writing import csv_text

OTHER = "Other"
"""The level of the shapes and laboratories beyond the most frequent ones."""

KNOWN = {
    **{name: HEADINGS[name] for name in (*COLUMNS, "measurements")},
    **OF_STONES,
    "price": OF_LISTS["price"],
    "currency": OF_LISTS["currency"],
}
NEEDED = ("carat", "color", "clarity", "table", "price", *SPREAD)
MAY_BE_EMPTY = ("depth",)

NOT_NUMBER = gettext_noop("{column} is not a number")
IS_EMPTY = gettext_noop("{column} is empty")
NOT_GRADE = gettext_noop("{column} is not a known grade")
OTHER_CURRENCY = gettext_noop("{column} is in another currency")
OTHER_MARK = gettext_noop("{column} has a different decimal mark")
TWO_READINGS = gettext_noop("{column} can mean two numbers")
NO_CUT = gettext_noop("no row has a cut grade, which round stones have: add some to the list")
OTHER_WIDTH = gettext_noop("a different number of cells than in the header")


@dataclass(frozen=True)
class LeftOut:
    """A row that is left out: its line, from 1, why, and the cell that is the reason, "" if none is."""

    line: int
    reason: Note
    value: str = ""


@dataclass
class Listed:
    """The content of a list: stones, a DataFrame whose index is the row's place; lines of all rows; notes;
    the rows that are left out."""

    stones: Any
    lines: "array[int]"
    notes: list[Note]
    left_out: list[LeftOut] = field(default_factory=list)


def by_reason(left_out: Iterable[LeftOut]) -> list[tuple[str, list[LeftOut]]]:
    """[(reason, its rows), …], the most frequent reason first."""
    found: dict[str, list[LeftOut]] = {}
    for one in left_out:
        found.setdefault(str(one.reason), []).append(one)
    return sorted(found.items(), key=lambda item: -len(item[1]))


def left_out_csv(left_out: Iterable[LeftOut]) -> str:
    """The rows that are left out as CSV: line, reason, value."""
    rows = ((one.line, str(one.reason), one.value) for one in left_out)
    return csv_text(("line", "reason", "value"), rows)


class _Column(Column):
    """A column whose faulty texts are kept with their reason instead of being refused."""

    def __init__(self, name: str, lines: "array[int]") -> None:
        super().__init__(name, lines)
        self.faults: dict[str, Note] = {}

    def refuse(self, faulty: Any, sentence: str, **values: object) -> None:
        for text in faulty:
            self.faults.setdefault(text, Note(self._reason(text, sentence), column=self.name))

    @staticmethod
    def _reason(text: str, sentence: str) -> str:
        if not text.strip():
            return IS_EMPTY
        if "can mean" in sentence:
            return TWO_READINGS
        return OTHER_CURRENCY if "is in {its}" in sentence else NOT_NUMBER


def read_rows(rows: Rows, currency: str = BASIS.currency, chosen: Chosen | None = None) -> Listed:
    """The Listed of a file's Rows; raises DatasetError if it is not a list of stones with prices, some of
    them with a cut grade.

    currency: the code that prices are in. chosen: {field: the heading of its column}.
    """
    header, notes = _header(rows, chosen)
    if "price" in header.known:
        refuse_other_currency(header.cells[header.known["price"]], currency)
    lines = array("Q")
    columns = {name: _Column(name, lines) for name in header.known}
    left_out: list[LeftOut] = []
    notes += fill(rows, header, columns, lines, _fitting(len(header.cells), left_out))
    notes += of_nameless(header)
    if extra := header.extra | unclear(header):
        notes.append(Note("columns left out: {columns}", columns=", ".join(extra.values())))
    plain = SPREAD if header.measurements is not None else ()
    values, faults = _values(columns, currency, notes, plain)
    return _listed(columns, values, faults, lines, notes, left_out)


def _header(rows: Rows, chosen: Chosen | None) -> tuple[Header, list[Note]]:
    found = find(rows.header, KNOWN, rows.line, chosen)
    if missing := found.lacking(NEEDED):
        raise DatasetError(
            "line {line}: columns are missing: {missing}; there are {cells}",
            line=rows.line,
            missing=", ".join(missing),
            cells=", ".join(map(quoted, rows.header)),
        )
    return header_of(rows.header, found, COLUMNS)


def _fitting(width: int, left_out: list[LeftOut]) -> Fit:
    """Makes rows of another width fit if only empty cells are missing or extra; others are left out."""

    def fit(cells: list[str], line: int) -> list[str] | None:
        try:
            return fitted(cells, width, 1, line)
        except DatasetError:
            left_out.append(LeftOut(line, Note(OTHER_WIDTH), str(len(cells))))
            return None

    return fit


# From cells to values


def _values(
    columns: dict[str, _Column], currency: str, notes: list[Note], plain: Sequence[str]
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """({column: the value of each text}, {column: whether each text is faulty}); plain: the columns that
    have decimal points whatever the others have."""
    numbers = [
        Numbers(column, currency, name in MAY_BE_EMPTY)
        for name, column in columns.items()
        if name in COLUMNS and name not in GRADES
    ]
    mark = _usual_mark([one for one in numbers if one.name not in plain], columns)
    if mark == ",":
        notes.append(Note("decimals are marked by commas"))
    values = {one.name: one.read("." if one.name in plain else mark, notes) for one in numbers}
    for name, column in columns.items():
        if name == "report":
            values[name] = np.array([*map(_report_number, column.texts)], dtype=object)
        elif name == "currency":
            values[name] = _currencies(column, currency)
        elif name not in values:
            values[name] = _levels(column, notes)
    faults = {
        name: np.array([text in column.faults for text in column.texts], bool)
        for name, column in columns.items()
    }
    return values, faults


def _report_number(text: str) -> str:
    """The report number in a cell, "" for one that states none, as N/A does."""
    return NOT_STATED if bare(text) in (*MISSING, "none") else text.strip()


def _currencies(column: _Column, currency: str) -> NDArray[Any]:
    """The stripped texts of the column of currencies; those of another one are faulty prices."""
    texts = [text.strip() for text in column.texts]
    for text, name in zip(column.texts, texts, strict=True):
        if name and currency not in CODES_OF_SIGNS.get(name.lower(), ()):
            column.faults[text] = Note(OTHER_CURRENCY, column="price")
    return np.array(texts, dtype=object)


def _usual_mark(numbers: list[Numbers], columns: dict[str, _Column]) -> str:
    """The decimal mark of most texts that have one reading; texts with the other one are faulty."""
    counts = Counter({mark: sum(len(one.numbers_with(mark)) for one in numbers) for mark in MARKS})
    mark, count = counts.most_common(1)[0]
    if not count:
        return ""
    for number in numbers:
        for text in number.numbers_with(MARKS[mark]):
            column = columns[number.name]
            column.faults.setdefault(text, Note(OTHER_MARK, column=column.name))
            number.found[text] = {}
    return mark


def _levels(column: _Column, notes: list[Note]) -> NDArray[Any]:
    """The grade or level for each text of a column, "" for none; notes how they were read."""
    name = column.name
    read = read_trade_grade if name in GRADES else read_level
    found = {text: read(name, text) for text in column.texts}
    for text, level in found.items():
        if level is None or (level == NOT_STATED and name in ("color", "clarity")):
            empty = level == NOT_STATED
            column.faults[text] = Note(IS_EMPTY if empty else NOT_GRADE, column=name)
    taken = {
        text: level for text, level in found.items() if level and level != text and level != OTHER
    }
    if taken:
        examples = listed([f"{quoted(text)} → {level}" for text, level in taken.items()], 12)
        notes.append(Note("{column}: {examples}", column=name, examples=examples))
    return np.array([level or NOT_STATED for level in found.values()], dtype=object)


def _listed(
    columns: dict[str, _Column],
    values: dict[str, NDArray[Any]],
    faults: dict[str, NDArray[Any]],
    lines: "array[int]",
    notes: list[Note],
    left_out: list[LeftOut],
) -> Listed:
    import pandas as pd  # here, because pages that read CSV files run without pandas

    codes = {name: np.frombuffer(column.codes, np.uintc) for name, column in columns.items()}
    arrays = {name: values[name][codes[name]] for name in columns}
    why = np.full(len(lines), "", dtype=object)  # the first faulty column of each row
    for name in (*COLUMNS, "currency", *OF_STONES):
        if name in faults:
            why[(why == "") & faults[name][codes[name]]] = name
    if "depth" not in arrays:
        arrays["depth"] = np.full(len(lines), np.nan)
    derive_depths(arrays, notes, why == "")
    if "cut" not in arrays:
        arrays["cut"] = np.full(len(lines), NOT_STATED, dtype=object)
    texts = {name: [*column.texts] for name, column in columns.items()}
    for row in np.flatnonzero(why != "").tolist():
        left_out.append(_left_out(row, why[row], columns, codes, texts, lines))
    order = [name for name in (*COLUMNS, *OPTIONAL, "report") if name in arrays]
    stones = pd.DataFrame({name: arrays[name] for name in order})[why == ""]
    if len(stones) and (stones["cut"] == NOT_STATED).all():
        raise DatasetError(NO_CUT)
    for name in ("shape", "laboratory"):
        if name in stones:
            _fold_rare(stones, name, notes)
    left_out.sort(key=lambda one: one.line)
    return Listed(stones, lines, notes, left_out)


def _left_out(
    row: int,
    name: str,
    columns: dict[str, _Column],
    codes: dict[str, NDArray[Any]],
    texts: dict[str, list[str]],
    lines: "array[int]",
) -> LeftOut:
    text = texts[name][codes[name][row]]
    return LeftOut(lines[row], columns[name].faults[text], text)


def _fold_rare(stones: Any, name: str, notes: list[Note]) -> None:
    """Names all but the most frequent levels of a column OTHER."""
    counts = stones[name].value_counts().drop(NOT_STATED, errors="ignore")
    if len(counts) <= MOST_LEVELS:
        return
    kept = {NOT_STATED, *counts.index[: MOST_LEVELS - 1]}
    stones[name] = stones[name].where(stones[name].isin(kept), OTHER)
    notes.append(
        Note(
            "{column}: {count} rare values are read as Other",
            column=name,
            count=len(counts) - MOST_LEVELS + 1,
        )
    )
