"""Grows the boosted trend of a graded forest (ml.forest.boosted) with scikit-learn.

The trend of a training stone comes from trees that have not seen it: the stones are in folds, all listings
of one stone in the same, and each fold has a gradient boosting grown without it. A stone that is asked for
gets the mean of all of them. Called only by ml.training.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from ml.forest.boosted import Boosted
from ml.forest.masks import MOST_LEAVES
from ml.forest.matrix import SHOP

from .exact import rounded
from .flatten import tree_words
from .threads import filters_kept

UNIT = 2.0**-30
LOWEST = -2.0
"""A leaf's value is a whole number of units above the lowest one, in 32 bits."""

MOST_ITERATIONS, FEWEST_ITERATIONS, STONES_AN_ITERATION = 200, 20, 150
COUNTED = 40
"""A boosting counts as this many trees in the progress, as its time does."""

REACH, FASTEST = 24.0, 0.15
"""The learning rate is REACH / iterations, at most FASTEST."""


def iterations_of(count):
    """How many trees are grown for each fold, by the number of training stones."""
    return int(np.clip(count // STONES_AN_ITERATION, FEWEST_ITERATIONS, MOST_ITERATIONS))


MOST_EDGES = 254
"""As scikit-learn, which has 255 bins."""


@dataclass(frozen=True)
class Bins:
    """The bins of each feature: the values between them, increasing, one array (at most 254,) a feature.

    They are scikit-learn's (`_find_binning_thresholds`), which sorts a feature again for each of them if
    the stones are weighted: that takes far longer than growing the trees, so it gets the bins' numbers
    instead.
    """

    edges: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, features, weight):
        """features: float64 (n, p); weight: (n,)."""
        return cls(tuple(_edges(column, weight) for column in features.T))

    def numbers(self, features):
        """The number of each value's bin, float64 (n, p)."""
        pairs = zip(self.edges, features.T, strict=True)
        return np.column_stack([np.searchsorted(*pair) for pair in pairs]).astype(np.float64)

    def thresholds(self, nodes):
        """What the nodes of a tree of the bins' numbers split at: values; float64 (nodes,)."""
        found = np.zeros(len(nodes))
        for node in np.flatnonzero(nodes["is_leaf"] == 0):
            below = math.ceil(nodes["num_threshold"][node]) - 1
            found[node] = self.edges[nodes["feature_idx"][node]][below]
        return found


def _edges(values, weight):
    """The values between the bins of one feature: the middles if there are few values, otherwise their
    weighted quantiles; the mean of the two values next to a quantile that is between them."""
    different = np.unique(values)
    if len(different) <= MOST_EDGES + 1:
        return (different[:-1] + different[1:]) / 2
    order = np.argsort(values, kind="stable")
    below, values = np.cumsum(weight[order]), values[order]
    wanted = np.linspace(0, 100, MOST_EDGES + 2)[1:-1] / 100 * below[-1]
    at = np.searchsorted(below, wanted).clip(max=len(values) - 1)
    between = below[at] - wanted <= np.finfo(np.float64).eps
    following = values[(at + 1).clip(max=len(values) - 1)]
    return np.unique(np.where(between, (values[at] + following) / 2, values[at]))


@dataclass(frozen=True)
class Grown:
    """The trees of some gradient boostings: the tables of ml.forest.boosted.Boosted; own: what they add to
    the curve over weight for each training stone, by the boosting that has not seen it; log price, (n,)."""

    tables: dict
    own: np.ndarray


def grow(features, names, target, weight, fold, seed, advance):
    """A gradient boosting for each of the folds, grown without it; Grown.

    features: float32 (n, q), called by names (ml.forest.matrix.features_of); target: log price above the
    curve over weight; weight, fold: (n,).
    advance: called with a number of trees after each boosting.
    """
    folds, own = np.unique(fold), np.empty(len(fold))

    def fitted(number):
        rest, out = fold != number, fold == number
        model = _regressor(names, iterations_of(len(fold)), (seed + 100 * int(number)) % 2**32)
        with threadpool_limits(1, "openmp"):  # several would add up in any order
            bins = Bins.of(features[rest].astype(np.float64), weight[rest])
            model.fit(bins.numbers(features[rest]), target[rest], sample_weight=weight[rest])
            own[out] = answers_of(tables_of([(model, bins)]), features[out])
            _check(model, bins.numbers(features[out]), own[out])
        return model, bins

    models = []
    with filters_kept(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for model in pool.map(fitted, folds):
            models.append(model)
            advance(COUNTED)
    return Grown(tables_of(models), own)


def _regressor(names, iterations, seed):
    return HistGradientBoostingRegressor(
        max_iter=iterations,
        learning_rate=min(FASTEST, REACH / iterations),
        max_leaf_nodes=MOST_LEAVES,
        min_samples_leaf=20,
        l2_regularization=1.0,
        max_features=0.7,
        monotonic_cst=[name in ("color", "clarity") for name in names],
        early_stopping=False,
        random_state=seed,
    )


def answers_of(tables, features):
    """What the trees of these tables give for n stones; float64 (n,). features: float32 (n, q)."""
    boosted = Boosted(tables)
    return boosted.log_price(boosted.sums_of_many(features)[0])


def _check(model, numbers, own):
    """Raises RuntimeError if the flat trees differ from scikit-learn's."""
    some = slice(None, None, len(own) // 100 + 1)
    theirs = model.predict(numbers[some])
    if not np.abs(own[some] - theirs).max() <= 1e-5:
        raise RuntimeError("the flat boosted trees differ from scikit-learn's")


def tables_of(models):
    """The arrays of ml.forest.boosted.Boosted for the mean of some models, each with its Bins."""
    trees = [(one[0].nodes, bins) for model, bins in models for one in model._predictors]
    split_on = [nodes["feature_idx"][nodes["is_leaf"] == 0] for nodes, _ in trees]
    on_shop = [bool((some == SHOP).any()) for some in split_on]
    words, roots, place = [], [], 0
    for row in np.argsort(on_shop, kind="stable"):
        roots.append(place + 1)
        words.append(_words(*trees[row], place))
        place += len(words[-1])
    base = np.mean([rounded(float(model._baseline_prediction[0, 0])) for model, _ in models])
    count = len(trees) // len(models)
    return {
        "nodes": np.concatenate(words),
        "roots": np.array(roots, np.int32),
        "shared": np.array(len(trees) - sum(on_shop)),
        "value": np.array([base + LOWEST * count, UNIT / len(models)]),
    }


def _words(nodes, bins, place):
    """One tree of scikit-learn's, of the bins' numbers, as words of values, from a place on."""
    leaf = nodes["is_leaf"].astype(bool)
    tree = SimpleNamespace(
        node_count=len(nodes),
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=bins.thresholds(nodes),
        **{
            f"children_{side}": np.where(leaf, -1, nodes[side].astype(np.int64))
            for side in ("left", "right")
        },
    )
    value = np.rint((nodes["value"][leaf] - LOWEST) / UNIT).astype(np.int64)
    return tree_words(tree, place, value.clip(0, 2**32 - 1))
