"""Parquet input files: their columns, converted to common types, and their rows in parts.

pyarrow.dataset was tried: it uses the first file's types for all (so 1.5 is not an int64), merges neither
dictionaries with strings nor string views with strings, and cannot find a row by its number.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pyarrow as pa
from pyarrow import compute, parquet

from predictor.errors import store_errors

from .errors import ScoringError
from .files import display_url, opened

PART_ROWS = 250_000
BATCH_ROWS = 65_536
"""The number of rows that a worker has in memory at a time."""


@contextmanager
def opened_parquet(url):
    """A ParquetFile; ScoringError if it cannot be opened or read."""
    with opened(url) as file:
        try:
            yield parquet.ParquetFile(file)
        except (pa.ArrowException, *store_errors()) as error:
            raise ScoringError(f"{display_url(url)}: cannot be read as Parquet: {error}") from error


def inspect_file(file):
    """(schema, number of rows) of an InputFile; raises ScoringError."""
    with opened_parquet(file.url) as read:
        return read.schema_arrow.remove_metadata(), read.metadata.num_rows


def common_schema(files, schemas):
    """The schema of all files: their columns in order of appearance, with types that can hold the values
    of each file, and the columns from folder names. ScoringError if there is no such type."""
    for file, schema in zip(files, schemas, strict=True):
        _refuse_twice(file, schema, schemas[0])
    fields, first = {}, {}
    for file, schema in zip(files, schemas, strict=True):
        for one in [
            *schema,
            *(pa.field(n, pa.string()) for n in file.constants if n not in schema.names),
        ]:
            if one.name not in fields:
                fields[one.name], first[one.name] = one.type, file
            elif fields[one.name] != one.type:
                fields[one.name] = _wider(one, fields[one.name], file, first[one.name])
    if all(schema.names == schemas[0].names for schema in schemas) and len(fields) < len(
        schemas[0]
    ):
        return schemas[0]
    return pa.schema([*fields.items()])


def _refuse_twice(file, schema, first):
    if schema != first and (
        name := next((n for n in schema.names if schema.names.count(n) > 1), None)
    ):
        raise ScoringError(f"{display_url(file.url)} has two columns {name!r}: rename one")


def _wider(one, other, file, first):
    kinds = [pa.schema([(one.name, _plain(kind))]) for kind in (other, one.type)]
    try:
        return pa.unify_schemas(kinds, promote_options="permissive").field(0).type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        raise ScoringError(
            f"{display_url(file.url)}: column {one.name} is {one.type}, {other} in {display_url(first.url)}"
        ) from None


def _plain(kind):
    """A type without its encoding, such as a dictionary."""
    kind = _plain(kind.value_type) if pa.types.is_dictionary(kind) else kind
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


@dataclass(frozen=True)
class ParquetPart:
    """`count` rows of a Parquet file from the row `start` on, with the columns of a schema; constants:
    {column: value} from the folder names."""

    number: int
    url: str
    start: int
    count: int
    schema: pa.Schema
    constants: dict = field(default_factory=dict)

    def batches(self):
        """[(RecordBatch, {}), …] of at most BATCH_ROWS rows; raises ScoringError."""
        with opened_parquet(self.url) as file:
            groups, skip = _groups(file.metadata, self.start, self.count)
            left = self.count
            for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, use_threads=False):
                piece = batch.slice(skip, left)
                skip = max(0, skip - len(batch))
                left -= len(piece)
                if len(piece):
                    yield self._fitted(piece), {}
                if not left:
                    return
        raise ScoringError(f"{display_url(self.url)}: has fewer rows than when the run began")

    def _fitted(self, batch):
        """A batch with the schema's columns and types: null for columns that the file does not have."""
        if batch.schema.equals(self.schema):
            return batch
        if batch.schema.names == self.schema.names:
            columns = batch.columns
        else:
            own = dict(zip(batch.schema.names, batch.columns, strict=True))
            columns = [own.get(name) for name in self.schema.names]
        cast = [
            _repeated(self.constants.get(one.name), one.type, len(batch))
            if column is None
            else _cast(column, one.type)
            for column, one in zip(columns, self.schema, strict=True)
        ]
        return pa.record_batch(cast, schema=self.schema)


def _repeated(value, kind, count):
    return pa.nulls(count, kind) if value is None else pa.repeat(pa.scalar(value, kind), count)


def _cast(column, kind):
    if column.type == kind:
        return column
    column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return compute.cast(column, kind, safe=False)


def _groups(metadata, start, count):
    """The row groups that hold the rows, and the number of rows before them in the first group."""
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


def parts_of(source):
    """The ParquetParts of a Source, numbered from 0."""
    places = (
        (file.url, start, min(PART_ROWS, rows - start), source.schema, file.constants)
        for file, rows in zip(source.files, source.rows, strict=True)
        for start in range(0, rows, PART_ROWS)
    )
    return (ParquetPart(number, *place) for number, place in enumerate(places))
