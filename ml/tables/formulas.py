"""Escapes text that a spreadsheet would run as a formula in the files that are written, and undoes it in
those that are read. Called by every writer and reader of tables.

A file may be opened with another separator than its own (Excel uses the semicolon in Poland), which splits
a text that contains one. So an apostrophe is put before a formula's first character wherever a cell can
begin: at the start of a text, and after a separator, a quotation mark or a line end.
"""

import re
from collections.abc import Iterable

SIGNS = "=+\\-@＝＋－＠"
CUTS = ',;|"\t\r\n'
BEGINS = re.compile(f"^(?='* *[{SIGNS}\0-\x1f])|(?<=[{CUTS}])(?='* *[{SIGNS}\t])")
DISARMED = re.compile(f"^'(?='* *[{SIGNS}\0-\x1f])|(?<=[{CUTS}])'(?='* *[{SIGNS}\t])")
NUMBER = re.compile(r" *[+-](?:[0-9., \u00a0\u202f]{0,40}(?:[eE][+-]?[0-9]{1,4})?%?)? *")
"""A signed number, or only a sign: not a formula."""

SIGNED = re.compile(" *[+-]")
FORMULA_PARTS = re.compile(r"[^\w .,:/%+-]")
"""What a harmful formula needs: a call, a link, a reference to another file; or what ends its cell."""


def disarmed(text: str) -> str:
    """The text with an apostrophe before each part that a spreadsheet could run as a formula.

    A text that is a plain number (-32.5, +3, a single -) is left as it is.
    """
    return text if NUMBER.fullmatch(text) else BEGINS.sub("'", text)


def rearmed(text: str) -> str:
    """Undoes `disarmed`: rearmed(disarmed(text)) == text for every text."""
    return DISARMED.sub("", text)


def disarmed_row(cells: Iterable[object]) -> list[object]:
    """A row of cells as a list, its texts escaped by `disarmed`; other values are unchanged.

    A signed number in the first cell is also escaped if a later cell could complete it to a formula:
    with another separator the two are one cell.
    """
    row = [disarmed(cell) if isinstance(cell, str) else cell for cell in cells]
    if len(row) > 1 and SIGNED.match(str(row[0])) and any(map(_could_be_part, row[1:])):
        row[0] = f"'{row[0]}"
    return row


def _could_be_part(cell: object) -> bool:
    return isinstance(cell, str) and FORMULA_PARTS.search(cell) is not None
