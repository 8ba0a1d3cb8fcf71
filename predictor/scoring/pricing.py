"""The prices of a part's rows, in columns beside its own. Called in the workers."""

from functools import lru_cache

import numpy as np
import pyarrow as pa
from django.utils.translation import override

from predictor.models import ModelVersion
from predictor.pricing.warnings import codes_of_many
from predictor.versions.store import load

from .rows import stones_of
from .task import Counts

ADDED = pa.schema(
    [
        ("predicted_price", pa.int64()),
        ("low", pa.int64()),
        ("high", pa.int64()),
        ("warnings", pa.string()),
        ("error", pa.string()),
    ]
)
"""What the result has beside the input's columns: whole amounts as the API gives them, the warnings' codes,
and for a row without a price the messages."""


def price_part(job, part):
    """Prices a part, writes and notes its result; Counts."""
    counts, forest = Counts(), _forest(job.forest)
    with override("en"), job.output.part(part.number) as writer:
        for batch, problems in part.batches():
            added, some = priced(batch, forest, job.places, problems)
            columns = [*batch.columns, *added.columns]
            writer.write_table(pa.table(columns, schema=job.output.schema))
            counts += some
    job.output.note(part.number, counts)
    return counts


@lru_cache(maxsize=2)
def _forest(file):
    """Loaded once a process, which has one processor of the machine: its walks are by one thread."""
    forest = load(ModelVersion(artifact=file.name, sha256=file.sha256, scheme=file.scheme))
    forest.threads = 1
    return forest


def priced(batch, forest, places, problems=None):
    """(a RecordBatch of ADDED, Counts) of a RecordBatch; places: {parameter: column}."""
    stones = stones_of(batch, forest.scheme, places, problems or {})
    here, size = stones.places, len(batch)
    columns = {name: np.zeros(size, np.int64) for name in ADDED.names[:3]}
    warnings, warned = np.full(size, None, object), 0
    if len(here):
        matrix = stones.matrix
        answers = forest.answers(matrix, turned=True)
        columns["predicted_price"][here] = answers.price
        columns["low"][here] = np.floor(answers.low)
        columns["high"][here] = np.ceil(answers.high)
        warnings[here] = codes_of_many(stones.features, forest, answers)
        warned = int((warnings[here] != "").sum())
    errors = np.full(size, None, object)
    for row, text in stones.errors.items():
        errors[row] = text
    without = np.ones(size, bool)
    without[here] = False
    arrays = [pa.array(values, pa.int64(), mask=without) for values in columns.values()]
    arrays += [pa.array(texts, pa.string()) for texts in (warnings, errors)]
    return pa.record_batch(arrays, schema=ADDED), Counts(size, len(stones.errors), warned)
