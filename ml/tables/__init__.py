"""Reads a table of stones from a file as people have it: packed, from a spreadsheet, in any letters.

What is certain is taken and noted; what is not is refused with the line, the column and what to
change. Called by ml.dataset and by whoever takes a file in: `read` wants a path, or an open binary
file and its name.

errors.py   what is refused, and what is noted
files.py    from a path to an open file, and from a packed file to its bytes
text.py     from bytes to text
table.py    from text to columns: separators, header, rows
cells.py    from cells to grades and numbers
formulas.py what a spreadsheet would run as a formula, in the files that are written and read
"""

from .errors import DatasetError, ExtraColumns, Note
from .files import LIMIT
from .reader import Table, read

__all__ = ["LIMIT", "DatasetError", "ExtraColumns", "Note", "Table", "read"]
