"""CSV files and workbooks of a run's input: their columns, and their rows in parts.

A row cannot be found without reading all rows before it, so the files are read where the run was started,
and their rows are sent to the workers.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from ml.tables.errors import DatasetError
from ml.tables.rows import fitted, is_blank, opened_rows
from predictor.errors import store_errors

from .errors import ScoringError
from .files import display_url, opened

PART_ROWS = 65_536
PART_BYTES = 2**26
"""The most rows, and bytes of text, in a part."""


@dataclass(frozen=True)
class TextFile:
    """One file: its InputFile, header, separator, whether a spreadsheet wrote it, whether it has rows;
    notes: on the sheets of a workbook that are left out."""

    file: object
    header: list
    separator: str
    for_spreadsheets: bool
    has_rows: bool
    notes: tuple = ()


@contextmanager
def opened_text(url):
    """(the Rows of a file, the open file); raises ScoringError, here or while they are read."""
    with opened(url) as raw:
        try:
            with opened_rows(raw, url.rpartition("/")[2], None) as rows:
                yield rows, raw
        except DatasetError as error:
            raise ScoringError(f"{display_url(url)}: {error}") from error
        except (EOFError, *store_errors()) as error:
            raise ScoringError(f"{display_url(url)}: cannot be read: {error}") from error


def inspect_file(file):
    """The TextFile of an InputFile; raises ScoringError."""
    with opened_text(file.url) as (rows, _):
        header, has_rows = rows.header, any(not _is_no_row(cells) for cells in rows)
        notes = () if rows.source else (*rows.notes,)
        return TextFile(file, header, rows.separator, rows.for_spreadsheets, has_rows, notes)


@dataclass(frozen=True)
class TextPart:
    """Rows of a text file; problems: {row of the table: the error in its cells}. seen: the ratio of
    the input's bytes read so far, None if unknown."""

    number: int
    count: int
    table: pa.Table = None
    problems: dict = field(default_factory=dict)
    seen: float | None = None

    def batches(self):
        """[(RecordBatch, problems)], like ParquetPart.batches; always one."""
        [batch] = self.table.combine_chunks().to_batches()
        yield batch, self.problems


def parts_of(source, done):
    """The TextParts of a Source, numbered from 0; those in `done` are counted but not returned."""
    number, before = 0, 0
    for place, file in enumerate(source.files):
        header = source.headers[place]
        needed = 1 + max((header.index(n) for n in source.needed if n in header), default=0)
        with opened_text(file.url) as (rows, raw):
            for cells, problems in _chunks(rows, len(header), needed):
                seen = (before + raw.tell()) / source.bytes if source.bytes else None
                table = None if number in done else _table(cells, header, source.schema, file)
                yield TextPart(number, len(cells), table, problems, seen)
                number += 1
        before += file.size


def _chunks(rows, width, needed):
    """Lists of rows that fill a part, with their errors: {row: text}. Blank lines are skipped."""
    chunk, problems, chunk_start = [], {}, 0
    for cells in rows:
        if len(cells) != width:
            if _is_no_row(cells):
                continue
            try:
                cells = fitted(cells, width, needed, rows.line)
            except DatasetError as error:
                problems[len(chunk)] = str(error)
                cells = (cells + [None] * width)[:width]
        chunk.append(cells)
        if len(chunk) == PART_ROWS or rows.size - chunk_start > PART_BYTES:
            yield chunk, problems
            chunk, problems, chunk_start = [], {}, rows.size
    if chunk:
        yield chunk, problems


def _is_no_row(cells):
    """Whether a line is blank; a row of only separators is not, and is an error."""
    return len(cells) < 2 and is_blank(cells)


def _table(rows, header, schema, file):
    """Rows as a table of the input's columns, with null for columns that the file does not have."""
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    if header != schema.names:
        own = dict(zip(header, columns, strict=True))
        columns = [
            own[name]
            if name in own
            else pa.repeat(pa.scalar(file.constants.get(name), pa.string()), len(rows))
            for name in schema.names
        ]
    return pa.table(columns, schema=schema)
