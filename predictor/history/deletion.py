"""The only way to delete recorded answers from the history; migration 0006 blocks all others.

Called by predictor.history.pruning, and by tests that start from an empty history.
"""

from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def deletion_allowed():
    """A transaction in which predictions may be deleted but not changed; other transactions may not."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO predictor_door VALUES (1)")
            yield
            cursor.execute("DELETE FROM predictor_door")
        else:
            cursor.execute("SET LOCAL diamonds.door = 'open'")
            yield
            cursor.execute("SET LOCAL diamonds.door = ''")
