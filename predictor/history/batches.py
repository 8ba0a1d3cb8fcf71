"""Rows of the history in batches, in constant memory and without a transaction that lasts."""

BATCH = 2000


def in_batches(rows, size=BATCH):
    """The Predictions of a queryset, the oldest first, as lists of up to `size`.

    Each batch is a query of its own from the last id on: whatever is recorded meanwhile comes last.
    """
    rows = rows.order_by("pk")
    found = list(rows[:size])
    while found:
        yield found
        found = list(rows.filter(pk__gt=found[-1].pk)[:size]) if len(found) == size else []
