"""What a worker is asked to do. Imports nothing of Django's, so that any process can be sent it.

A worker of Dask's is another program on another machine: it has the same code, and settings of its own.
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
    """A registered forest as a worker finds it: its file's name in the storage, its hash, its scheme."""

    name: str
    sha256: str
    scheme: str


@dataclass(frozen=True)
class Job:
    """What all parts of a run share; places: {parameter: its column's place in the input}; kept: the places
    of the columns that the output has too."""

    forest: ForestFile
    places: dict
    kept: tuple
    output: Output


class Counts(NamedTuple):
    """How many rows were read, how many of them got no price, how many a warning."""

    rows: int = 0
    errors: int = 0
    warned: int = 0

    def __add__(self, other):
        return Counts(*(mine + its for mine, its in zip(self, other, strict=True)))


def prepare():
    """Makes Django ready in this process, once."""
    import django
    from django.apps import apps

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
    with starting:
        if not apps.ready:
            django.setup()


def begin_local(var_dir):
    """Prepares a process of this machine, which ends with the one that began it, and only then."""
    os.environ["VAR_DIR"] = var_dir
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow():
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow, daemon=True).start()
    prepare()


def run(job, part):
    """Prices a part and writes its result; its Counts. ScoringError, ForestFileError, OSError."""
    prepare()
    from .pricing import price_part

    return price_part(job, part)
