"""The folder for the metrics files of a server's workers; the server holds a lock on it while it lives.

The lock is on a file in the folder, and belongs to the server and the workers that it forks; it is
released when the last of them ends, however they end. A process id would not work here: in another
container it belongs to another process. gunicorn.conf.py claims the folder before anything is counted.

A mapped file gets its blocks when they are first written to; if there are none left, the kernel kills
the process that writes (SIGBUS). So all blocks are allocated when the folder is claimed.
"""

import errno
import fcntl
import logging
import os
import shutil
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from prometheus_client.mmap_dict import MmapedDict

from predictor import private_files

log = logging.getLogger(__name__)

BEGINS = "diamonds-counts-"
LOCK = "diamonds.lock"

SIZE = 2**16
"""The size in bytes of a metrics file: more than all metrics with all their labels need."""

FAULTS = (OSError, ValueError, RuntimeError, struct.error)
"""Errors of reading or opening a metrics file: no space, no folder, a damaged file."""

held = SimpleNamespace(path=None, lock=None, made=False)
"""What this process, or the server that forked it, has claimed; path is None if nothing."""


def claim(given, places, files):
    """Claims a folder and creates the named files in it; returns why earlier choices failed, one line each.

    given: the operator's own folder, which is tried first and never removed; None if there is none.
    places: where a folder can be created, the best first. A process claims once; the result is in `held`.
    """
    # With SIGUSR2 gunicorn passes on the old server's folder, which is removed when that server ends.
    ways = [(_take, given)] if given and not given.name.startswith(BEGINS) else []
    ways += [(_make, place) for place in places]
    faults = []
    while ways and not held.path:
        way, place = ways.pop(0)
        try:
            way(Path(place), files)
        except OSError as error:
            is_taken = isinstance(error, BlockingIOError)
            faults.append(
                f"{place}: {'another server counts there' if is_taken else error.strerror}"
            )
    return faults


def _make(place, files):
    private_files.make_folder(place)
    path = Path(tempfile.mkdtemp(prefix=BEGINS, dir=place))
    try:
        _take(path, files)
        held.made = True
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _take(path, files):
    private_files.make_folder(path)
    lock = _locked(path, os.O_CREAT)
    for name in files:
        reserve(path / name)
    # Another process that removes abandoned folders may have removed it.
    if not (path / LOCK).exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    held.path, held.lock = path, lock


def reserve(path):
    """Creates a metrics file with all blocks allocated, if there is none; raises OSError."""
    if path.exists() and path.stat().st_size:
        return
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".part")  # /metrics reads every whole file of the folder
    try:
        with private_files.opened(aside) as file:
            if hasattr(os, "posix_fallocate"):  # macOS has none
                os.posix_fallocate(file.fileno(), 0, SIZE)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


class Private(dict):
    """Counts of a worker without a usable file: counting works, but /metrics does not show them."""

    def read_value(self, key):
        return self.get(key, (0.0, 0.0))

    def write_value(self, key, value, timestamp):
        self[key] = value, timestamp

    def close(self):
        """Does nothing: there is no file."""


def open_counts(filename):
    """The storage of prometheus_client's counts: a reserved file; its errors never fail a request."""
    try:
        reserve(Path(filename))
        return MmapedDict(filename)
    except FAULTS as error:
        log.warning("metrics: %s; what this worker counts is not shown", error)
        return Private()


def _locked(path, flags=0):
    """The descriptor of a folder's lock, held; BlockingIOError if another server holds it."""
    lock = os.open(path / LOCK, os.O_RDWR | flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def release():
    """Removes the folder if it was created for this server."""
    if held.path and held.made:
        shutil.rmtree(held.path, ignore_errors=True)


def remove_abandoned(places):
    """Removes the folders of servers that were killed: those whose lock is free."""
    for place in places:
        for path in Path(place).glob(f"{BEGINS}*"):
            with suppress(OSError):  # another server's, or another user's
                lock = _locked(path)
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def first_usable(places):
    """The first of the places, created if missing, that is writable, as text; None if none is."""
    for place in places:
        with suppress(OSError):
            private_files.make_folder(place)
            tempfile.TemporaryFile(dir=place).close()
            return str(place)
    return None
