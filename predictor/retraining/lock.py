"""Only one retraining at a time, on all machines that share a database.

Without the packages for training, which a server that starts from baked forests does not have.
"""

import fcntl
import shutil
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext_noop

from predictor import private_files
from predictor.history.locks import advisory_lock

LOCK = int.from_bytes(b"diamonds")
"""PostgreSQL's advisory lock that a retraining holds."""


class AlreadyRunning(RuntimeError):
    """Another process holds the retraining lock."""


@contextmanager
def only_one():
    """Holds the retraining lock; AlreadyRunning if another process has it, on any machine.

    Both locks are released when the process ends, however it ends.
    """
    with _folder_locked() as folder, advisory_lock(LOCK, wait=False) as locked:
        if not locked:
            text = gettext_noop("a retraining is running already, on another machine")
            raise AlreadyRunning(text)
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        yield


@contextmanager
def _folder_locked():
    folder = private_files.make_folder(settings.VAR_DIR)
    with private_files.opened(folder / "retrain.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(gettext_noop("a retraining is running already")) from None
        yield folder
