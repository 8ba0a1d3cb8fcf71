"""A worker's counts in a file that it maps, as prometheus_client's, but one that never ends the worker.

A mapped file takes its blocks when they are first written to; where there are none left, the kernel ends
whoever writes (SIGBUS). Here the blocks are taken before the file is mapped, which fails with an error.
What the file cannot take is kept in memory, and written as soon as it can be. Called by metrics.py.
"""

import logging
import os
import struct
import time
from pathlib import Path

from prometheus_client.mmap_dict import _INITIAL_MMAP_SIZE, MmapedDict

log = logging.getLogger(__name__)

FIRST = _INITIAL_MMAP_SIZE
"""Bytes of a new file; it doubles as often as it has to."""

OVERHEAD = 32
"""Bytes, at most, that a value takes in the file beside its key."""

LOOK_SECONDS = 5
"""How often a worker looks whether its file is still there, or can be had again."""

FAULTS = (OSError, ValueError, RuntimeError, struct.error)
"""What a file of counts may meet with: no room, no folder, or something else in its place."""


def reserve(descriptor, size):
    """Takes the blocks for the first bytes of a file; OSError where they are not to be had."""
    if size and hasattr(os, "posix_fallocate"):  # macOS has none
        os.posix_fallocate(descriptor, 0, size)


class ReservedFile(MmapedDict):
    """prometheus_client's file of counts, which is never larger than the blocks that it has."""

    def __init__(self, filename):
        path = Path(filename)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(".part")  # /metrics reads every whole file of the folder
            with aside.open("wb") as file:
                reserve(file.fileno(), FIRST)
            aside.replace(path)
        with path.open("r+b") as file:
            reserve(file.fileno(), path.stat().st_size)
        try:
            super().__init__(filename)
        except FAULTS:
            self._f.close()
            raise

    def _init_value(self, key):
        if self._used + len(key.encode()) + OVERHEAD > self._capacity:
            reserve(self._f.fileno(), 2 * self._capacity)
        super()._init_value(key)

    def is_there(self):
        """Whether it still has a name, so that /metrics finds it."""
        return os.fstat(self._f.fileno()).st_nlink > 0


class Counts:
    """What prometheus_client asks of its file of counts; nothing of it fails."""

    def __init__(self, filename):
        self._filename = filename
        self._file, self._kept = None, {}
        self._next_look, self._told = 0, None

    def read_value(self, key):
        """(value, timestamp) of a key; a new one is 0."""
        if time.monotonic() >= self._next_look:
            self._look_after_file()
        try:
            return self._file.read_value(key) if self._file else self._kept.get(key, (0.0, 0.0))
        except FAULTS as error:
            self._tell(error)
            return self._kept.get(key, (0.0, 0.0))

    def write_value(self, key, value, timestamp):
        """Sets the value of a key."""
        if time.monotonic() >= self._next_look:
            self._look_after_file()
        try:
            if self._file:
                self._file.write_value(key, value, timestamp)
                return
        except FAULTS as error:
            self._tell(error)
        self._kept[key] = value, timestamp

    def close(self):
        if self._file:
            self._file.close()

    def _look_after_file(self):
        self._next_look = time.monotonic() + LOOK_SECONDS
        try:
            self._open()
        except FAULTS as error:
            self._tell(error)

    def _open(self):
        """Opens the file, and writes to it what was counted without it; anew where it was removed."""
        file = self._file if self._file and self._file.is_there() else ReservedFile(self._filename)
        removed = self._file if self._file is not file else None
        for key, value, timestamp in removed.read_all_values() if removed else ():
            file.write_value(key, value, timestamp)
        for key, (value, timestamp) in self._kept.items():
            file.write_value(key, value, timestamp)
        self._file, self._kept, self._told = file, {}, None
        if removed:
            removed.close()

    def _tell(self, error):
        """Logs a fault, once for as long as it lasts."""
        if self._told != str(error):
            self._told = str(error)
            log.warning("metrics: %s; what is new is not shown until that is mended", error)
