"""Time-ordered ids (UUID version 7, RFC 9562): they sort as they were made, and give nothing away."""

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def uuid7():
    """A UUIDv7; within a process later ones are greater, even where the clock steps back."""
    stamp = _next_stamp(time.time_ns() // 1_000_000 << 12 | int.from_bytes(os.urandom(1), "big"))
    milliseconds, sequence = stamp >> 12, stamp & 0xFFF
    tail = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | sequence << 64 | 2 << 62 | tail)


def _next_stamp(wanted):
    """Milliseconds and a 12-bit sequence in one growing number."""
    global _last
    with _lock:
        _last = max(wanted, _last + 1)
        return _last
