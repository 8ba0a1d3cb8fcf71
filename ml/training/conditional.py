"""Whether the range's coverage is right for every kind of stone, not only on average.

Part of the model card; called by diagnosis.py. Source of the slabs: Cauchois, Gupta and Duchi (2021),
"Knowing what you know"; the comparison with a constant is a cross-fitted classifier's Brier score.
"""

import numpy as np
from threadpoolctl import threadpool_limits

from ml.stones import COVERAGE

DIRECTIONS, HALVINGS, KNOTS = 1000, 5, 21
SMALLEST = 0.1
"""The least ratio of the stones that a slab holds."""

AT_A_TIME = 100
FOLDS, MIN_FOR_A_CLASSIFIER = 5, 2000


def worst_slab(inputs, inside, seed):
    """The slab of stones with the lowest coverage, found on one half and measured on the other.

    inputs: float64 (n, q), standardized; inside: boolean (n,). Returns {"coverage": mean over the
    halvings, "share": of the stones, "direction": (q,) of the last halving's slab, "from", "to"}.
    """
    rng = np.random.default_rng([seed, 4])
    found = []
    for _ in range(HALVINGS):
        one, other = np.array_split(rng.permutation(len(inputs)), 2)
        directions = rng.standard_normal((inputs.shape[1], DIRECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        _, low, high, direction = min(
            _least_covered(inputs[one], inside[one], directions[:, part : part + AT_A_TIME])
            for part in range(0, DIRECTIONS, AT_A_TIME)
        )
        direction = np.array(direction)
        at = inputs[other] @ direction
        slab = (low <= at) & (at <= high)
        found.append((inside[other][slab].mean() if slab.any() else COVERAGE, slab.mean()))
    coverage, share = np.mean(found, axis=0)
    return {
        "coverage": float(coverage),
        "share": float(share),
        "direction": direction.tolist(),
        "from": float(low),
        "to": float(high),
    }


def _least_covered(inputs, inside, directions):
    """(coverage, low, high, direction) of the slab with the lowest coverage along some directions."""
    at = inputs @ directions
    order = np.argsort(at, axis=0, kind="stable")
    counts = np.concatenate([np.zeros((1, at.shape[1])), np.cumsum(inside[order], axis=0)])
    ends = np.linspace(0, len(at), KNOTS).astype(int)
    best = (2.0, 0.0, 0.0, [])
    for first in range(KNOTS - 1):
        for last in range(first + 1, KNOTS):
            size = ends[last] - ends[first]
            if size < SMALLEST * len(at):
                continue
            held = (counts[ends[last]] - counts[ends[first]]) / size
            place = int(np.argmin(held))
            if held[place] < best[0]:
                rows = order[[ends[first], ends[last] - 1], place]
                best = (
                    float(held[place]),
                    *at[rows, place].tolist(),
                    directions[:, place].tolist(),
                )
    return best


def brier_gain(inputs, inside, seed):
    """The Brier score that a classifier of the stones gains over the constant COVERAGE; None for too few
    stones. inputs: float64 (n, q); inside: boolean (n,). {"gain", "error": standard error}."""
    if len(inputs) < MIN_FOR_A_CLASSIFIER or inside.all():
        return None
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import KFold

    predicted = np.empty(len(inputs))
    with threadpool_limits(1):  # so that the last bit is the same on any number of cores
        for rest, out in KFold(FOLDS, shuffle=True, random_state=seed).split(inputs):
            classifier = HistGradientBoostingClassifier(
                max_iter=100,
                learning_rate=0.05,
                max_leaf_nodes=15,
                min_samples_leaf=100,
                early_stopping=False,
                random_state=seed,
            )
            classifier.fit(inputs[rest], inside[rest])
            predicted[out] = classifier.predict_proba(inputs[out])[:, 1]
    gain = (COVERAGE - inside) ** 2 - (predicted - inside) ** 2
    return {"gain": float(gain.mean()), "error": float(gain.std() / np.sqrt(len(gain)))}
