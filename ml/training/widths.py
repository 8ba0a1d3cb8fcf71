"""Learns the factors that fit the width of the range to each kind of stone (ml.forest.widths).

Gradient boosting for a quantile (pinball loss) of the distance of prices to their answers, in units of the
distance that the formula gives. Called only by calibration.py.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from ml.forest.matrix import features_of_many
from ml.forest.widths import LEAST, Widths, inputs_of

from .boosting import Bins, answers_of, tables_of
from .exact import rounded
from .threads import filters_kept

MOST_TREES, STONES_A_TREE = 150, 250
MOST = 8.0
"""The largest distance that is learned from."""

FOLDS = 3
LEAST_FACTOR = 0.1


def learn_widths(matrix, unseen, low, high, error, tail):
    """The arrays of Widths from n calibration stones.

    matrix: float32 (n, 9); low, high: the ends of the formula's range, low <= 0 <= high; error: of the
    answers `unseen`; all in log price (n,). tail: the ratio of prices outside at each end.
    """
    features = features_of_many(matrix, np.zeros(len(matrix)))
    inputs = inputs_of(features, *map(rounded, (unseen.log_price, low, high)))
    below, above = -error / np.maximum(-low, LEAST), error / np.maximum(high, LEAST)

    def grown(end):
        name, distance = end
        tables = _tables(inputs, rounded(distance.clip(-MOST, MOST)), 1 - tail)
        return {f"{name}_{part}": table for part, table in tables.items()}

    with filters_kept(), ThreadPoolExecutor(2) as pool:
        low_tables, high_tables = pool.map(grown, (("low", below), ("high", above)))
    return low_tables | high_tables


def _tables(inputs, distance, level):
    """The tables of the factors of one end, of all stones.

    Factors follow the distances that they are learned from too closely. Those of each fold, learned from
    the others, show how much: the ratio by which they should have been larger. All factors are enlarged by
    half of that (its square root): prices by all trees are nearer than the prices `unseen`, by fewer.
    """
    fold, ratio = np.arange(len(inputs)) % FOLDS, np.empty(len(inputs))
    for out in (fold == number for number in range(FOLDS)):
        factor = answers_of(_grown(inputs[~out], distance[~out], level), inputs[out])
        ratio[out] = distance[out] / np.maximum(factor, LEAST_FACTOR)
    tables = _grown(inputs, distance, level)
    missing = math.sqrt(max(np.quantile(ratio, level), 1.0))
    return tables | {"value": tables["value"] * rounded(missing)}


def _grown(inputs, distance, level):
    model = HistGradientBoostingRegressor(
        loss="quantile",
        quantile=level,
        max_iter=min(MOST_TREES, len(inputs) // STONES_A_TREE + 1),
        learning_rate=0.08,
        max_leaf_nodes=16,
        min_samples_leaf=150,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    bins = Bins.of(inputs.astype(np.float64), np.ones(len(inputs)))
    with threadpool_limits(1, "openmp"):  # several would add up in any order
        model.fit(bins.numbers(inputs), distance)
    return tables_of([(model, bins)])


def ends_of(tables, matrix, unseen, low, high):
    """The ends of the range of n stones by these tables, in log price; float64 (n,) each."""
    features = features_of_many(matrix, np.zeros(len(matrix)))
    return Widths(tables).of_many(features, *map(rounded, (unseen.log_price, low, high)))
