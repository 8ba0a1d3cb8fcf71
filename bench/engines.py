"""What bench/scale.py measures in processes of their own: python -m bench.engines TASK ARGUMENTS.

Each task prints one JSON object. The other engines are in .venv-bench alone, so they are imported where
they are used.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from ml import dataset, training
from ml.forest import artifact
from ml.forest.matrix import as_matrix, inputs_of_many
from ml.training import growing

COMPILE_SECONDS = 900
"""How long a compiler of trees may take."""


def make_stones(path, rows):
    """A Parquet file of stones like the recorded ones, each with a name of its own."""
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
        grown = growing.Grown(growing.Stones.of(train, "graded"), training.SEED)
        joblib.dump((grown.forest, grown.trend), path)
    return {}


def sklearn(folder, source, out):
    """Reads, predicts and writes, with what it needs loaded before: {"rate"}."""
    forest, trend = joblib.load(Path(folder) / "graded-grown.joblib")
    forest.set_params(n_jobs=-1, verbose=0)
    begun = time.perf_counter()
    frame = pd.read_parquet(source)
    matrix = as_matrix(frame, "graded")
    level = trend.of(matrix.astype(np.float64))
    frame["price"] = np.exp(level + forest.predict(inputs_of_many(matrix, level, "graded")))
    frame.to_parquet(out)
    return {"rate": len(frame) / (time.perf_counter() - begun)}


def _frame(folder, rows):
    """(scikit-learn's forest, inputs of so many rows, what it predicts for them)."""
    forest, trend = joblib.load(Path(folder) / "graded-grown.joblib")
    forest.set_params(n_jobs=-1, verbose=0)
    known = dataset.clean(dataset.load(), "graded").stones
    matrix = as_matrix(known.sample(int(rows), replace=True, random_state=2), "graded")
    inputs = inputs_of_many(matrix, trend.of(matrix.astype(np.float64)), "graded")
    return forest, inputs, forest.predict(inputs), matrix


def _timed(predict, inputs, known, **more):
    """{"rate", "off"}: the better of two goes, and the largest difference in log price."""
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        found = np.asarray(predict(inputs)).ravel()
        seconds.append(time.perf_counter() - begun)
    return {"rate": len(inputs) / min(seconds), "off": float(abs(found - known).max()), **more}


def engine_sklearn_trees(folder, rows):
    forest, inputs, known, _ = _frame(folder, rows)
    return _timed(forest.predict, inputs, known)


def engine_ours(folder, rows):
    """The served forest, with price, range and the price in the other order; its trees' own answer is
    what is compared."""
    _, inputs, known, matrix = _frame(folder, rows)
    path = Path(folder) / "baked" / "graded.forest"
    forest = artifact.load(path, artifact.sha256_of(path))
    alone = _timed(forest.target_means, inputs, known)
    whole = _timed(lambda some: forest.answers(some, turned=True).price, matrix, known)
    return alone | {"note": f"; with range and both orders {whole['rate']:,.0f}"}


def engine_onnx(folder, rows):
    import onnxruntime
    from skl2onnx import to_onnx

    forest, inputs, known, _ = _frame(folder, rows)
    path, begun = Path(folder) / "graded-grown.onnx", time.perf_counter()
    if not path.exists():
        path.write_bytes(to_onnx(forest, inputs[:1]).SerializeToString())
    made = time.perf_counter() - begun
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    note = f"; converted in {made:.0f} s" if made > 1 else ""
    return _timed(lambda some: session.run(None, {"X": some})[0], inputs, known, note=note)


def engine_treelite(folder, rows):
    import treelite

    forest, inputs, known, _ = _frame(folder, rows)
    model = treelite.sklearn.import_model(forest)
    return _timed(lambda some: treelite.gtil.predict(model, some), inputs, known)


def engine_tl2cgen(folder, rows):
    """Trees as C, compiled; tells where the compiler does not come to an end."""
    import tl2cgen
    import treelite

    forest, inputs, known, _ = _frame(folder, rows)
    library, begun = Path(folder) / "graded-grown.so", time.perf_counter()
    if not library.exists():
        _compiled(treelite.sklearn.import_model(forest), library)
    made = time.perf_counter() - begun
    predictor = tl2cgen.Predictor(str(library))
    note = f"; compiled in {made:.0f} s" if made > 1 else ""
    return _timed(lambda some: predictor.predict(tl2cgen.DMatrix(some)), inputs, known, note=note)


def _compiled(model, library):
    import tl2cgen

    with tempfile.TemporaryDirectory() as folder:
        tl2cgen.generate_c_code(model, dirpath=folder, params={"parallel_comp": 32}, verbose=False)
        sources = sorted(map(str, Path(folder).glob("*.c")))
        command = [
            "gcc",
            "-O1",
            "-shared",
            "-fPIC",
            "-std=c99",
            "-o",
            str(library),
            *sources,
            "-lm",
        ]
        try:
            subprocess.run(command, check=True, timeout=COMPILE_SECONDS, capture_output=True)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise SystemExit(f"gcc has not compiled the trees within {COMPILE_SECONDS} s") from None


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    print(json.dumps(globals()[task](*arguments)))  # noqa: T201
