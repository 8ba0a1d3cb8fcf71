"""Looks for rare rows of the history: a part of it after the other, for a limited time.

Called by the admin's list of predictions and by its walk from record to record.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from predictor.models import Prediction

PART = 20_000
"""Predictions that one query looks through."""

SECONDS = 1
"""After so long a search stops at the end of a part, and says where."""


@dataclass(frozen=True)
class Found:
    """What a search has found, in its order. searched_to: the id that it stopped at; None at the end."""

    rows: list
    searched_to: UUID | None = None


def search(rows, wanted, start=None, last=None, newer=False, seconds=SECONDS):
    """The first so many of a queryset of Predictions beyond an id, as Found.

    start: an id, not included; by default the newest (newer: the oldest) one is the first to look at.
    last: the id to look no further than. The order is the newest first, or with `newer` the oldest.
    """
    order, further, within = ("pk", "pk__gt", "pk__lte") if newer else ("-pk", "pk__lt", "pk__gte")
    rows, found, until = rows.order_by(order), [], time.monotonic() + seconds
    ids = Prediction.objects.order_by(order).values_list("pk", flat=True)
    ids = ids.filter(**{within: last}) if last else ids
    while True:
        ahead = ids.filter(**{further: start}) if start else ids
        first, end = ahead.first(), ahead[PART - 1 : PART].first()
        # Both ends are named, so that a database takes the ids' index, not one of the filter's.
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
    """How much of the history's time a search from the newest row to an id has covered, a ratio."""
    ids = Prediction.objects.values_list("pk", flat=True)
    oldest, newest = (ids.order_by(order).first().int for order in ("pk", "-pk"))
    return (newest - searched_to.int) / max(newest - oldest, 1)
