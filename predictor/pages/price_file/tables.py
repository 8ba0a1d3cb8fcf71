"""A stone dealer's CSV file as rows of cells: its encoding, its separator, and what it must not be.

The standard library's csv takes it apart. Called by the page that prices files.
"""

import csv
import io
from dataclasses import dataclass

from django.utils.translation import gettext as _

from ml.tables.formulas import disarmed_row, rearmed
from predictor.pricing.serializers import MAX_STONES

MOST_BYTES = 1_000_000
MOST_COLUMNS = 40
MOST_OF_CELL = 200
SEPARATORS = ",;\t"
BINARY = {
    b"PK": "Excel",
    b"\xd0\xcf\x11\xe0": "Excel",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"%PDF": "PDF",
}
"""The first bytes of files that people take for tables, and what those are."""


class TableRefused(ValueError):
    """A file that cannot be read as a table of stones; the message is for whoever sent it."""


@dataclass(frozen=True)
class Sheet:
    """columns: the header's names as they stand. rows: [(line of the file, [cell, …]), …], each as long as
    the header. separator: what stands between cells."""

    columns: list
    rows: list
    separator: str


def read_sheet(content):
    """The Sheet of a file's bytes; TableRefused."""
    if len(content) > MOST_BYTES:
        raise TableRefused(
            _("The file is over 1 MB: send at most {most} stones at a time.").format(
                most=MAX_STONES
            )
        )
    return sheet_of(_text(content))


def sheet_of(text):
    """The same of its text."""
    if "\0" in text:
        raise TableRefused(_no_text())
    lines = text.splitlines(keepends=True)
    head = next((line for line in lines if line.strip()), "")
    if not head:
        raise TableRefused(_("The file is empty."))
    separator = max(SEPARATORS, key=head.count)
    if not head.count(separator):
        raise TableRefused(
            _(
                "The first line has one column alone. It must name the columns, with commas, semicolons or "
                "tabs between them."
            )
        )
    columns, rows = _rows(text, separator)
    return Sheet(columns, rows, separator)


def _text(content):
    for first, kind in BINARY.items():
        if content.startswith(first):
            told = _("This is a file of another kind ({kind}): save the table as CSV.")
            raise TableRefused(told.format(kind=kind))
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1250"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text
    raise TableRefused(_no_text())


def _no_text():
    return _("This is no text: save the table as CSV, in UTF-8 or Windows-1250.")


def _rows(text, separator):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns, rows, begins = None, [], 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not any(map(str.strip, cells)):
                continue
            if columns is None:
                columns = _columns(cells)
            else:
                rows.append((line, _fitted(cells, columns, line)))
    except csv.Error as error:
        told = _("Line {line} is no CSV: a quotation mark is missing or one too many.")
        raise TableRefused(told.format(line=begins)) from error
    if not rows:
        raise TableRefused(_("There is no row under the header."))
    if len(rows) > MAX_STONES:
        told = _("The file has {count} rows: send at most {most} stones at a time.")
        raise TableRefused(told.format(count=len(rows), most=MAX_STONES))
    return columns, rows


def _columns(cells):
    columns = [rearmed(cell.strip()) for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    if len(columns) > MOST_COLUMNS:
        raise TableRefused(_("The file has over {most} columns.").format(most=MOST_COLUMNS))
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise TableRefused(_("Two columns are called “{name}”.").format(name=twice[:MOST_OF_CELL]))
    return columns


def _fitted(cells, columns, line):
    """A row's cells, as many as the columns: empty ones may be missing or left over at its end."""
    beyond = cells[len(columns) :]
    if any(map(str.strip, beyond)):
        told = _(
            "Line {line} has {count} cells, the header {width}: a separator too many, or a decimal "
            "comma in a file whose separator is the comma."
        )
        raise TableRefused(told.format(line=line, count=len(cells), width=len(columns)))
    cells = cells[: len(columns)] + [""] * (len(columns) - len(cells))
    if any(len(cell) > MOST_OF_CELL for cell in cells):
        told = _("Line {line} has a cell of over {most} characters.")
        raise TableRefused(told.format(line=line, most=MOST_OF_CELL))
    return [rearmed(cell) for cell in cells]


def as_csv(columns, rows, separator):
    """Rows of cells as CSV text, a header first; no cell of it is a formula to a spreadsheet."""
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=separator)
    writer.writerow(disarmed_row(columns))
    writer.writerows(map(disarmed_row, rows))
    return lines.getvalue()
