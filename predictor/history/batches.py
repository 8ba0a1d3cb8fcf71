"""Rows of the history in batches, in constant memory and without a transaction that lasts."""

BATCH = 2000


def in_batches(rows, size=BATCH, find=None):
    """The Predictions of a queryset, the oldest first, as lists of up to `size`.

    Each batch is a query of its own from the last id on: whatever is recorded meanwhile comes last.
    find: (rows, how many, the id to go on from or None) -> the next rows, where they are rare.
    """
    find = find or _next
    found = find(rows, size, None)
    while found:
        yield found
        found = find(rows, size, found[-1].pk) if len(found) == size else []


def _next(rows, size, after):
    rows = rows.filter(pk__gt=after) if after else rows
    return list(rows.order_by("pk")[:size])
