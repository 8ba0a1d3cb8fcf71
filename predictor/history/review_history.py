"""Writes the history of reviews, the table of django-simple-history: many rows by one statement.

A review holds all of its current version, so its row in the history can be added later. Whoever replaces
a review completes its history first: after a kill no version is missing. Called by predictor.review.saving
and by pruning.
"""

from django.db import connection, transaction
from django.utils import timezone

from predictor.models import Review

from .batches import write_in_batches
from .staging import columns_of

FIELDS = [field for field in Review._meta.concrete_fields if not field.primary_key]
REVIEWS, HISTORY = Review._meta.db_table, Review.history.model._meta.db_table
LOCK = 5_010_017
"""The number of PostgreSQL's advisory lock of those who add to the history."""


def complete_history(predictions):
    """Adds the current versions of these predictions' reviews to the history, if they are missing."""
    for _ in write_in_batches(lambda ids: add_versions(*sql_of(ids)), predictions):
        pass


def add_versions(among, arguments=()):
    """Adds the current versions of reviews to the history, unless it has them; in one short transaction.

    among: SQL of the predictions' ids, with its arguments.
    """
    kind = f"CASE WHEN EXISTS (SELECT 1 FROM {HISTORY} h WHERE h.id = r.id) THEN '~' ELSE '+' END"  # noqa: S608
    new = f"""AND NOT EXISTS (
        SELECT 1 FROM {HISTORY} h WHERE h.prediction_id = r.prediction_id AND h.at = r.at)"""  # noqa: S608
    with transaction.atomic():
        if connection.vendor == "postgresql":  # two processes must not add the same version
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        _add(kind, "r.at", among, arguments, new)


def add_deletions(predictions):
    """Adds to the history that the reviews of these predictions are deleted."""
    among, ids = sql_of(predictions)
    _add("'-'", "%s", among, [connection.ops.adapt_datetimefield_value(timezone.now()), *ids])


def _add(kind, date, among, arguments, which=""):
    statement = f"""
        INSERT INTO {HISTORY} (id, {columns_of(FIELDS)}, history_type, history_date, history_user_id)
        SELECT r.id, {columns_of(FIELDS, "r.")}, {kind}, {date}, r.by_id
        FROM {REVIEWS} r WHERE r.prediction_id IN ({among}) {which}"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)


def sql_of(predictions):
    """(SQL, arguments) of these predictions' ids."""
    adapt = Review._meta.get_field("prediction").get_db_prep_save
    ids = [adapt(one, connection) for one in predictions]
    return ", ".join(["%s"] * len(ids)), ids
