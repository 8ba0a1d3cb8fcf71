"""The rows of a file that cannot be priced: by reason for pages, all of them as a file to correct."""

from pathlib import PurePath

from ml.tables.writing import csv_text
from predictor.pages.price_file.columns import ERROR
from predictor.wording.figures import number

MOST_REASONS, LINES = 20, 5
"""How many reasons a page lists, and how many lines of each."""

DIGITS = str.maketrans("", "", "0123456789.,")


def reasons(rows):
    """[{column, message, count, lines}, …] of the Rows with errors, the most frequent reason first.

    Messages that differ only in the refused value or in figures are one reason; the first is its example.
    """
    found = {}
    for row in rows:
        for column, message in row.errors:
            one = found.setdefault(
                (column, _without_value(message)),
                {"column": column, "message": message, "count": 0, "lines": []},
            )
            one["count"] += 1
            if len(one["lines"]) < LINES:
                one["lines"].append(row.line)
    return sorted(found.values(), key=lambda one: -one["count"])


def reasons_context(found, more):
    """What the template shows of reasons, and of how many more there are."""
    return {
        "reasons": [
            {**one, "more": number(one["count"] - LINES) if one["count"] > LINES else ""}
            for one in found
        ],
        "more_reasons": number(more) if more else "",
    }


def _without_value(message):
    return (message.rpartition("”")[2] or message).translate(DIGITS)


def error_csv(columns, rows, separator):
    """The Rows with errors as CSV: the file's own columns, and why each was refused.

    columns: {name: place}. Once corrected the file can be sent again: the column of errors is left out.
    """
    cells = ([*(row.cells[place] for place in columns.values()), _text(row)] for row in rows)
    return csv_text([*columns, ERROR], cells, separator)


def _text(row):
    return "; ".join(": ".join(filter(None, error)) for error in row.errors)


def errors_name(name):
    """The name of the file with the errors of a file."""
    return name_for("errors", name)


def name_for(what, name):
    """The name of a file made from an uploaded one."""
    return f"{what}-{PurePath(name).stem[:60] or 'list'}.csv"
