"""Archives recorded answers in Parquet files, which are verified before rows leave the history."""

import json

from django.db import models

from ml.forest.artifact import sha256_of
from predictor import private_files
from predictor.models import Prediction, Review, SecondReview

from .disk import settle

FIELDS = {field.attname: field for field in Prediction._meta.concrete_fields}
REVIEWS = {
    f"{relation}_{field.attname}": (relation, field)
    for relation, model in {"review": Review, "second_review": SecondReview}.items()
    for field in model._meta.concrete_fields
    if field.attname not in ("id", "prediction_id")
}
"""The columns of an answer's reviews: {column: (the name of the relation, field)}."""
AS_JSON = [name for name, field in FIELDS.items() if isinstance(field, models.JSONField)]
PREFIX = "predictions-"


class ArchiveError(Exception):
    """An archive that cannot be written, or that does not hold what was written."""


def write(rows, folder):
    """Writes Predictions into a new file of a folder; returns its Path once it is on the disk and
    verified. Raises ArchiveError, OSError.

    rows: a list in the order of their ids, with `review` and `second_review` if there are any. An
    unfinished file has the ending .part; a finished one has a file with its sha256 next to it.
    """
    import pyarrow
    from pyarrow import parquet

    path = folder / f"{PREFIX}{rows[0].pk.hex}-{rows[-1].pk.hex}.parquet"
    part = path.with_suffix(".part")
    rows_to_write = [_row_of(row) for row in rows]
    private_files.create(part)
    parquet.write_table(
        pyarrow.Table.from_pylist(rows_to_write, _schema()), part, compression="zstd"
    )
    if _ids(part) != [row.pk.hex for row in rows]:
        raise ArchiveError(f"{part} does not hold what was written to it")
    settle(part)
    with private_files.opened(path.with_suffix(".sha256")) as file:
        file.write(f"{sha256_of(part)}  {path.name}\n".encode())
    settle(path.with_suffix(".sha256"))
    part.replace(path)
    settle(folder)
    return path


def unfinished(folder):
    """(file, ids) of archives with rows that are still in the history, after a run was killed between
    archiving and deleting. Raises ArchiveError for a file that has changed."""
    for path in sorted(folder.glob(f"{PREFIX}*.parquet")):
        first, last = path.stem.removeprefix(PREFIX).split("-")
        if Prediction.objects.filter(pk__gte=first, pk__lte=last).exists():
            yield path, verified_ids(path)


def verified_ids(path):
    """The ids of an archive's rows, hexadecimal; raises ArchiveError if it has changed."""
    known = path.with_suffix(".sha256")
    if not known.is_file() or known.read_text().split()[0] != sha256_of(path):
        raise ArchiveError(f"{path} is not what was written: its sha256 differs")
    return _ids(path)


def _row_of(prediction):
    row = {name: getattr(prediction, name) for name in FIELDS} | {"id": prediction.pk.hex}
    row |= {name: json.dumps(row[name]) for name in AS_JSON}
    return row | {
        column: getattr(getattr(prediction, relation, None), field.attname, None)
        for column, (relation, field) in REVIEWS.items()
    }


def _schema():
    """The archive's columns: the prediction's fields, then its reviews' as review_… and second_review_…."""
    import pyarrow

    types = {
        models.FloatField: pyarrow.float64(),
        models.DateTimeField: pyarrow.timestamp("us", tz="UTC"),
        models.DateField: pyarrow.date32(),
        models.PositiveSmallIntegerField: pyarrow.int64(),
        models.ForeignKey: pyarrow.int64(),
    }
    fields = FIELDS | {column: field for column, (_, field) in REVIEWS.items()}
    return pyarrow.schema(
        [(name, types.get(type(field), pyarrow.string())) for name, field in fields.items()]
    )


def _ids(path):
    from pyarrow import parquet

    return parquet.read_table(path, columns=["id"]).column("id").to_pylist()
