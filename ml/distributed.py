"""Connects to a Dask cluster and grows forests on it.

Dask is an optional dependency: install requirements-cluster.txt. Called by the commands `retrain` and
`score` when they are given the address of a scheduler.
"""

import copy
import re
from contextlib import contextmanager, suppress

import numpy as np

ADDRESS = re.compile(r"(tcp|tls|ws|wss)://[\w.:\[\]-]{1,255}:\d{1,5}/?", re.ASCII)
CONNECT_SECONDS, WORKERS_SECONDS = 10, 30
ALONE_SECONDS = 60
"""How long to wait for a cluster without workers before giving up."""

TREES_A_TASK = 4
ROOM = 4
"""A worker needs this many times the size of the training table: the table, and what a tree sorts."""


class ClusterError(ValueError):
    """The cluster cannot be reached or cannot do the work; the message gives the reason."""


@contextmanager
def connected(address):
    """A client of the scheduler at an address, once it has workers. Raises ClusterError, also when the
    cluster is lost inside the block."""
    try:
        from distributed import Client, KilledWorker
        from distributed.client import FutureCancelledError
    except ImportError:
        raise ClusterError("Dask is not installed: it is in requirements-cluster.txt") from None
    if not ADDRESS.fullmatch(address):
        raise ClusterError(
            f"{address!a} is not a scheduler's address; use one like tcp://host:8786"
        )
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler responds at {address!a}") from error
    try:
        _await_workers(client, address)
        _check_code(client)
        yield client
    except KilledWorker as error:
        raise ClusterError(f"Dask failed: {error}") from error
    except FutureCancelledError as error:
        raise ClusterError(f"the connection to the Dask scheduler at {address} was lost") from error
    finally:
        with suppress(TimeoutError, OSError):
            client.close(timeout=CONNECT_SECONDS)


def _await_workers(client, address):
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise ClusterError(f"the Dask scheduler at {address} has no workers") from None


def _check_code(client):
    """Raises ClusterError if the scheduler or a worker cannot import this project, which both need to
    unpack what they are sent."""

    def can_import():  # inside, so that it is sent by value
        from importlib.util import find_spec

        return bool(find_spec("ml") and find_spec("predictor"))

    found = {"scheduler": client.run_on_scheduler(can_import)} | client.run(can_import)
    if without := [name for name, able in found.items() if not able]:
        raise ClusterError(
            f"the project cannot be imported by {', '.join(without[:5])}: start the Dask scheduler and "
            "its workers with PYTHONPATH set to the folder of manage.py"
        )


def require_workers(client):
    """Raises ClusterError if the scheduler has no workers any more, or cannot be reached."""
    if client.status != "running" or not client.nthreads():
        raise ClusterError("the Dask cluster has no workers left")


class Grower:
    """Grows scikit-learn's forests on a cluster; the trees are the same as those of `ml.training`.

    A tree depends only on the table and on a number that the forest draws for it from its seed. So any
    worker can grow it, and another one can grow it again if a worker is lost.
    """

    def __init__(self, client):
        self.client = client

    def __call__(self, forest, inputs, target, weight, trees, advance):
        """Fits the forest; arguments as ml.training.growing.grow_here. Raises ClusterError."""
        self._refuse_too_large(inputs, target)
        table = self.client.submit(_as_it_is, (inputs, target, weight), pure=False)
        firsts = range(0, trees, TREES_A_TASK)
        waiting = {
            self.client.submit(
                _some_trees, forest, first, min(TREES_A_TASK, trees - first), table, pure=False
            ): first
            for first in firsts
        }
        grown = {}
        while waiting:
            for future in self._done(waiting):
                if (part := self._result(future)) is not None:
                    grown[waiting.pop(future)] = part
                    advance(len(part.estimators_))
        _put_together(forest, [grown[first] for first in firsts])

    def _done(self, waiting):
        from distributed import wait

        try:
            return list(wait(list(waiting), ALONE_SECONDS, "FIRST_COMPLETED").done)
        except TimeoutError:
            require_workers(self.client)
            return []

    def _result(self, future):
        """What a task has returned; None if its worker was lost, so that another one repeats it."""
        try:
            return future.result(timeout=ALONE_SECONDS)
        except TimeoutError:
            require_workers(self.client)
            return None

    def _refuse_too_large(self, inputs, target):
        need = ROOM * (inputs.nbytes + 2 * target.nbytes)
        workers = self.client.scheduler_info(-1)["workers"].values()
        limits = [worker["memory_limit"] for worker in workers if worker["memory_limit"]]
        if limits and need > min(limits):
            raise ClusterError(
                f"the table is too large for a worker: {len(inputs):,} stones need about "
                f"{need / 1e6:,.0f} MB in each, the smallest has {min(limits) / 1e6:,.0f} MB: raise "
                "--memory-limit of the workers, or train without --dask"
            )


def _as_it_is(table):
    return table


def _some_trees(forest, first, count, table):
    """A forest with the trees `first` to `first + count` of the whole forest; runs in a worker."""
    inputs, target, weight = table
    drawing = np.random.RandomState(forest.random_state)  # the generator that scikit-learn uses
    drawing.randint(np.iinfo(np.int32).max, size=first)  # as scikit-learn skips existing trees
    part = copy.copy(forest).set_params(
        n_estimators=count, random_state=drawing, warm_start=False, n_jobs=1
    )
    return part.fit(inputs, target, sample_weight=weight)


def _put_together(forest, parts):
    """Turns the unfitted forest into one that has the trees of all parts."""
    own = forest.get_params(deep=False)
    vars(forest).update(vars(parts[0]))
    forest.set_params(**own | {"n_estimators": sum(len(part.estimators_) for part in parts)})
    forest.estimators_ = [tree for part in parts for tree in part.estimators_]
