"""Prices the rows of a part, in additional columns. Called in the workers."""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import override

from predictor.models import ModelVersion
from predictor.pricing.answers import COLUMNS
from predictor.versions.store import load

from .rows import stones_of
from .task import Counts

FIELDS = [field for field in COLUMNS if field.of_many]
ADDED = pa.schema([*((field.name, field.type) for field in FIELDS), ("error", "string")])
"""The columns that the result adds to the input's: the fields of the answer, with only the codes of
warnings; and for a row without a price the messages."""


def price_part(job, part):
    """Prices a part, writes its result and notes it; returns Counts."""
    counts, forest = Counts(), _forest(job.forest)
    with override("en"), job.output.part(part.number) as writer:
        for batch, problems in part.batches():
            added, some = priced(batch, forest, job.places, problems)
            columns = [*(batch.column(place) for place in job.kept), *added.columns]
            writer.write_table(pa.table(columns, schema=job.output.schema))
            counts += some
    job.output.note(part.number, counts)
    return counts


@lru_cache(maxsize=2)
def _forest(file):
    """Loaded once in each process; with one thread, because each process has one processor."""
    forest = load(ModelVersion(artifact=file.name, sha256=file.sha256, scheme=file.scheme))
    forest.threads = 1
    return forest


def priced(batch, forest, places, problems=None):
    """(a RecordBatch of ADDED, Counts) for a RecordBatch; places: {parameter: column}."""
    stones = stones_of(batch, forest, places, problems or {})
    here, size = stones.places, len(batch)
    answers = forest.answers(stones.matrix, turned=True) if len(here) else None
    columns = {
        field.name: _column(
            field, answers and field.of_many(stones.features, forest, answers), here, size
        )
        for field in FIELDS
    }
    errors = np.full(size, None, object)
    errors[list(stones.errors)] = list(stones.errors.values())
    warned = pc.sum(pc.not_equal(columns["warnings"], "")).as_py() or 0
    arrays = [*columns.values(), pa.array(errors, pa.string())]
    return pa.record_batch(arrays, schema=ADDED), Counts(size, len(stones.errors), warned)


def _column(field, values, places, size):
    """A field's column with n rows: its values at their places, null elsewhere."""
    if values is None:
        return pa.nulls(size, field.type)
    whole, without = np.empty(size, values.dtype), np.ones(size, bool)
    whole[places], without[places] = values, False
    return pa.array(whole, field.type, mask=without)
