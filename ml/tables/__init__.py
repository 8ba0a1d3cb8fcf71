"""The one reader and the one writer of tables: files as people have them, from bytes to rows and back.

What is unambiguous is read, with a note; the rest is refused with the line, the column and what to
change. Called by ml.dataset (retraining), and in predictor by uploads, scoring and exports. pandas is
imported only when a table becomes a DataFrame, so that the code that serves prices can read tables.

errors.py    refusals and notes
files.py     from a path to an open file, and from a compressed file to its bytes
text.py      from bytes to text
workbook.py  from an Excel workbook to rows
rows.py      from an open file to its header and rows: separators, quotation marks, blank lines
headings.py  from a header to the known columns, by the headings that the trade uses
grades.py    from a cell to a grade
amounts.py   from a cell or a typed text to an amount or a measure
formulas.py  escapes cells that a spreadsheet would run as formulas, and undoes it
writing.py   from rows to CSV
sheet.py     a small file as a whole, for uploads
table.py     the columns of a table of stones for training
cells.py     from the columns' cells to grades and numbers, as a DataFrame
levels.py    from a cell to a grade or a level of the trade
lists.py     a shop's list of stones: what of it can be used
reader.py    `read`: a data file for training; `read_list`: a shop's list
"""

from .errors import DatasetError, ExtraColumns, Note
from .files import LIMIT
from .lists import LeftOut, by_reason, left_out_csv
from .reader import Table, read, read_list

__all__ = [
    "LIMIT",
    "DatasetError",
    "ExtraColumns",
    "LeftOut",
    "Note",
    "Table",
    "by_reason",
    "left_out_csv",
    "read",
    "read_list",
]
