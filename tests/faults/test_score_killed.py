"""`manage.py score` is killed: its workers exit too, and the same command resumes the run."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet

from ml import dataset
from ml.stones import SCHEMES
from predictor.models import ScoringRun
from tests.waiting import wait_for

from .conftest import BASE_DIR, run

pytestmark = pytest.mark.once

ROWS = 600_000
"""Enough that the run is still in progress when a few of its parts are done."""


def stones_file(sample, folder):
    stones = dataset.clean(sample, "graded").stones[list(SCHEMES["graded"])]
    table = pa.Table.from_pandas(stones, preserve_index=False)
    path = folder / "stones.parquet"
    parquet.write_table(pa.concat_tables([table] * (ROWS // len(table) + 1)).slice(0, ROWS), path)
    return path


def test_a_killed_run_is_gone_on_with(site, sample, tmp_path):
    source, out = stones_file(sample, tmp_path), tmp_path / "out"
    command = [sys.executable, "manage.py", "score", str(source), str(out), "--workers", "2"]
    process = subprocess.Popen(
        command, cwd=BASE_DIR, env=site.server().environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: len([*out.glob("_part-*.json")]) >= 2)
        workers = psutil.Process(process.pid).children(recursive=True)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert len(workers) >= 2
    wait_for(lambda: not [one for one in workers if one.is_running()])
    assert not (out / "_SUCCESS").exists()
    finished = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    said = run(site, *command[2:])
    assert "resuming: " in said
    parts = sorted(out.glob("part-*"))
    assert sum(parquet.ParquetFile(part).metadata.num_rows for part in parts) == ROWS
    assert sum(rows for rows, *_ in json.loads((out / "_SUCCESS").read_text()).values()) == ROWS
    kept = [name for name, at in finished.items() if (out / name).stat().st_mtime_ns == at]
    assert len(kept) >= 2
    record = ScoringRun.objects.get()
    assert (record.state, record.rows) == ("done", ROWS)
