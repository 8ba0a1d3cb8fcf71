"""Who prices the parts: processes of this machine, or workers of a Dask cluster; both as an Executor."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from django.conf import settings

from . import task
from .errors import ScoringError

CONNECT_SECONDS, WORKERS_SECONDS = 10, 30


@contextmanager
def local(count):
    """(an Executor of so many processes, how many parts they take at a time)."""
    begin, own = task.begin_local, (str(settings.VAR_DIR),)
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), begin, own)
    try:
        yield pool, count
    except BrokenProcessPool as error:
        raise ScoringError(
            "a worker process ended in the middle: killed, or out of memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def of_dask(address):
    """The same of the workers of a cluster; ScoringError where there is none, or Dask is not installed."""
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ScoringError("Dask is not installed: requirements-cluster.txt has it") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ScoringError(f"no Dask scheduler answers at {address!r}: {error}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise ScoringError(f"the Dask scheduler at {address} has no workers") from None
        try:
            yield client.get_executor(pure=False), sum(client.nthreads().values())
        except KilledWorker as error:
            raise ScoringError(f"Dask gave a part up: {error}") from error
