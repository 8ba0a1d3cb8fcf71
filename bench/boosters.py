"""The models that ours is compared with: gradient boosting and Meinshausen's forest, of the log price.

Learning rates and subsampling are the best found for them on splits that are not reported. Each returns
a function of float32 inputs (n, q) that gives log prices (n,), or their quantiles (n, levels).
"""

import math

import numpy as np

from ml.forest.matrix import of_each
from ml.stones import COVERAGE

SAMPLED = dict(subsample=0.8, colsample_bytree=0.8, n_jobs=-1)
ENDS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
LEVELS = tuple(level / 100 for level in range(1, 100))


def catboost(inputs, target, seed, loss="RMSE", iterations=3000, depth=8, **options):
    """CatBoost's predict."""
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(
        iterations=iterations,
        depth=depth,
        loss_function=loss,
        random_seed=seed,
        verbose=0,
        allow_writing_files=False,
        **options,
    )
    return model.fit(inputs, target).predict


def lightgbm(inputs, target, seed, trees=2000, learning_rate=0.02, **options):
    """LightGBM's predict."""
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(
        n_estimators=trees,
        num_leaves=64,
        learning_rate=learning_rate,
        random_state=seed,
        subsample_freq=1,
        verbose=-1,
        **SAMPLED,
        **options,
    )
    return model.fit(inputs, target).booster_.predict


def catboost_ends(inputs, target, seed):
    """Both ends of the range, by one model."""
    return catboost(inputs, target, seed, _quantiles(ENDS))


def catboost_levels(inputs, target, seed):
    """All levels, by one model."""
    return catboost(inputs, target, seed, _quantiles(LEVELS), 1000, 6, learning_rate=0.1)


def _quantiles(levels):
    return "MultiQuantile:alpha=" + ",".join(f"{level:.2f}" for level in levels)


def lightgbm_ends(inputs, target, seed):
    """Both ends of the range, a model for each."""
    return _each_level(inputs, target, seed, ENDS)


def lightgbm_levels(inputs, target, seed):
    """All levels, a model of 400 trees for each."""
    return _each_level(inputs, target, seed, LEVELS, trees=400, learning_rate=0.05)


def _each_level(inputs, target, seed, levels, **options):
    models = [
        lightgbm(inputs, target, seed, objective="quantile", alpha=level, **options)
        for level in levels
    ]
    return lambda others: np.column_stack([model(others) for model in models])


def quantile_forest(inputs, target, seed):
    """All levels, by Meinshausen's quantile regression forest (2006), as in the package of that name."""
    from quantile_forest import RandomForestQuantileRegressor

    model = RandomForestQuantileRegressor(100, min_samples_leaf=5, random_state=seed, n_jobs=-1)
    model.fit(inputs, target)
    return lambda others: model.predict(others, quantiles=list(LEVELS))


def plain_inputs(matrix):
    """What boosters get: the recorded columns, volume, carat / volume and asymmetry; float32 (n, 12).

    matrix: graded stones, float32 (n, 9).
    """
    carat, x, y, z = matrix[:, [0, 6, 7, 8]].T.astype(np.float64)
    volume = x * y * z
    derived = [volume, carat / volume, np.maximum(x, y) / np.minimum(x, y)]
    return np.column_stack([matrix, *derived]).astype(np.float32)


def our_inputs(matrix):
    """The features of our forest without its trend: the order of x and y by itself, the smaller and the
    larger diameter, the log of their ratio, the table's decimals; float32 (n, 15)."""
    carat, table, x, y, z = matrix[:, [0, 5, 6, 7, 8]].T.astype(np.float64)
    small, large, volume = np.minimum(x, y), np.maximum(x, y), x * y * z
    asymmetry, decimals = of_each(math.log, large / small), np.rint(table * 10) % 10
    derived = [small, large, z, volume, carat / volume, asymmetry, np.sign(x - y), decimals]
    return np.column_stack([matrix[:, :6], *derived]).astype(np.float32)
