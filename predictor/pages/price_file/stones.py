"""Converts the rows of a file to stones, with the same rules as the form."""

from dataclasses import dataclass

from ml.stones import SCHEMES
from ml.tables.headings import SPREAD
from predictor.pages.stone_form import parsing


@dataclass(frozen=True)
class Stones:
    """payloads: a stone a row, lines: the line of each in the file. errors: [(line, column,
    message), …]. derived: the number of rows whose depth was computed."""

    scheme: str
    lines: list
    payloads: list
    errors: list
    derived: int


def stones_of(sheet, columns):
    """The Stones of a Sheet; columns: its Columns."""
    payloads, errors, derived = [], [], 0
    names = SCHEMES[columns.scheme]
    marks = parsing.marks_of(
        {name: [cells[place] for _, cells in sheet.rows] for name, place in columns.places.items()}
    )
    for line, cells in sheet.rows:
        row = {name: cells[place].strip() for name, place in columns.places.items()}
        if "measurements" in row:
            row |= dict.fromkeys(SPREAD, "") | {"x": row.pop("measurements")}
        read = parsing.read(columns.scheme, names, row, marks)
        payloads.append(read.payload)
        derived += bool(not row["depth"] and read.payload["depth"])
        errors += [(line, *error) for error in _errors(read, "measurements" in columns.places)]
    return Stones(columns.scheme, [line for line, _ in sheet.rows], payloads, errors, derived)


def _errors(read, is_spread):
    """[(column, message), …]; measurements that cannot be read are reported once, at the first."""
    errors = read.all_errors()
    if is_spread and "x" in errors:
        errors = {name: messages for name, messages in errors.items() if name not in SPREAD[1:]}
    return [
        ("" if name == "non_field_errors" else name, str(messages[0]))
        for name, messages in errors.items()
    ]
