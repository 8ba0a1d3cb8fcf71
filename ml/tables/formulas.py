"""Texts that a spreadsheet would take for a formula: disarmed in the files that are written, and rearmed in
those that are read. Called by every writer and reader of tables.

A file may be opened with another separator than its own (Excel takes the semicolon in Poland), which cuts a
text where it holds one. So an apostrophe is put before a formula's first character wherever a cell may
begin: at the start of a text, and after a separator, a quotation mark or a line end.
"""

import re
from collections.abc import Iterable

SIGNS = "=+\\-@＝＋－＠"
CUTS = ',;|"\t\r\n'
BEGINS = re.compile(f"^(?='* *[{SIGNS}\0-\x1f])|(?<=[{CUTS}])(?='* *[{SIGNS}\t])")
DISARMED = re.compile(f"^'(?='* *[{SIGNS}\0-\x1f])|(?<=[{CUTS}])'(?='* *[{SIGNS}\t])")
NUMBER = re.compile(r" *[+-](?:[0-9., \u00a0\u202f]{0,40}(?:[eE][+-]?[0-9]{1,4})?%?)? *")
"""A signed number, or a sign by itself: no formula."""

SIGNED = re.compile(" *[+-]")
FORMULA_PARTS = re.compile(r"[^\w .,:/%+-]")
"""What a harmful formula needs: a call, a link, a reference to another file; or what ends its cell."""


def disarmed(text: str) -> str:
    """The text with an apostrophe before whatever a spreadsheet could take for a formula.

    A text that is a plain number (-32.5, +3, a single -) is left as it is.
    """
    return text if NUMBER.fullmatch(text) else BEGINS.sub("'", text)


def rearmed(text: str) -> str:
    """What `disarmed` was given: rearmed(disarmed(text)) == text for every text."""
    return DISARMED.sub("", text)


def disarmed_row(cells: Iterable[object]) -> list[object]:
    """A row of cells as a list, its texts disarmed; other values are left as they are.

    A signed number that begins the row is disarmed too where a later cell could complete it to a formula:
    with another separator the two are one cell.
    """
    row = [disarmed(cell) if isinstance(cell, str) else cell for cell in cells]
    if len(row) > 1 and SIGNED.match(str(row[0])) and any(map(_could_be_part, row[1:])):
        row[0] = f"'{row[0]}"
    return row


def _could_be_part(cell: object) -> bool:
    return isinstance(cell, str) and FORMULA_PARTS.search(cell) is not None
