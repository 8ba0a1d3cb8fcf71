"""Whether the history can be written now; called by /health/ready."""

from django.db import Error as DatabaseUnusable
from django.db import connection, transaction

from predictor.models import Prediction

from .connections import let_go


def state_of_history():
    """Whether an answer could be recorded now, as text: a row is written and rolled back."""
    try:
        Prediction.objects.only("pk").first()
    except DatabaseUnusable as error:
        let_go(error)
        return "does not answer"
    try:
        with transaction.atomic():
            Prediction(source="api", status=503, request="", latency_ms=0).save(force_insert=True)
            transaction.set_rollback(True)
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:  # SQLite writes nothing to the disk before a commit
                cursor.execute("PRAGMA user_version = 0")
    except DatabaseUnusable as error:
        let_go(error)
        return "cannot be written"
    return "ok"
