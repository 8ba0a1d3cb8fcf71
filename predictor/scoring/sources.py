"""The input of a run: its files, their columns, and the parts in which its rows are priced.

A part is what a worker is given at a time. Rows of Parquet are read by the worker. Those of CSV, which
nobody can find without reading all before them, are read here and sent along.
"""

import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, pairwise

import fsspec
import pyarrow as pa
from pyarrow import parquet

from predictor.errors import store_errors
from predictor.telemetry.redaction import redacted

from .errors import ScoringError, reason

PART_ROWS, CSV_PART_ROWS = 250_000, 65_536
BATCH_ROWS = 65_536
"""Rows that a worker has in memory at a time."""

SUFFIXES = (".parquet", ".pq", ".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""Which files of a folder are taken for its data."""

SEPARATORS = ",;\t"
MAGIC = b"PAR1"
HEAD_BYTES = 65_536


def shown(url):
    """An address as messages repeat it: short, in one line, without its secrets."""
    url = redacted(url)
    text = url if url.isprintable() else ascii(url)
    return text if len(text) <= 200 else f"{text[:200]}…"


def filesystem_of(url):
    """(filesystem, path) of any address that fsspec knows; ScoringError."""
    if not url.strip() or "\0" in url:
        raise ScoringError(f"{url!a} names no file or folder")
    try:
        return fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, *store_errors()) as error:
        raise ScoringError(f"{shown(url)}: {reason(error)}") from error


@contextmanager
def naming(url):
    """Has what the file system refuses be told with the address."""
    try:
        yield
    except store_errors() as error:
        raise ScoringError(f"{shown(url)}: {reason(error)}") from error


@dataclass(frozen=True)
class InputFile:
    """One file: its full address, bytes, and what changes when it does."""

    url: str
    size: int
    stamp: str


@dataclass(frozen=True)
class Source:
    """The input: format "parquet" or "csv"; files in the order of their names; their common schema (of CSV
    all text) and separator; rows: of each file, where they are known before they are read."""

    url: str
    format: str
    files: tuple
    schema: pa.Schema
    separator: str = ","
    rows: tuple = ()

    @property
    def bytes(self):
        """Of all files together."""
        return sum(file.size for file in self.files)

    def parts(self, done=()):
        """The parts, numbered from 0, less those whose numbers are in `done`; errors as `find`."""
        made = self._parquet_parts() if self.format == "parquet" else _csv_parts(self, done)
        return (part for part in made if part.number not in done)

    def _parquet_parts(self):
        places = (
            (file.url, start, min(PART_ROWS, rows - start))
            for file, rows in zip(self.files, self.rows, strict=True)
            for start in range(0, rows, PART_ROWS)
        )
        return (ParquetPart(number, *place) for number, place in enumerate(places))


def find(url):
    """The Source at an address: a file, a folder's files, or those that a glob matches.

    ScoringError for what is not there, is no CSV or Parquet, or differs in its columns.
    """
    fs, path = filesystem_of(url)
    with naming(url):
        files = tuple(_input_file(fs, name) for name in _names(fs, path, url))
        formats = {file.url: _format_of(fs, file.url) for file in files}
    first = files[0].url
    for name, found in formats.items():
        if found != formats[first]:
            raise ScoringError(f"{shown(name)} is {found}, {shown(first)} is {formats[first]}")
    read = _parquet_source if formats[first] == "parquet" else _csv_source
    return read(url, files)


def _names(fs, path, url):
    """The paths of the input's files, sorted."""
    try:
        if fsspec.core.has_magic(path):
            names = [name for name in fs.glob(path) if fs.isfile(name)]
        elif fs.isdir(path):
            names = [
                entry["name"]
                for entry in fs.ls(path, detail=True)
                if entry["type"] == "file" and _is_data(entry["name"])
            ]
        else:
            names = [path] if fs.info(path)["type"] == "file" else []
    except FileNotFoundError:
        raise ScoringError(f"{shown(url)}: no such file") from None
    if not names:
        raise ScoringError(f"{shown(url)}: no regular file, nor any {', '.join(SUFFIXES)} there")
    return sorted(names)


def _is_data(path):
    name = path.rstrip("/").rpartition("/")[2]
    return name.lower().endswith(SUFFIXES) and not name.startswith(("_", "."))


def _input_file(fs, path):
    info = fs.info(path)
    stamp = info.get("ETag") or info.get("mtime") or info.get("LastModified") or ""
    return InputFile(fs.unstrip_protocol(path), info["size"] or 0, str(stamp))


def _format_of(fs, url):
    with fs.open(url, "rb") as file:
        return "parquet" if file.read(len(MAGIC)) == MAGIC else "csv"


def _refuse_other_columns(names, first, file, first_file):
    if names != first:
        odd = next((one for one in names if one not in first), None)
        why = (
            f"has a column {odd!r} that"
            if odd is not None
            else "lacks columns or has them in another order than"
        )
        beside = f"{shown(first_file)} has not" if odd is not None else shown(first_file)
        raise ScoringError(f"{shown(file)} {why} {beside}")


# Parquet


def _parquet_source(url, files):
    schemas, rows = [], []
    for file in files:
        with opened_parquet(file.url) as read:
            schemas.append(read.schema_arrow.remove_metadata())
            rows.append(read.metadata.num_rows)
    for file, schema in zip(files, schemas, strict=True):
        _refuse_other_columns(schema.names, schemas[0].names, file.url, files[0].url)
        for mine, its in zip(schema, schemas[0], strict=True):
            if mine.type != its.type:
                raise ScoringError(
                    f"{shown(file.url)}: column {mine.name} is {mine.type}, {its.type} in "
                    f"{shown(files[0].url)}"
                )
    return Source(url, "parquet", files, schemas[0], rows=tuple(rows))


class opened_parquet:  # noqa: N801
    """A Parquet file, open; ScoringError where it cannot be read, there or inside."""

    def __init__(self, url):
        self.url = url

    def __enter__(self):
        with naming(self.url):
            self.file = fsspec.open(self.url, "rb").open()
        try:
            return parquet.ParquetFile(self.file)
        except (pa.ArrowException, *store_errors()) as error:
            self.__exit__(type(error), error, None)

    def __exit__(self, kind, error, traceback):
        self.file.close()
        if kind and issubclass(kind, (pa.ArrowException, *store_errors())):
            raise ScoringError(f"{shown(self.url)}: cannot be read as Parquet: {error}") from error


@dataclass(frozen=True)
class ParquetPart:
    """`count` rows of a Parquet file from the row `start` on."""

    number: int
    url: str
    start: int
    count: int

    def batches(self):
        """[(RecordBatch, {}), …] of at most BATCH_ROWS rows; ScoringError."""
        with opened_parquet(self.url) as file:
            groups, skip = _groups(file.metadata, self.start, self.count)
            left = self.count
            for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, use_threads=False):
                piece = batch.slice(skip, left)
                skip = max(0, skip - len(batch))
                left -= len(piece)
                if len(piece):
                    yield piece, {}
                if not left:
                    return
        raise ScoringError(f"{shown(self.url)}: has fewer rows than when the run began")


def _groups(metadata, start, count):
    """The row groups that hold some rows, and how many rows of the first come before them."""
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    ends = [0]
    for one in counts:
        ends.append(ends[-1] + one)
    groups = [
        group
        for group, (begin, end) in enumerate(pairwise(ends))
        if begin < start + count and end > start
    ]
    return groups, start - ends[groups[0]] if groups else 0


# CSV


def _csv_source(url, files):
    first, separator = None, ","
    for file in files:
        with _opened_text(file.url) as text:
            head = text.readline()
        if "\0" in head or not head.strip():
            raise ScoringError(
                f"{shown(file.url)}: is no CSV or Parquet: its first line is no header"
            )
        if first is None:
            separator = max(SEPARATORS, key=head.count)
        names = [name.strip() for name in next(csv.reader([head], delimiter=separator))]
        first = names if first is None else first
        _refuse_other_columns(names, first, file.url, files[0].url)
    schema = pa.schema([(name, pa.string()) for name in first])
    return Source(url, "csv", files, schema, separator)


class _opened_text:  # noqa: N801
    """A CSV file, unpacked where its name says so, as text; ScoringError where it is none."""

    def __init__(self, url):
        self.url = url

    def __enter__(self):
        with naming(self.url):
            self.raw = fsspec.open(self.url, "rb", compression="infer").open()
        return io.TextIOWrapper(self.raw, encoding="utf-8-sig", newline="")

    def __exit__(self, kind, error, traceback):
        self.raw.close()
        if kind and issubclass(kind, UnicodeDecodeError):
            raise ScoringError(f"{shown(self.url)}: is no UTF-8: {error.reason}") from error
        if kind and issubclass(kind, (EOFError, *store_errors())):
            raise ScoringError(f"{shown(self.url)}: cannot be read: {error}") from error


@dataclass(frozen=True)
class CsvPart:
    """Rows of a CSV file; problems: {row of the table: what is wrong with its cells}. seen: the ratio of
    all the input's bytes that was read by then, None where that is not known."""

    number: int
    count: int
    table: pa.Table = None
    problems: dict = field(default_factory=dict)
    seen: float | None = None

    def batches(self):
        """As ParquetPart's; there is one."""
        [batch] = self.table.combine_chunks().to_batches()
        yield batch, self.problems


def _csv_parts(source, done):
    """Those in `done` are counted alone."""
    number, before = 0, 0
    for file in source.files:
        with _opened_text(file.url) as text:
            rows = csv.reader(text, delimiter=source.separator)
            try:
                next(rows)
                filled = (row for row in rows if any(row))
                while chunk := list(islice(filled, CSV_PART_ROWS)):
                    seen = _seen(source, before, text.buffer, file)
                    yield (
                        CsvPart(number, len(chunk), seen=seen)
                        if number in done
                        else _csv_part(number, chunk, source.schema, seen)
                    )
                    number += 1
            except csv.Error as error:
                raise ScoringError(
                    f"{shown(file.url)}, line {rows.line_num}: is no CSV: {error}"
                ) from error
        before += file.size


def _seen(source, before, file, about):
    if about.url.endswith(".gz") or not source.bytes:
        return None
    return (before + file.tell()) / source.bytes


def _csv_part(number, rows, schema, seen):
    width, problems = len(schema), {}
    for place, cells in enumerate(rows):
        if len(cells) != width:
            if any(cells[width:]) or len(cells) < width:
                problems[place] = f"{len(cells)} cells, the header has {width}"
            rows[place] = (cells + [None] * width)[:width]
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    return CsvPart(number, len(rows), pa.table(columns, schema=schema), problems, seen)
