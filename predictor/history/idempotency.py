"""Keeps the answers of requests with an Idempotency-Key, in the transaction of their records.

Called by record.py, by predictor.web.idempotency, which describes the rules, and by workers, which delete
keys after a day.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from predictor.models import IdempotencyKey, Prediction

from .batches import write_in_batches

LIFETIME = timedelta(hours=24)

AT_A_TIME = 50
"""Keys deleted in one transaction: the answer to a long list takes up to 100 pages of SQLite's file."""

MOST_DELETED = 5000
"""Keys deleted by one call, so that it takes about a second."""

FAST = 1
"""zlib's level: an answer to 1,000 stones, half a megabyte, is compressed in 5 ms."""

INSERT = """
    INSERT INTO predictor_idempotencykey (digest, fingerprint, created, headers, content)
    VALUES (%s, %s, %s, %s, %s) ON CONFLICT (digest) DO NOTHING"""


class KeyTaken(Exception):
    """The key has an answer already, from a request that was faster."""


@dataclass
class Key:
    """A request with a key, identified by `digest`. fingerprint: of the request; write: Predictions -> the
    response to keep, an object with `headers` and `content`, which is `response` afterwards."""

    digest: str
    fingerprint: str
    write: Callable[[list[Prediction]], Any] | None = None
    response: Any = None

    def keeping(self, write: Callable[[list[Prediction]], Any]) -> "Key":
        """Itself, with the function that writes the response."""
        self.write = write
        return self


def row_of_key(key: Key, predictions: list[Prediction]) -> list[Any]:
    """The row that keeps a key's response, which it writes."""
    key.response = response = key.write(predictions)
    headers = json.dumps(dict(response.headers))
    content = zlib.compress(response.content, FAST)
    created = connection.ops.adapt_datetimefield_value(timezone.now())
    return [key.digest, key.fingerprint, created, headers, content]


def insert_key(row: list[Any], connection: BaseDatabaseWrapper) -> None:
    """Inserts the row of a key; KeyTaken if it is there. Of two requests at once, the second waits for the
    first."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT, row)
        if not cursor.rowcount:
            raise KeyTaken


def find(digest):
    """The IdempotencyKey with a digest; None if there is none. Deletes it if it has expired."""
    found = IdempotencyKey.objects.filter(pk=digest).first()
    if found and found.created < (oldest := timezone.now() - LIFETIME):
        IdempotencyKey.objects.filter(pk=digest, created__lt=oldest).delete()
        return None
    return found


def delete_expired():
    """Deletes expired keys, MOST_DELETED at most, in short transactions; returns their number."""
    expired = IdempotencyKey.objects.filter(created__lt=timezone.now() - LIFETIME)
    ids = list(expired.order_by("created").values_list("pk", flat=True)[:MOST_DELETED])
    return sum(write_in_batches(_delete, ids, AT_A_TIME))


def _delete(ids):
    return IdempotencyKey.objects.filter(pk__in=ids).delete()[0]
