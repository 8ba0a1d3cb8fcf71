"""The work of a worker. Imports nothing from Django, so that it can be sent to any process.

A Dask worker is another program on another machine, with the same code and its own settings.
"""

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from typing import NamedTuple

from .outputs import Output

starting = threading.Lock()


class ForestFile(NamedTuple):
    """A registered forest for a worker: its file's name in the storage, its hash, its scheme."""

    name: str
    sha256: str
    scheme: str


@dataclass(frozen=True)
class Job:
    """Data shared by all parts of a run; places: {parameter: its column's index in the input}; kept: the
    indexes of the columns that the output keeps."""

    forest: ForestFile
    places: dict
    kept: tuple
    output: Output


class Counts(NamedTuple):
    """The number of rows read, of rows without a price, and of rows with a warning."""

    rows: int = 0
    errors: int = 0
    warned: int = 0

    def __add__(self, other):
        return Counts(*(mine + its for mine, its in zip(self, other, strict=True)))


def prepare():
    """Sets up Django in this process, once."""
    import django
    from django.apps import apps

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
    with starting:
        if not apps.ready:
            django.setup()


def begin_local(var_dir):
    """Prepares a local process, which ends when the process that started it ends, and not before."""
    os.environ["VAR_DIR"] = var_dir
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow():
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow, daemon=True).start()
    prepare()


def run(job, part):
    """Prices a part and writes its result; returns Counts. ScoringError, ForestFileError, OSError."""
    prepare()
    from .pricing import price_part

    return price_part(job, part)
