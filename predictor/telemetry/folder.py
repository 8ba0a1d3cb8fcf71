"""The folder in which a server's workers count: its own, which it holds by a lock for as long as it lives.

The lock is on a file in the folder, and belongs to the server and to the workers that it forks; it
goes with the last of them, however they end. A process's number would tell nothing here: it is
another process's in another container. gunicorn.conf.py claims the folder before anything counts.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from .mapped import reserve

BEGINS = "diamonds-counts-"
LOCK = "diamonds.lock"

held = SimpleNamespace(path=None, lock=None, made=False)
"""What this process, or the server that forked it, has claimed: path is None where it has nothing."""


def claim(given, places, size):
    """Claims a folder with room for `size` bytes; returns why better ones were not taken, a line each.

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
            way(Path(place), size)
        except OSError as error:
            taken = isinstance(error, BlockingIOError)
            faults.append(f"{place}: {'another server counts there' if taken else error.strerror}")
    return faults


def _make(place, size):
    try_out(place, size)
    path = Path(tempfile.mkdtemp(prefix=BEGINS, dir=place))
    try:
        _take(path, size)
        held.made = True
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _take(path, size):
    try_out(path, size)
    lock = _locked(path, os.O_CREAT)
    # Who removes what is left behind, may just have done so.
    if not (path / LOCK).exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    held.path, held.lock = path, lock


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


def try_out(folder, size=0):
    """OSError where a folder, made where it is missing, does not take a file of that many bytes."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as probe:
        reserve(probe.fileno(), size)


def first_usable(places):
    """The first of the places that takes a file, as text; None where none does."""
    for place in places:
        with suppress(OSError):
            try_out(place)
            return str(place)
    return None
