"""Trains the opponent's forests: 100 trees on a scheme's own columns, as ONNX. usage: to_onnx.py FOLDER

bench/api.py runs it in the benchmark's own environment, once; a forest takes about a minute and a half.
"""

import sys
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestRegressor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ml import dataset, training
from ml.forest.matrix import as_matrix
from ml.stones import SCHEMES


def main(folder):
    for scheme in SCHEMES:
        stones, _ = dataset.split(dataset.clean(dataset.load(), scheme).stones, scheme)
        inputs = as_matrix(stones, scheme)
        forest = RandomForestRegressor(random_state=training.SEED, n_jobs=-1)
        forest.fit(inputs, stones.price.to_numpy(np.float64))
        model = to_onnx(forest, inputs[:1].astype(np.float32))
        (folder / f"{scheme}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
