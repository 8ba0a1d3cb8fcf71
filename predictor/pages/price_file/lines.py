"""The lines of a file's rows, for messages: the table that a preview sends back has lost blank lines and
what was above its header."""

from dataclasses import replace

LONGEST = 100_000
"""The most characters of lines as text that are read."""


def as_text(sheet):
    """The lines of a Sheet's rows, such as 4-12,14-20; "" if they follow a header in the first line."""
    ranges = []
    for line, _ in sheet.rows:
        if ranges and ranges[-1][1] == line - 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    is_plain = ranges == [[2, len(sheet.rows) + 1]]
    return "" if is_plain else ",".join(f"{first}-{last}" for first, last in ranges)


def numbered(sheet, text):
    """The Sheet with the lines that a text gives to its rows; unchanged if the text does not fit it."""
    ranges = [_range_in(part) for part in text[:LONGEST].split(",")]
    if sum(map(len, ranges)) != len(sheet.rows):
        return sheet
    lines = (line for one in ranges for line in one)
    return replace(
        sheet, rows=[(line, cells) for line, (_, cells) in zip(lines, sheet.rows, strict=True)]
    )


def _range_in(part):
    ends = part.split("-", 1)
    if len(ends) != 2 or not all(e.isascii() and e.isdecimal() and len(e) < 9 for e in ends):
        return range(0)
    return range(int(ends[0]), int(ends[1]) + 1)
