"""Fixtures of the scoring tests: files of stones, and runs in the test's own process."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO

import pandas as pd
import pyarrow as pa
import pytest
from django.core.management import call_command
from pyarrow import parquet

from ml.stones import SCHEMES
from predictor.scoring import parquet_files, text_files, workers


@pytest.fixture
def here(monkeypatch, live_models):
    """Prices parts in this process; test_processes.py tests worker processes."""

    @contextmanager
    def local(count):
        with ThreadPoolExecutor(1) as pool:
            yield pool, 1, lambda: None

    monkeypatch.setattr(workers, "local", local)
    return live_models


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of 100 rows and batches of 70."""
    monkeypatch.setattr(parquet_files, "PART_ROWS", 100)
    monkeypatch.setattr(parquet_files, "BATCH_ROWS", 70)
    monkeypatch.setattr(text_files, "PART_ROWS", 100)


@pytest.fixture
def graded(sample):
    """1,000 graded stones, with an additional column."""
    stones = sample[sample[["x", "y", "z"]].min(axis=1) > 0].head(1000)
    stones = stones[list(SCHEMES["graded"])].reset_index(drop=True)
    return stones.assign(reference=[f"S-{row}" for row in range(len(stones))])


@pytest.fixture
def write(tmp_path):
    """Returns a function that writes a table as CSV or Parquet, by the ending of the name; it
    returns the path."""

    def written(name, table, **options):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if name.endswith(".csv"):
            table.to_csv(path, index=False, **options)
        else:
            frame = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table)
            parquet.write_table(frame, path, **options)
        return str(path)

    return written


def score(source, out, *more):
    """(output, exit status) of the command."""
    output = StringIO()
    try:
        call_command("score", str(source), str(out), *more, stdout=output)
    except SystemExit as stop:
        return output.getvalue(), stop.code
    return output.getvalue(), 0


def read(path):
    """The rows of a result: of a file, or of a folder's parts in order."""
    if path.is_dir():
        return pd.concat([read(part) for part in sorted(path.glob("part-*"))], ignore_index=True)
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
