"""The one reader and the one writer of tables: files as people have them, from bytes to rows and back.

What is certain is taken and noted; what is not is refused with the line, the column and what to
change. Called by ml.dataset (retraining), and in predictor by uploads, scoring and exports. Imports
no pandas until a table is made into a frame, so that what answers prices can read tables.

errors.py    what is refused, and what is noted
files.py     from a path to an open file, and from a packed file to its bytes
text.py      from bytes to text
workbook.py  from an Excel workbook to rows
rows.py      from an open file to its header and rows: separators, quotation marks, blank lines
headings.py  from a header to the columns that are meant, in the trade's words
grades.py    from a cell to the grade that is meant
formulas.py  cells that a spreadsheet would run: disarmed in files, and back
writing.py   from rows to CSV
sheet.py     a small file as a whole, for uploads
table.py     the columns of a table of stones for training
cells.py     from their cells to grades and numbers, as a DataFrame
reader.py    `read`: a data file for training
"""

from .errors import DatasetError, ExtraColumns, Note
from .files import LIMIT
from .reader import Table, read

__all__ = ["LIMIT", "DatasetError", "ExtraColumns", "Note", "Table", "read"]
