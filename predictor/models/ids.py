"""Time-ordered ids (UUID version 7, RFC 9562): they sort by creation time and contain no other data."""

import os
import threading
import time
import uuid
from datetime import UTC, datetime

_lock = threading.Lock()
_last = 0
_ahead = time.time_ns() - time.monotonic_ns()
"""How many ns the ids' time is ahead of the monotonic clock, which all processes of a machine share.

Never less than at the time of import, which is the same for all of gunicorn's workers.
"""


def uuid7():
    """A UUIDv7; within a process later ones are greater, even if the clock is set back."""
    random = int.from_bytes(os.urandom(9), "big")
    stamp, tail = _next_stamp(random >> 64), random & (1 << 62) - 1
    milliseconds, sequence = stamp >> 12, stamp & 0xFFF
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | sequence << 64 | 2 << 62 | tail)


def time_of(id_):
    """The time at which an id was created."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)


def follow(last):
    """Makes the next ids greater than `last`, even if the clock was set back; None: there is no last id."""
    global _ahead, _last
    if last is not None:
        with _lock:
            _ahead = max(_ahead, (last.int >> 80) * 1_000_000 - time.monotonic_ns())
            _last = max(_last, last.int >> 80 << 12 | last.int >> 64 & 0xFFF)


def _now():
    """Nanoseconds since 1970, from the clock; keeps increasing if the clock is set back."""
    global _ahead
    clock = time.time_ns()
    ticks = time.monotonic_ns()  # read after the clock, so that a pause in between adds nothing
    _ahead = max(_ahead, clock - ticks)
    return _ahead + ticks


def _next_stamp(offset):
    """Milliseconds and a 12-bit sequence, from `offset` on, in one increasing number."""
    global _last
    with _lock:
        _last = max(_now() // 1_000_000 << 12 | offset, _last + 1)
        return _last
