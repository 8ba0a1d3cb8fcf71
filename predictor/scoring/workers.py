"""The workers that price parts: local processes, or those of a Dask cluster; both as an Executor."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from django.conf import settings

from ml.distributed import ClusterError, connected, require_workers

from . import task
from .errors import ScoringError


@contextmanager
def local(count):
    """(an Executor of `count` processes, how many parts they take at a time, a function that raises if
    they are lost)."""
    begin, own = task.begin_local, (str(settings.VAR_DIR),)
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), begin, own)
    try:
        yield pool, count, lambda: None
    except BrokenProcessPool as error:
        raise ScoringError("a worker process was killed or ran out of memory") from error
    except BaseException:  # Ctrl-C, too: their parts are priced again when the run is resumed
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def of_dask(address):
    """The same for the workers of a cluster; ScoringError if there is none, or it is lost."""
    try:
        with connected(address) as client:
            slots = sum(client.nthreads().values())
            yield client.get_executor(pure=False), slots, lambda: require_workers(client)
    except ClusterError as error:
        raise ScoringError(str(error)) from error
