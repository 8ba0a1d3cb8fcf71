"""A replay as a table, a line for each answer. Called by the command and the admin."""

from ml.forest.differences import PARTS
from ml.tables.writing import csv_parts
from predictor.replay.actual import CHOSEN, LEFT_OUT

COLUMNS = (
    *("id", "created", "version", "price", "low", "high", "new_price", "new_low", "new_high"),
    *("change", "actual_price", "error", "new_error", "review", "weight"),
    *(f"part_{name}" for name in PARTS),
    "not_known",
)
"""change: a ratio. review: how the stone came to be reviewed; weight: the number of answers that it
stands for in its sample. part_…: of the difference, in log price. not_known: what of the stone the version
does not know; then there is no new price."""


def as_csv(batches):
    """Lists of Rows (services.py) as CSV: a generator of texts, beginning with the header."""
    return csv_parts(COLUMNS, ([cells(row) for row in batch] for batch in batches))


def cells(row):
    """The cells of a Row, in the order of COLUMNS; None where a value is unknown."""
    one, answer = row.prediction, row.answer
    recorded = one.pk, one.created.isoformat(), one.version.number, one.price, one.low, one.high
    if row.unknown:
        empty = [None] * (len(COLUMNS) - len(recorded) - 1)
        return *recorded, *empty, ", ".join(" ".join(filter(None, part)) for part in row.unknown)
    errors = (None, None) if row.actual is None else row.errors
    groups = [review_of(group) for group in row.groups]
    reviewed = (
        row.actual,
        *errors,
        ", ".join(groups) or None,
        max(row.groups.values(), default=None),
    )
    parts = [None if part != part else part for part in row.parts.tolist()]
    return *recorded, answer.price, answer.low, answer.high, row.change, *reviewed, *parts, None


def review_of(group):
    """How a stone came to be reviewed: the name of its group."""
    return group if group in (CHOSEN, *LEFT_OUT) else f"sample {group}"
