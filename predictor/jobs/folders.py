"""The folder of each worker on this machine: its unfinished files, and a lock that ends with it."""

import fcntl
import os
import shutil
import socket
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings

from predictor import private_files
from predictor.models import Worker

HOST = socket.gethostname()


def _root():
    return Path(settings.VAR_DIR) / "jobs"


@contextmanager
def locked_folder(worker):
    """A folder for a worker's unfinished files, removed at the end.

    It is locked before it gets its name, so that no other worker ever sees it unlocked.
    """
    path = _root() / f"{HOST}-{worker.hex}"
    new = private_files.make_folder(path.with_name(f".{path.name}"))
    lock = os.open(new, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield new.rename(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def abandoned():
    """{folder: the id of its worker} of workers that have ended.

    The system releases a lock when its process ends, however it ends. A worker of another machine
    that shares the folder has ended when it is silent.
    """
    alive = {worker.pk for worker in Worker.alive()}
    gone = {}
    for path in _root().glob("[!.]*-*"):
        host, _, worker = path.name.rpartition("-")
        if _is_free(path) if host == HOST else UUID(worker) not in alive:
            gone[path] = UUID(worker)
    return gone


def _is_free(path):
    with suppress(OSError):
        lock = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        finally:
            os.close(lock)
    return False
