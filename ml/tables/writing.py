"""The one writer of CSV for people: with the byte-order mark that spreadsheets need to read it as UTF-8,
and without cells that they would run as formulas. Called by the exports of predictor.
"""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from .formulas import disarmed_row

BYTE_ORDER_MARK = "\ufeff"


def csv_text(
    columns: Iterable[object], rows: Iterable[Iterable[object]], separator: str = ","
) -> str:
    """A header and rows of cells as text; cells are strings, numbers or None."""
    return "".join(csv_parts(columns, [rows], separator))


def csv_parts(
    columns: Iterable[object], batches: Iterable[Iterable[Iterable[object]]], separator: str = ","
) -> Iterator[str]:
    """The same as a generator of strings: the mark and the header, then one for each batch of rows."""
    lines = StringIO()
    lines.write(BYTE_ORDER_MARK)
    writer = csv.writer(lines, delimiter=separator)
    writer.writerow(disarmed_row(columns))
    for batch in batches:
        writer.writerows(map(disarmed_row, batch))
        yield _taken(lines)
    yield _taken(lines)


def _taken(lines: StringIO) -> str:
    text = lines.getvalue()
    lines.seek(0)
    lines.truncate()
    return text
