"""The folder in which a server's workers count: its own, which it holds by a lock for as long as it lives.

The lock is on a file in the folder, and belongs to the server and to the workers that it forks; it
goes with the last of them, however they end. A process's number would tell nothing here: it is
another process's in another container. gunicorn.conf.py claims the folder before anything counts.

A mapped file takes its blocks when they are first written to; where there are none left, the kernel ends
whoever writes (SIGBUS). So the server's files get all their blocks when the folder is claimed.
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
"""Bytes of a file of counts: more than all metrics with all their labels take."""

FAULTS = (OSError, ValueError, RuntimeError, struct.error)
"""What reading or opening a file of counts may raise: no room, no folder, a damaged file."""

held = SimpleNamespace(path=None, lock=None, made=False)
"""What this process, or the server that forked it, has claimed: path is None where it has nothing."""


def claim(given, places, files):
    """Claims a folder and makes the named files in it; returns why better ones were not taken, a line each.

    given: the operator's own folder, which is tried first and never removed; None where there is none.
    places: in which a folder is made, the best first. A process claims once; `held` tells what.
    """
    # gunicorn's SIGUSR2 hands the old server's folder on, which goes with the old server.
    ways = [(_take, given)] if given and not given.name.startswith(BEGINS) else []
    ways += [(_make, place) for place in places]
    faults = []
    while ways and not held.path:
        way, place = ways.pop(0)
        try:
            way(Path(place), files)
        except OSError as error:
            taken = isinstance(error, BlockingIOError)
            faults.append(f"{place}: {'another server counts there' if taken else error.strerror}")
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
    # Who removes what is left behind, may just have done so.
    if not (path / LOCK).exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    held.path, held.lock = path, lock


def reserve(path):
    """Makes a file of counts that has all its blocks, where there is none; OSError."""
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
    """Counts of a worker whose file cannot be had: it goes on, but /metrics does not show them."""

    def read_value(self, key):
        return self.get(key, (0.0, 0.0))

    def write_value(self, key, value, timestamp):
        self[key] = value, timestamp

    def close(self):
        """There is no file."""


def open_counts(filename):
    """What prometheus_client counts in: its own file, reserved; nothing of it ends or fails a request."""
    try:
        reserve(Path(filename))
        return MmapedDict(filename)
    except FAULTS as error:
        log.warning("metrics: %s; what this worker counts is not shown", error)
        return Private()


def _locked(path, flags=0):
    """The descriptor of a folder's lock, held; BlockingIOError where another server holds it."""
    lock = os.open(path / LOCK, os.O_RDWR | flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def release():
    """Removes the folder, if it was made for this server."""
    if held.path and held.made:
        shutil.rmtree(held.path, ignore_errors=True)


def remove_abandoned(places):
    """Removes the folders of servers that were killed: those whose lock nobody holds."""
    for place in places:
        for path in Path(place).glob(f"{BEGINS}*"):
            with suppress(OSError):  # another server's, or another user's
                lock = _locked(path)
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def first_usable(places):
    """The first of the places, made where missing, that takes a file, as text; None where none does."""
    for place in places:
        with suppress(OSError):
            private_files.make_folder(place)
            tempfile.TemporaryFile(dir=place).close()
            return str(place)
    return None
