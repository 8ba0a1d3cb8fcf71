"""Writes the history: an answer's rows, in one commit. Called only by pricing.services."""

from datetime import UTC
from functools import cache
from operator import attrgetter, itemgetter

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from predictor import json_text

from .commits import shared
from .idempotency import Key, row_of_key
from .inserts import FIELDS, insert, send

VALUES_OF = itemgetter(*(field.attname for field in FIELDS))
PLACES = {
    kind: [place for place, field in enumerate(FIELDS) if type(field) is kind]
    for kind in (models.UUIDField, models.DateTimeField, models.JSONField)
}
"""Where a row has values that are converted for a database; all others are passed unchanged."""

KEPT_OF_REQUEST = 4096
"""The number of bytes of a request's text that are recorded."""


@cache
def _conversions(vendor):
    """[(place in a row, function), …] of the values to convert: the same as Django's, in less time."""
    ways = {models.JSONField: _adapted_json}
    if vendor == "sqlite":
        ways = {
            models.UUIDField: attrgetter("hex"),
            models.DateTimeField: lambda moment: moment.astimezone(UTC).isoformat(" ")[:-6],
            models.JSONField: _json_of,
        }
    return [(place, way) for kind, way in ways.items() for place in PLACES[kind]]


def _adapted_json(value):
    return connection.ops.adapt_json_value(value, None)


def _json_of(value):
    return "[]" if value == [] else json_text.dumps(value)


def cut(text):
    """The first 4 KiB (UTF-8) of a text."""
    if text.isascii():
        return text[:KEPT_OF_REQUEST]
    return text.encode()[:KEPT_OF_REQUEST].decode(errors="ignore")


def record(predictions, key: Key | None = None):
    """Records all of the predictions, or none; raises django.db.Error on failure.

    A row of the main thread shares its commit with others. key: keeps their answer in the same
    transaction; raises KeyTaken, and nothing is recorded, if it has an answer already.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    rows = [_row_of(prediction, connection) for prediction in predictions]
    if shared.in_main_thread():
        shared.commit(rows, insert, send)
    else:
        send(rows, connection, key and row_of_key(key, predictions))


def _row_of(prediction, connection):
    values = list(VALUES_OF(vars(prediction)))
    for place, converted in _conversions(connection.vendor):
        if values[place] is not None:
            values[place] = converted(values[place])
    return values
