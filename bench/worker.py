"""Measurements that need a separate process: run as `python -m bench.worker TASK ARGUMENTS`.

Each task prints one JSON object. Nothing is imported before a task needs it, because the imports
and memory of the process are what is measured.
"""

import json
import sys
import time
from pathlib import Path


def _smaps(*names):
    """Sum of the named fields of this process's memory maps, MB."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.split(":")[0] in names) / 1024


def _private():
    return _smaps("Private_Clean", "Private_Dirty")


def _tell(**found):
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def hold(path, sha256, matrix):
    """Loads the forest, answers 500 stones, prints what that took, and keeps it until stdin closes."""
    import numpy as np

    from ml.forest import artifact, price_forest  # noqa: F401

    stones = np.load(matrix)[:500]
    before, start = _private(), time.perf_counter()
    loaded = artifact.load(path, sha256)
    seconds = time.perf_counter() - start
    for stone in stones:
        loaded.answer(stone, 5)
    heavy = sorted({"sklearn", "pandas", "scipy"} & set(sys.modules))
    _tell(seconds=seconds, private=_private() - before, heavy=heavy)
    sys.stdin.read()


def frames(path, inputs):
    """scikit-learn's predict of 1,000-row frames, of the forest or also of its trend, for the number of
    seconds in each line of stdin: stones a second, and µs of processor for a frame. Bins are ready-made."""
    import joblib
    import numpy as np
    import pandas as pd

    (forest, trend), rng = joblib.load(path), np.random.default_rng()
    loaded, matrix = forest.set_params(n_jobs=1), np.load(inputs)
    names = [f"feature {number}" for number in range(matrix.shape[1])]
    loaded.feature_names_in_ = np.array(names, dtype=object)
    stones = pd.DataFrame(matrix, columns=names)
    rows = [rng.integers(0, len(stones), 1000) for _ in range(20)]
    samples = [stones.iloc[some] for some in rows]
    binned = [[(model, bins.numbers(matrix[some, :-1])) for model, bins in trend] for some in rows]

    def predict(place, with_trend):
        for model, numbers in binned[place] if with_trend else ():
            model.predict(numbers)
        loaded.predict(samples[place])

    predict(0, True)
    _tell(loaded=True)
    for line in sys.stdin:
        asked, started, used, count = json.loads(line), time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - started < asked["seconds"]:
            predict(count % len(samples), asked["trend"])
            count += 1
        seconds, used = time.perf_counter() - started, time.process_time() - used
        _tell(rate=1000 * count / seconds, processor=1e6 * used / count)


def train():
    """Trains both forests, one after the other."""
    import resource

    from ml import dataset, training

    raw, seconds = dataset.load(), {}
    for scheme in ("coded", "graded"):
        start = time.perf_counter()
        training.train(raw, scheme)
        seconds[scheme] = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _tell(seconds=seconds, peak=peak)


if __name__ == "__main__":
    tasks = {task.__name__: task for task in (hold, frames, train)}
    tasks[sys.argv[1]](*sys.argv[2:])
