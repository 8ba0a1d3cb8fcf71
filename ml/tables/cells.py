"""From cells to grades and numbers.

A file uses one decimal mark, a point or a comma. It is found from the values that can be read in only
one way; if there are none, a value that could be read as two numbers is refused.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.stones import BASIS, DEPTH_PLACES, GRADES, derived_depth
from ml.vocabulary import is_of_width

from .amounts import MARKS, TwoReadings, has_thousands, readings, without_currency, without_unit
from .errors import DatasetError, Note, gettext_noop, listed, quoted
from .grades import read_grade, refusal_of
from .headings import SPREAD
from .table import Column


def frame_of(columns: list[Column], currency: str = BASIS.currency) -> tuple[Any, list[Note]]:
    """(typed DataFrame of the columns that table.py read, notes); raises DatasetError for a faulty one."""
    import pandas as pd  # here, because pages that read CSV files run without pandas

    notes: list[Note] = []
    values: dict[str, NDArray[Any]] = {}
    is_derivable = {column.name for column in columns}.issuperset(SPREAD)
    numbers = [
        Numbers(column, currency, column.name == "depth" and is_derivable)
        for column in columns
        if column.name not in GRADES
    ]
    mark = _decimal_mark(numbers)
    if mark == ",":
        notes.append(Note("decimals are marked by commas"))
    for column in columns:
        if column.name in GRADES:
            values[column.name] = _grades(column, notes)
    for number in numbers:
        values[number.name] = number.read(mark, notes)
    if any(text != text.strip() for column in numbers for text in column.bare):
        notes.append(Note("blanks around numbers are left out"))
    arrays = {c.name: values[c.name][np.frombuffer(c.codes, np.uintc)] for c in columns}
    derive_depths(arrays, notes)
    return pd.DataFrame(arrays), notes


def derive_depths(arrays: dict[str, NDArray[Any]], notes: list[Note], usable: Any = True) -> None:
    """Computes the depths that were left empty, as the pages do; 0 for a stone without a width. usable:
    bool (n,), the rows that are looked at."""
    empty = np.isnan(arrays.get("depth", np.empty(0))) & usable
    if not empty.any():
        return
    x, y, z = (arrays[name][empty] for name in SPREAD)
    of_width = [is_of_width(shape) for shape in arrays["shape"][empty]] if "shape" in arrays else []
    with np.errstate(invalid="ignore", divide="ignore"):
        depths = derived_depth(x, y, z, np.array(of_width or False)).round(DEPTH_PLACES)
    arrays["depth"][empty] = np.where(np.isfinite(depths), depths, 0)
    notes.append(Note("rows whose depth is computed from x, y and z: {count:,}", count=len(z)))


def _grades(column: Column, notes: list[Note]) -> NDArray[Any]:
    """The grade for each text of a column; an array of str."""
    known = GRADES[column.name]
    found = {text: read_grade(column.name, text) for text in column.texts}
    if faulty := [text for text, grade in found.items() if grade not in known]:
        if refusal := refusal_of(column.name, found[faulty[0]]):
            column.refuse(faulty[:1], f"is refused. {refusal[0]}", **refusal[1])
        names = ", ".join(known)
        column.refuse(faulty, "is not a {column} grade ({names})", names=names)
    if other := [f"{quoted(text)} → {grade}" for text, grade in found.items() if text != grade]:
        notes.append(
            Note(
                "{column}: grades are read as {examples}",
                column=column.name,
                examples=listed(other, 3),
            )
        )
    return np.array([*found.values()], dtype=object)


EMPTY = dict.fromkeys(MARKS, "nan")


class Numbers:
    """A column of numbers, and the readings of each of its texts with either decimal mark.

    may_be_empty: whether an empty text is allowed; it is read as nan.
    bare: {text: the same without spaces, unit or currency}; found: {text: its readings}.
    """

    def __init__(self, column: Column, currency: str, may_be_empty: bool) -> None:
        self.column, self.name = column, column.name
        is_price = self.name == "price"
        self.like = f"in {currency}, like 2757" if is_price else "like 3.95"
        self.bare = {
            text: self._amount(text, currency) if is_price else without_unit(self.name, text)
            for text in column.texts
        }
        self.found = {
            text: readings(bare, has_thousands(self.name), programs=True)
            for text, bare in self.bare.items()
        }
        if may_be_empty:
            self.found |= {text: EMPTY for text in column.texts if not text.strip()}
        self._refuse([text for text, found in self.found.items() if not found])

    def _amount(self, text: str, currency: str) -> str:
        bare, codes = without_currency(text)
        if codes and currency not in codes and readings(bare):
            message = "is in {its}, and the prices are read in {currency}"
            self.column.refuse([text], message, its="/".join(codes), currency=currency)
        return bare

    def numbers_with(self, mark: str) -> list[str]:
        """The texts that are numbers only with this decimal mark."""
        return [text for text, found in self.found.items() if [*found] == [mark]]

    def read(self, mark: str, notes: list[Note]) -> NDArray[Any]:
        """The number for each text, float64; mark: the file's decimal mark, "" if no value shows it."""
        self._refuse_doubtful(mark)
        mark = mark or "."
        numbers = {text: float(found.get(mark, "nan")) for text, found in self.found.items()}
        self._refuse([text for text, number in numbers.items() if np.isinf(number)])
        self._note(
            gettext_noop("{column}: {example} is read without its unit"),
            notes,
            (text for text, bare in self.bare.items() if len(text.strip()) != len(bare)),
        )
        self._note(
            gettext_noop("{column}: {example} is read as over a thousand"),
            notes,
            (
                text
                for text, bare in self.bare.items()
                if self.found[text] and {" ", "'", MARKS[mark]} & {*bare}
            ),
        )
        return np.array([*numbers.values()])

    def _note(self, sentence: str, notes: list[Note], texts: Iterator[str]) -> None:
        if (example := next(texts, None)) is not None:
            notes.append(Note(sentence, column=self.name, example=quoted(example)))

    def _refuse(self, faulty: list[str]) -> None:
        if faulty:
            message = "is not a finite number: write it {like}, or take the row out"
            self.column.refuse(faulty, message, like=self.like)

    def _refuse_doubtful(self, mark: str) -> None:
        """Refuses a text such as 1,234 that can be read in two ways, unless the decimal mark of the other
        columns or a number of the same column decides which one is meant."""
        if mark and self.numbers_with(mark):
            return
        for text, found in self.found.items():
            if len({*found.values()}) > 1 and (not mark or mark in self.bare[text]):
                first, second = TwoReadings(text, found.values()).readings
                message = "can mean {first} or {second}: write the one that is meant"
                self.column.refuse([text], message, first=first, second=second)


def _decimal_mark(numbers: list[Numbers]) -> str:
    """The decimal mark of the whole file; "" if no value shows it."""
    texts = {
        mark: [(c.column, text) for c in numbers for text in c.numbers_with(mark)] for mark in ".,"
    }
    if all(texts.values()):
        point, comma = (
            min((c.line_of(text), c.name, text) for c, text in texts[mark]) for mark in ".,"
        )
        raise DatasetError(
            "line {line}, column {column}: {value} has a decimal comma, but line "
            "{there}, column {beside}: {other} has a decimal point: use points "
            "everywhere",
            line=comma[0],
            column=comma[1],
            value=quoted(comma[2]),
            there=point[0],
            beside=point[1],
            other=quoted(point[2]),
        )
    return next((mark for mark, found in texts.items() if found), "")
