"""Searches the history for rare rows, one part after another, for a limited time.

Called by the admin's list of predictions and by its links from record to record.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from predictor.models import Prediction

PART = 20_000
"""Predictions searched by one query."""

SECONDS = 1
"""After this long a search stops at the end of a part, and returns where."""


@dataclass(frozen=True)
class Found:
    """The rows found, in order. searched_to: the id at which the search stopped; None at the end."""

    rows: list
    searched_to: UUID | None = None


def search(rows, wanted, start=None, last=None, newer=False, seconds=SECONDS):
    """The first `wanted` rows of a queryset of Predictions after an id, as Found.

    start: an id, excluded; by default the search starts with the newest row (newer: the oldest). last: the
    last id to search. The order is newest first, or oldest first with `newer`.
    """
    order, further, within = ("pk", "pk__gt", "pk__lte") if newer else ("-pk", "pk__lt", "pk__gte")
    rows, found, until = rows.order_by(order), [], time.monotonic() + seconds
    ids = Prediction.objects.order_by(order).values_list("pk", flat=True)
    ids = ids.filter(**{within: last}) if last else ids
    while True:
        ahead = ids.filter(**{further: start}) if start else ids
        first, end = ahead.first(), ahead[PART - 1 : PART].first()
        # With both ends given, a database uses the index of the ids, not one of the filter's.
        part = _between(rows, first, end or last, within, newer) if first else rows.none()
        found += part[: wanted - len(found)]
        if len(found) == wanted or end is None:
            return Found(found)
        if time.monotonic() > until:
            return Found(found, end)
        start = end


def _between(rows, first, end, within, newer):
    rows = rows.filter(**{"pk__gte" if newer else "pk__lte": first})
    return rows.filter(**{within: end}) if end else rows


def share_searched(searched_to):
    """The ratio of the history's time covered by a search from the newest row to an id."""
    ids = Prediction.objects.values_list("pk", flat=True)
    oldest, newest = (ids.order_by(order).first().int for order in ("pk", "-pk"))
    return (newest - searched_to.int) / max(newest - oldest, 1)
