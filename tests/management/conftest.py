"""Fixtures of the retraining tests: data files, and each training done once."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from ml import dataset, training
from ml.forest import PriceForest
from tests.conftest import once_a_run


@pytest.fixture(scope="module")
def data(sample, tmp_path_factory):
    """A CSV file of the sample, on which the active versions of these tests were trained."""
    path = tmp_path_factory.mktemp("data") / "sample.csv"
    sample.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def worse_data(few, tmp_path_factory):
    """A few stones with the prices of the training side shuffled: the forest is worse on the
    held-out side."""
    side, _ = dataset.split(dataset.clean(few, "graded").stones, "graded")
    shuffled = few.copy()
    prices = side.price.to_numpy(copy=True)
    np.random.default_rng(1).shuffle(prices)
    shuffled.loc[side.index, "price"] = prices
    path = tmp_path_factory.mktemp("data") / "shuffled.csv"
    shuffled.to_csv(path, index=False)
    return path


def _digest(raw):
    return int(pd.util.hash_pandas_object(raw, index=False).sum())


@pytest.fixture
def each_training_once(monkeypatch, sample, small_forests):
    """Trains only once a run on the same stones with the same seed."""
    train, of_the_sample = training.train, _digest(sample)

    def train_once(raw, scheme, seed, progress, data_sha256, basis, grow, public):
        digest = _digest(raw)
        if (digest, seed) == (of_the_sample, 7):
            forest = small_forests[scheme]
        else:
            name = f"{scheme}-{seed}-{digest}"
            forest = once_a_run(name, lambda: train(raw, scheme, seed, progress))
        made = {"data_sha256": data_sha256, "basis": asdict(basis)}
        return PriceForest(forest.arrays, forest.metadata | made)

    monkeypatch.setattr(training, "train", train_once)
