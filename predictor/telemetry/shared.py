"""The counts of a server's workers, in memory that the server shares with the workers that it forks.

gunicorn.conf.py reserves the memory before anything is counted. prometheus_client keeps counts in files
of a folder; here each of its files is an anonymous one: it needs no folder and no disk, and ends with
the server.
"""

import os
import tempfile
from pathlib import Path

from prometheus_client import multiprocess, values
from prometheus_client.mmap_dict import MmapedDict

KINDS = ("counter", "histogram", "gauge_liveall")

files = {}
"""{name: the descriptor of an anonymous file}; empty if each process counts for itself."""


def reserve(numbers):
    """Creates the files of the workers with these numbers; at a reload they are there already."""
    for kind in KINDS:
        for number in numbers:
            _path(f"{kind}_{number}.db")


def _path(filename):
    """The path of an anonymous file; one that was not reserved is seen by this process only."""
    name = Path(filename).name
    if name not in files:
        files[name] = _anonymous(name)
    return f"/dev/fd/{files[name]}"


def _anonymous(name):
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    return os.dup(tempfile.TemporaryFile().fileno())  # macOS


class Counts(MmapedDict):
    """prometheus_client's file of counts, by the name that it has in a folder."""

    def __init__(self, filename):
        super().__init__(_path(filename))

    @staticmethod
    def read_all_values_from_file(filename):
        """Called for each name that MultiProcessCollector merges."""
        return MmapedDict.read_all_values_from_file(_path(filename))


def used():
    """The names of the files that hold counts; those of gauges that one process shows are its own."""
    return [
        name for name, file in files.items() if name.startswith(KINDS) and os.fstat(file).st_size
    ]


def clear(name):
    """Empties a file; its space is kept for the next worker."""
    if name in used():
        os.pwrite(files[name], bytes(8), 0)  # the length of the used part


def use():
    """Makes prometheus_client count in the reserved files."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = ""  # its name of a file begins with that of a folder
    values.MmapedDict = multiprocess.MmapedDict = Counts
