"""Reads rows of the history in batches, in constant memory and without a long transaction."""

BATCH = 2000


def in_batches(rows, size=BATCH, find=None):
    """The Predictions of a queryset, oldest first, as lists of up to `size`.

    Each batch is its own query, starting after the last id: rows recorded meanwhile come last.
    find: (rows, limit, the id to start after or None) -> the next rows, for rows that are rare.
    """
    find = find or _next
    found = find(rows, size, None)
    while found:
        yield found
        found = find(rows, size, found[-1].pk) if len(found) == size else []


def _next(rows, size, after):
    rows = rows.filter(pk__gt=after) if after else rows
    return list(rows.order_by("pk")[:size])
