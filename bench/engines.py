"""The parts of bench/scale.py that run in separate processes: python -m bench.engines TASK ARGUMENTS.

Each task prints one JSON object.
"""

import json
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from ml import dataset, training
from ml.forest.matrix import as_matrix
from ml.training import growing
from ml.training.trends import Stones, Trained


def make_stones(path, rows):
    """A Parquet file of stones like the recorded ones, each with a unique name."""
    rows, drawing = int(rows), np.random.default_rng(1)
    known = dataset.clean(dataset.load(), "graded").stones.drop(columns="price")
    stones = known.sample(rows, replace=True, random_state=1).reset_index(drop=True)
    stones["carat"] = (stones.carat * drawing.uniform(0.99, 1.01, rows)).round(3)
    stones["reference"] = np.arange(rows)
    stones.to_parquet(path, row_group_size=1_000_000)
    return {"rows": rows}


def prepare(folder):
    """scikit-learn's forest with its trend, trained once."""
    path = Path(folder) / "graded-grown.joblib"
    if not path.exists():
        stones = dataset.clean(dataset.load(), "graded").stones
        train, _ = dataset.split(stones, "graded")
        trained = Trained.of(Stones.of(train, "graded"), training.SEED)
        joblib.dump((growing.Grown(trained, training.SEED).forest, trained), path)
    return {}


def sklearn(folder, source, out):
    """Reads, predicts and writes, with its libraries and forest loaded before: {"rate"}."""
    forest, trained = joblib.load(Path(folder) / "graded-grown.joblib")
    forest.set_params(n_jobs=-1, verbose=0)
    started = time.perf_counter()
    frame = pd.read_parquet(source)
    matrix = as_matrix(frame, "graded")
    level, inputs = trained.asked(matrix)
    log_price = level + forest.predict(inputs)[:, 0]
    frame["price"] = np.exp(log_price + trained.added(matrix, log_price))
    frame.to_parquet(out)
    return {"rate": len(frame) / (time.perf_counter() - started)}


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    print(json.dumps(globals()[task](*arguments)))  # noqa: T201
