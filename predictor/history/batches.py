"""Reads rows of the history in batches, in constant memory and without a long transaction, and writes
many rows in short transactions."""

import time

BATCH = 2000

WRITTEN_AT_ONCE = 200
"""The most rows written by one transaction of work on many rows: SQLite has one writer at a time, so a
price waits until it ends."""

PAUSE = 2.0
"""The pause between two of these transactions, as a multiple of the first one's duration."""


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


def write_in_batches(write, ids, size=WRITTEN_AT_ONCE):
    """Calls `write` with up to `size` ids at a time and yields its results.

    write: runs one short transaction. Between two of them there is a pause, in which others can write.
    """
    seconds = 0
    for start in range(0, len(ids), size):
        time.sleep(PAUSE * seconds)
        begun = time.monotonic()
        yield write(ids[start : start + size])
        seconds = time.monotonic() - begun
