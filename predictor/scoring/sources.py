"""The input of a run: its files, their columns, and the parts in which its rows are priced.

A worker gets one part at a time.
"""

from dataclasses import dataclass

import pyarrow as pa

from ml.tables.errors import DatasetError
from ml.tables.headings import HEADINGS, Found, find

from . import parquet_files, text_files
from .errors import ScoringError
from .files import display_url, input_files, naming, opened

MAGIC = b"PAR1"


@dataclass(frozen=True)
class Source:
    """The input: format "parquet" or "csv" (any text, or a workbook); files sorted by name; their common
    schema (all string for text) and separator; found: the columns that may hold a stone's parameters.
    headers: the column names of each file; rows: of each Parquet file; left_out: the names of files that
    are not data. needed: the names of the parameters' columns, once known. notes: on how it was read."""

    url: str
    format: str
    files: tuple
    schema: pa.Schema
    found: Found
    separator: str = ","
    for_spreadsheets: bool = False
    headers: tuple = ()
    rows: tuple = ()
    left_out: tuple = ()
    needed: frozenset = frozenset()
    notes: tuple = ()

    @property
    def bytes(self):
        """The total size of all files."""
        return sum(file.size for file in self.files)

    @property
    def part_size(self):
        """The most rows of a part, and for text the bytes after which it ends."""
        if self.format == "csv":
            return [text_files.PART_ROWS, text_files.PART_BYTES]
        return [parquet_files.PART_ROWS]

    def parts(self, done=()):
        """The parts, numbered from 0, except those in `done`; errors as in `find_source`."""
        is_text = self.format == "csv"
        made = text_files.parts_of(self, done) if is_text else parquet_files.parts_of(self)
        return (part for part in made if part.number not in done)


def find_source(url, chosen=None):
    """The Source at an address: a file, a folder's files, or those matching a pattern.

    chosen: {parameter: the name of its column}, for names that are not recognised. ScoringError if it is
    missing, is not a table, or its files have columns of incompatible types.
    """
    files, left_out = input_files(url)
    with naming(url):
        formats = {file.url: _format_of(file) for file in files if file.size or len(files) == 1}
    files = [file for file in files if file.url in formats]
    if not files:
        raise ScoringError(f"{display_url(url)} has no rows")
    first = files[0].url
    for name, found in formats.items():
        if found != formats[first]:
            raise ScoringError(
                f"{display_url(name)} is {found}, {display_url(first)} is {formats[first]}"
            )
    read = _parquet_source if formats[first] == "parquet" else _text_source
    return read(url, files, chosen, tuple(left_out))


def _format_of(file):
    with opened(file.url) as read:
        return "parquet" if read.read(len(MAGIC)) == MAGIC else "csv"


def _found(url, names, chosen):
    vocabulary = {name: headings for name, headings in HEADINGS.items() if name != "price"}
    try:
        return find([name.strip() for name in names], vocabulary, 1, chosen)
    except DatasetError as error:
        raise ScoringError(f"{display_url(url)}: {error}") from error


def _parquet_source(url, files, chosen, left_out):
    looked = [(file, *parquet_files.inspect_file(file)) for file in files]
    with_rows = [one for one in looked if one[2]]
    if not with_rows:
        raise ScoringError(f"{display_url(url)} has no rows")
    files, schemas, rows = zip(*with_rows, strict=True)
    schema = parquet_files.common_schema(files, schemas)
    found = _found(url, schema.names, chosen)
    names = tuple(schema.names for schema in schemas)
    return Source(url, "parquet", files, schema, found, headers=names, rows=rows, left_out=left_out)


def _text_source(url, files, chosen, left_out):
    looked = [text_files.inspect_file(file) for file in files]
    looked = [one for one in looked if one.has_rows]
    if not looked:
        raise ScoringError(f"{display_url(url)}: no rows below the header")
    files = tuple(one.file for one in looked)
    headers = tuple(one.header for one in looked)
    names = list(headers[0])
    if any(header != names for header in headers) or any(file.constants for file in files):
        names = _united(files, headers)
    found = _found(url, names, chosen)
    return Source(
        url,
        "csv",
        files,
        pa.schema([(name, pa.string()) for name in names]),
        found,
        looked[0].separator,
        looked[0].for_spreadsheets,
        headers=headers,
        left_out=left_out,
        notes=tuple(note for one in looked for note in one.notes),
    )


def _united(files, headers):
    """The names of all columns, which several files are matched by; ScoringError for a repeated name in
    one file."""
    names = {}
    for file, header in zip(files, headers, strict=True):
        twice = next((name for name in header if header.count(name) > 1), None)
        if twice is not None:
            raise ScoringError(f"{display_url(file.url)} has two columns {twice!r}: rename one")
        names |= dict.fromkeys([*header, *file.constants])
    return [*names]
