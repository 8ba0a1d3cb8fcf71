"""Scoring on a Dask cluster: the same output, even if a worker is killed in the middle."""

import pytest

from predictor.models import ScoringRun
from predictor.scoring import services
from predictor.scoring.errors import ScoringError
from tests.clusters import Cluster
from tests.scoring.conftest import graded, read, score, small_parts, write  # noqa: F401 - fixtures

# ruff: noqa: F811 - pytest passes them by these names
pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def cluster(live_models, tmp_path_factory):
    """Two workers that have the forests of this test."""
    cluster = Cluster(tmp_path_factory.mktemp("dask"), 2)
    yield cluster
    cluster.end()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_cluster_answers_as_this_machine(
    cluster, small_parts, graded, write, tmp_path, small_forests, ending
):
    source = write(f"in.{ending}", graded)
    _, status = score(source, tmp_path / f"out.{ending}", "--dask", cluster.address)
    assert status == 0
    priced = read(tmp_path / f"out.{ending}")
    assert priced.reference.tolist() == graded.reference.tolist()
    assert (priced.predicted_price == small_forests["graded"].price(graded).astype(int)).all()
    run = ScoringRun.objects.get()
    assert (run.state, run.rows, run.workers) == ("done", 1000, cluster.address)


def test_a_killed_worker(cluster, small_parts, graded, write, tmp_path):
    planned = services.prepare(write("in.parquet", graded), str(tmp_path / "out"))
    killed = []

    def kill(done, total):
        if done >= 200 and not killed:
            killed.append(cluster.kill_worker())

    row = services.run(planned, dask=cluster.address, progress=kill)
    assert killed
    assert (row.state, row.rows) == ("done", 1000)
    assert read(tmp_path / "out").reference.tolist() == graded.reference.tolist()


def test_all_workers_killed(cluster, small_parts, graded, write, tmp_path, monkeypatch):
    monkeypatch.setattr(services, "LOST_SECONDS", 1)
    planned = services.prepare(write("in.parquet", graded), str(tmp_path / "out"))

    def kill(done, total):
        while len(cluster.processes) > 1:
            cluster.kill_worker()

    with pytest.raises(ScoringError, match="the Dask cluster has no workers left"):
        services.run(planned, dask=cluster.address, progress=kill)
    row = ScoringRun.objects.get()
    assert (row.state, row.outcome) == ("failed", "the Dask cluster has no workers left")
    again = services.prepare(planned.source.url, planned.output.url)
    assert services.run(again, 1).rows == 1000


def test_a_cluster_without_the_project(live_models, graded, write, tmp_path):
    planned = services.prepare(write("in.parquet", graded), str(tmp_path / "out"))
    cluster = Cluster(tmp_path, 1, code=tmp_path)
    try:
        with pytest.raises(
            ScoringError, match=r"^the project cannot be imported by scheduler, tcp:"
        ):
            services.run(planned, dask=cluster.address)
    finally:
        cluster.end()
    row = ScoringRun.objects.get()
    assert row.state == "failed"
    assert row.outcome.endswith("PYTHONPATH set to the folder of manage.py")


def test_no_scheduler(live_models, graded, write, tmp_path, monkeypatch):
    monkeypatch.setattr("ml.distributed.CONNECT_SECONDS", 1)
    planned = services.prepare(write("in.parquet", graded), str(tmp_path / "out"))
    with pytest.raises(ScoringError, match="no Dask scheduler responds at"):
        services.run(planned, dask="tcp://127.0.0.1:1")
    assert ScoringRun.objects.get().state == "failed"
