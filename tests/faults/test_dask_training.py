"""Forests trained on a Dask cluster have the same files, bit for bit, as those trained locally."""

from types import SimpleNamespace

import numpy as np
import pytest
from distributed import wait

from ml import training
from ml.distributed import ClusterError, Grower, connected
from ml.forest import artifact
from ml.stones import SCHEMES
from tests.clusters import Cluster
from tests.waiting import PATIENCE

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dask")


@pytest.fixture(scope="module")
def cluster(folder):
    """Two workers."""
    cluster = Cluster(folder, 2)
    yield cluster
    cluster.end()


def sha256_of(forest, tmp_path):
    return artifact.save(forest, tmp_path / "a.forest")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_forest(cluster, sample, small_files, tmp_path, scheme):
    told = []
    with connected(cluster.address) as client:
        grown = training.train(
            sample, scheme, seed=7, grow=Grower(client), progress=lambda *done: told.append(done)
        )
    assert sha256_of(grown, tmp_path) == small_files[scheme]
    assert told[-1][0] == told[-1][1]


def test_a_worker_that_is_killed_in_the_middle(sample, small_files, tmp_path):
    cluster = Cluster(tmp_path, 2)
    killed = []

    def kill(done, total):
        if done > total // 2 and not killed:
            killed.append(cluster.kill_worker())

    try:
        with connected(cluster.address) as client:
            client.wait_for_workers(2, timeout=PATIENCE)
            grown = training.train(sample, "graded", 7, kill, grow=Grower(client))
            assert len(client.nthreads()) == 1
    finally:
        cluster.end()
    assert killed
    assert sha256_of(grown, tmp_path) == small_files["graded"]


def test_a_table_that_no_worker_has_room_for(cluster, sample, monkeypatch):
    monkeypatch.setattr("ml.distributed.ROOM", 1_000_000)
    says = r"too large for a worker: 1,\d+ stones need about [\d,]+ MB in each, the smallest has [\d,]+ MB"
    with connected(cluster.address) as client, pytest.raises(ClusterError, match=says):
        training.train(sample, "coded", 7, grow=Grower(client))


def test_a_worker_without_a_limit_is_not_the_smallest():
    limits = {
        "a": {"memory_limit": 0},
        "b": {"memory_limit": None},
        "c": {"memory_limit": 5_000_000},
    }
    client = SimpleNamespace(scheduler_info=lambda workers: {"workers": limits})
    table = np.zeros((100_000, 13), np.float32), np.zeros(100_000)
    with pytest.raises(ClusterError, match="about 27 MB in each, the smallest has 5 MB"):
        Grower(client)._refuse_too_large(*table)


@pytest.mark.parametrize("fetched", ["as they are done", "when all are done"])
def test_a_cluster_that_is_lost(sample, tmp_path, monkeypatch, fetched):
    cluster = Cluster(tmp_path, 1)
    if fetched == "when all are done":  # the worker that has the others' results is then lost
        monkeypatch.setattr(Grower, "_done", lambda self, waiting: list(wait([*waiting]).done))
    monkeypatch.setattr("ml.distributed.ALONE_SECONDS", 1)
    says = "the Dask cluster has no workers left"
    try:
        with pytest.raises(ClusterError, match=says), connected(cluster.address) as client:
            training.train(
                sample,
                "coded",
                7,
                lambda *_: len(cluster.processes) > 1 and cluster.kill_worker(),
                grow=Grower(client),
            )
    finally:
        cluster.end()


@pytest.mark.parametrize(
    "address", ["", "nonsense", "http://[", "tcp://host", "tcp://a b:1", "tcp://host:1\n"]
)
def test_no_address(address):
    with pytest.raises(ClusterError, match="is not a scheduler's address"), connected(address):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://no.such.host:8786"])
def test_no_scheduler(address, monkeypatch):
    monkeypatch.setattr("ml.distributed.CONNECT_SECONDS", 2)
    with pytest.raises(ClusterError, match="no Dask scheduler responds at"), connected(address):
        pass


def test_no_workers(tmp_path, monkeypatch):
    cluster = Cluster(tmp_path, 0)
    monkeypatch.setattr("ml.distributed.WORKERS_SECONDS", 1)
    try:
        with pytest.raises(ClusterError, match="has no workers"), connected(cluster.address):
            pass
    finally:
        cluster.end()
