"""Fit a forest, calibrate its range, score it on held-out stones, compare two.

The only module that needs scikit-learn; called by the retrain command and the tests.
"""

import platform

import joblib
import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from . import dataset, trend
from .forest import PriceForest
from .stones import COVERAGE, SCHEMES

SEED = 2022
TREES = 100
FLAT_TOLERANCE = 1e-6
MIN_STONES = 1000


class NotEnoughStones(ValueError):
    """Fewer usable stones than a forest can be trained and calibrated on."""


def train(raw, scheme, seed=SEED, progress=None, data_sha256=""):
    """Clean, split, fit and score: a forest whose metadata tells how it was made.

    raw: as ml.dataset.load gives it. progress: called with (trees done, trees in all).
    Raises NotEnoughStones under 1,000 usable rows, ValueError for an unknown scheme.
    """
    cleaned = dataset.clean(raw, scheme)
    stones = cleaned.stones
    if len(stones) < MIN_STONES:
        raise NotEnoughStones(f"{len(stones)} usable rows; a forest needs {MIN_STONES:,}")
    training, held_out = dataset.split(stones, scheme)
    forest = fit(training, scheme, seed, progress)
    forest.metadata["data_sha256"] = data_sha256
    forest.metadata["scores"] = score(forest, held_out)
    forest.metadata["rows"] = {
        "raw": len(raw), "dropped": cleaned.dropped, "clean": len(stones),
        "training": len(training), "held out": len(held_out),
    }  # fmt: skip
    return forest


def fit(stones, scheme, seed=SEED, progress=None):
    """A forest fitted on all the stones given, its range calibrated on out-of-bag answers.

    stones: a DataFrame with the scheme's columns and `price` (USD). The flat forest is checked
    against scikit-learn's own predictions; RuntimeError where they differ by more than 1e-6.
    """
    forest = PriceForest({}, _metadata(stones, scheme, seed))
    matrix, price = forest.matrix(stones), stones.price.to_numpy(np.float64)
    target, weight, features = price, None, matrix
    if scheme == "graded":
        forest.arrays.update(_fit_trend(matrix, price))
        level = trend.log_trend(matrix, forest.arrays)
        target, weight = np.log(price) - level, np.sqrt(price)
        features = trend.derived_columns(matrix, forest.arrays)
    estimator = _grow(_estimator(scheme, seed), features, target, weight, progress)
    forest.arrays.update(_flatten(estimator))
    forest.metadata["depth"] = max(tree.tree_.max_depth for tree in estimator.estimators_)
    _check_flat(forest, estimator, features, matrix)
    forest.arrays["range_factors"] = _range_factors(estimator, forest, matrix, price)
    return forest


def _metadata(stones, scheme, seed):
    return {
        "scheme": scheme,
        "columns": SCHEMES[scheme],
        "seed": seed,
        "versions": {
            "python": platform.python_version(), "numpy": np.__version__,
            "scikit-learn": sklearn.__version__, "joblib": joblib.__version__,
        },
        "training_ranges": {
            column: [float(stones[column].min()), float(stones[column].max())]
            for column in SCHEMES[scheme] if stones[column].dtype.kind == "f"
        },
    }  # fmt: skip


def _fit_trend(matrix, price):
    """Ridge on log price; single-threaded, so that the last bit is the same on any machine."""
    with threadpool_limits(1):
        ridge = Ridge(alpha=1.0).fit(trend.design(matrix), np.log(price))
    return {"trend_weights": ridge.coef_, "trend_level": np.float64(ridge.intercept_)}


def _estimator(scheme, seed):
    if scheme == "coded":
        return RandomForestRegressor(random_state=seed, oob_score=True)
    return ExtraTreesRegressor(
        min_samples_leaf=2, max_features=0.6, bootstrap=True, oob_score=True, random_state=seed
    )


def _grow(estimator, features, target, weight, progress):
    """Fits tree by tree (the same trees as in one go: warm_start keeps the random sequence)."""
    estimator.set_params(warm_start=True, n_jobs=-1, oob_score=False)
    step = 10
    for done in range(step, TREES + 1, step):
        estimator.set_params(n_estimators=done, oob_score=done == TREES)
        estimator.fit(features, target, sample_weight=weight)
        if progress:
            progress(done, TREES)
    return estimator


def _flatten(estimator):
    """All trees in one set of arrays, children side by side, leaves pointing at themselves."""
    trees = [_breadth_first(tree.tree_) for tree in estimator.estimators_]
    offsets = np.cumsum([0, *[len(tree["feature"]) for tree in trees]])
    for tree, offset in zip(trees, offsets, strict=False):
        tree["child"] += offset
    flat = {key: np.concatenate([tree[key] for tree in trees]) for key in trees[0]}
    return {**flat, "roots": offsets[:-1].astype(np.int32)}


def _breadth_first(tree):
    order, level = [], np.array([0])
    while len(level):
        order.append(level)
        inner = level[tree.children_left[level] >= 0]
        level = np.column_stack([tree.children_left[inner], tree.children_right[inner]]).ravel()
    order = np.concatenate(order)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    leaf = tree.children_left[order] < 0
    child = np.where(leaf, place[order], place[tree.children_left[order]])
    return {
        "feature": np.where(leaf, 0, tree.feature[order]).astype(np.int8),
        "threshold": np.where(leaf, np.float32(np.inf), _round_down(tree.threshold[order])),
        "child": child.astype(np.int32),
        "leaf_value": tree.value[order, 0, 0],
    }


def _round_down(threshold):
    """float64 thresholds to the nearest float32 below: they split float32 inputs alike."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def _check_flat(forest, estimator, features, matrix):
    ours, theirs = forest.leaf_means(matrix[:5000]), estimator.predict(features[:5000])
    worst = np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-3))
    if worst > FLAT_TOLERANCE:
        raise RuntimeError(f"the flat forest differs from scikit-learn's by {worst:.2g}")


def _range_factors(estimator, forest, matrix, price):
    """Low and high as factors of the price: quantiles of the out-of-bag log residuals; (1, 2)."""
    out_of_bag = estimator.oob_prediction_
    if forest.scheme == "graded":
        out_of_bag = np.exp(out_of_bag + trend.log_trend(matrix, forest.arrays))
    tail = (1 - COVERAGE) / 2
    return np.quantile(price / out_of_bag, [tail, 1 - tail]).clip([0, 1], [1, np.inf])


def score(forest, stones):
    """Scores on stones the forest has not seen: R², RMSE, MAE (USD), MAPE, coverage (ratios)."""
    price = stones.price.to_numpy(np.float64)
    answer, range_ = forest.price(stones), forest.price_range(stones)
    error = answer - price
    inside = (range_[:, 0] <= price) & (price <= range_[:, 1])
    return {
        "r2": float(1 - (error**2).sum() / ((price - price.mean()) ** 2).sum()),
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "mape": float(np.abs(error / price).mean()),
        "coverage": float(inside.mean()),
        "stones": len(stones),
    }


def unseen_by_both(raw, candidate, live):
    """The candidate's held-out stones that the live forest was not trained on; a DataFrame.

    Both are forests of one scheme; `raw` is what the candidate was trained from.
    """
    _, held_out = dataset.split(dataset.clean(raw, candidate.scheme).stones, candidate.scheme)
    seen = {key.tobytes() for key in live.arrays["stone_keys"]}
    return held_out[[key not in seen for key in dataset.stone_keys(held_out)]]
