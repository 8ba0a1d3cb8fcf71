"""Exports recorded answers as CSV, JSON lines or Parquet, in batches of rows.

Called by the admin. Columns have the API's names; the memory used does not grow with the number of
rows.
"""

import json

from ml.tables.writing import csv_parts
from ml.vocabulary import OPTIONAL
from predictor.history.batches import BATCH, in_batches
from predictor.models import Prediction
from predictor.pricing.answers import EXPORT, NUMBER, TEXT, WHOLE, cells_of, columns_of

MOMENT, DAY = "moment", "date32"

RECORD = {
    "created": MOMENT,
    "source": TEXT,
    "client": TEXT,
    "scheme": TEXT,
    "status": WHOLE,
    "carat": NUMBER,
    "cut": TEXT,
    "color": TEXT,
    "clarity": TEXT,
    "depth": NUMBER,
    "table": NUMBER,
    "x": NUMBER,
    "y": NUMBER,
    "z": NUMBER,
    "volume": NUMBER,
    **dict.fromkeys(OPTIONAL, TEXT),
    "asking": NUMBER,
    "percentile": NUMBER,
    "latency_ms": NUMBER,
    "trace_id": TEXT,
}
"""The exported fields of Prediction that need no conversion."""

REVIEW = {
    "review": TEXT,
    "actual_price": NUMBER,
    "sold_on": DAY,
    "review_source": TEXT,
    "review_note": TEXT,
    "reviewed_by": TEXT,
    "reviewed_at": MOMENT,
}
FIRST = "id", "created", "source", "client", "scheme", "version", "status"
LAST = (
    "asking",
    "percentile",
    "assumed",
    "recorded_stone",
    "warnings",
    "error",
    "latency_ms",
    "trace_id",
    *REVIEW,
)


def _columns():
    answers = {name: field.type for name, field in columns_of(EXPORT).items()}
    known = RECORD | answers | {"error": TEXT} | REVIEW
    between = [name for name in known if name not in FIRST + LAST]
    return {name: known[name] for name in (*FIRST, *between, *LAST)}


COLUMNS = _columns()
"""{column: its type}, in the order of the files."""

ROW_GROUP = 5_000
"""Rows in a row group of a Parquet file: each group uses some memory until the file ends."""


def exported(rows, size=BATCH, find=None):
    """The rows of a queryset of Predictions as dicts by COLUMNS, in lists of `size`; oldest first.

    find: finds the rows, as in in_batches.
    """
    rows = rows.select_related("version", "review", "review__by").defer("request", "version__card")
    for batch in in_batches(rows, size, find):
        yield [_row_of(prediction) for prediction in batch]


def _row_of(prediction):
    row = dict.fromkeys(COLUMNS) | {"id": str(prediction.pk), "warnings": ""}
    row |= {name: getattr(prediction, name) for name in RECORD}
    row["error"] = _error_text(prediction.error)
    if prediction.status == 200:
        row |= zip(columns_of(EXPORT), cells_of(prediction, EXPORT), strict=True)
    return row | _review_of(prediction)


def _error_text(error):
    return "" if error is None else json.dumps(error, ensure_ascii=False)


def _review_of(prediction):
    try:
        review = prediction.review
    except Prediction.review.RelatedObjectDoesNotExist:
        return {}
    return {
        "review": review.state,
        "actual_price": review.actual_price,
        "sold_on": review.sold_on,
        "review_source": review.source,
        "review_note": review.note,
        "reviewed_by": review.by.get_username() if review.by else "",
        "reviewed_at": review.at,
    }


# The three file types: generators of bytes


def as_csv(rows, find=None):
    """The rows as CSV in UTF-8, with a header."""
    batches = ([map(_cell, row.values()) for row in batch] for batch in exported(rows, find=find))
    for text in csv_parts(COLUMNS, batches):
        yield text.encode()


def _cell(value):
    return value.isoformat() if hasattr(value, "isoformat") else value


def as_json_lines(rows, find=None):
    """The rows as JSON objects, one on each line."""
    for batch in exported(rows, find=find):
        yield "".join(
            json.dumps(row, ensure_ascii=False, default=lambda moment: moment.isoformat()) + "\n"
            for row in batch
        ).encode()


def as_parquet(rows, find=None):
    """The rows as one Parquet file, a row group for each batch."""
    import pyarrow
    from pyarrow import parquet

    moment = pyarrow.timestamp("us", tz="UTC")
    types = {MOMENT: moment, DAY: pyarrow.date32()}
    schema = pyarrow.schema(
        [(name, types.get(kind) or pyarrow.type_for_alias(kind)) for name, kind in COLUMNS.items()]
    )
    drained = _Drained()
    with parquet.ParquetWriter(drained, schema, compression="zstd") as writer:
        for batch in exported(rows, ROW_GROUP, find):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema))
            yield drained.taken()
    yield drained.taken()


class _Drained:
    """A file for writing, whose bytes can be taken out as they are written."""

    closed = False

    def __init__(self):
        self._parts, self._length = [], 0

    def write(self, part):
        self._parts.append(bytes(part))
        self._length += len(part)
        return len(part)

    def tell(self):
        return self._length

    def flush(self):
        """Nothing is buffered."""

    def close(self):
        """Does nothing: the bytes written can still be taken."""

    def taken(self):
        parts, self._parts = b"".join(self._parts), []
        return parts


KINDS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "jsonl": (as_json_lines, "application/jsonl"),
    "parquet": (as_parquet, "application/vnd.apache.parquet"),
}
"""{file name extension: (the function that writes a queryset, the content type)}."""
