"""What is odd about a valid stone, as figures; predictor.wording has the sentences."""

import math

import numpy as np

from ml.forest.matrix import row_of
from ml.stones import (
    CARAT_TOLERANCE,
    DEPTH_TOLERANCE,
    ORDER_TOLERANCE,
    TYPICAL_FILL,
    derived_depth,
)

from .serializers import volume_of

CODES = (
    "outside_training_range",
    "depth_disagrees",
    "carat_disagrees",
    "not_round",
    "extrapolated",
    "diameter_order",
)
"""All that a warning's code may be."""


def warnings_of(features, forest, answer):
    """What is odd about a valid stone and its Answer: [{code, field, value, …}], each with its figures."""
    found = [
        {
            "code": "outside_training_range",
            "field": name,
            "value": features[name],
            "low": low,
            "high": high,
        }
        for name, (low, high) in forest.metadata["training_ranges"].items()
        if not low <= features[name] <= high
    ]
    of_stone = _depth_warnings(features) + _carat_warnings(features)
    found += of_stone + _order_warnings(features, answer)
    return found + _support_warnings(features, forest, answer) if forest.support else found


def _depth_warnings(features):
    if "z" not in features:
        return []
    derived = derived_depth(features["x"], features["y"], features["z"])
    if abs(derived - features["depth"]) <= DEPTH_TOLERANCE:
        return []
    return [
        {
            "code": "depth_disagrees",
            "field": "depth",
            "value": features["depth"],
            "expected": round(derived, 1),
        }
    ]


def _carat_warnings(features):
    expected = TYPICAL_FILL * volume_of(features)
    ratio = features["carat"] / expected - 1
    if abs(ratio) <= CARAT_TOLERANCE:
        return []
    return [
        {
            "code": "carat_disagrees",
            "field": "carat",
            "value": features["carat"],
            "expected": round(expected, 2),
            "percent": round(100 * ratio),
        }
    ]


def _order_warnings(features, answer):
    """The price in the other order of the diameters, in whole USD, truncated as any price is."""
    change = (answer.turned or answer.price) - answer.price
    if abs(change) <= ORDER_TOLERANCE * answer.price:
        return []
    return [
        {
            "code": "diameter_order",
            "field": "x",
            "value": features["x"],
            "price": int(answer.turned),
            "percent": round(100 * change / answer.price),
        }
    ]


def _support_warnings(features, forest, answer):
    """What the training stones have nothing to say of: another shape, a stone or a price beyond them."""
    return _shape_warnings(features, forest.support) + (
        [_extrapolation(features, forest, answer)] if answer.extrapolated else []
    )


def _shape_warnings(features, support):
    if "x" not in features:
        return []
    ends = features["x"], features["y"]
    ratio = max(ends) / min(ends) - 1
    if ratio <= support.roundness:
        return []
    return [
        {
            "code": "not_round",
            "field": "y",
            "value": features["y"],
            "percent": round(100 * ratio),
            "most": round(100 * support.roundness, 1),
        }
    ]


def _extrapolation(features, forest, answer):
    """By its weight, with the recorded weights of its grades (None: there are none); by the factor that
    the stones behind its price are adjusted by; or by its price."""
    low, high = forest.support.carats(row_of(features, forest.scheme).tolist())
    if low <= float(np.float32(features["carat"])) <= high:
        found = {"code": "extrapolated", "field": "price", "value": int(answer.price)}
        adjustment = abs(answer.adjustment)
        if adjustment > forest.support.adjusted:
            return found | {
                "factor": round(math.exp(adjustment), 2),
                "most": round(math.exp(forest.support.adjusted), 2),
            }
        return found | {"high": int(forest.support.dearest)}
    low, high = (round(end, 2) if math.isfinite(end) else None for end in (low, high))
    return {
        "code": "extrapolated",
        "field": "carat",
        "value": features["carat"],
        "low": low,
        "high": high,
    }


# The same of many stones


def codes_of_many(features, matrix, forest, answers):
    """The codes that `warnings_of` gives each of n stones, each once, with spaces between: object (n,).

    features: {name: float64 (n,)}; matrix: theirs, float32 (n, p); answers: theirs, with `turned`.
    """
    change = np.nan_to_num(answers.turned - answers.price)
    found = {
        "outside_training_range": _outside_training_range(features, forest),
        "depth_disagrees": _depths_disagree(features),
        "carat_disagrees": _carats_disagree(features),
        "diameter_order": np.abs(change) > ORDER_TOLERANCE * answers.price,
        "not_round": _are_not_round(features, forest),
        "extrapolated": answers.extrapolated,
    }
    kinds = sum(hit.astype(np.intp) << bit for bit, hit in enumerate(found.values()))
    names = [
        " ".join(code for bit, code in enumerate(found) if kind >> bit & 1)
        for kind in range(1 << len(found))
    ]
    return np.array(names, object)[kinds]


def _outside_training_range(features, forest):
    ranges = forest.metadata["training_ranges"].items()
    inside = [(low <= features[name]) & (features[name] <= high) for name, (low, high) in ranges]
    return ~np.logical_and.reduce(inside)


def _depths_disagree(features):
    if "z" not in features:
        return np.zeros(len(features["depth"]), bool)
    derived = derived_depth(features["x"], features["y"], features["z"])
    return np.abs(derived - features["depth"]) > DEPTH_TOLERANCE


def _carats_disagree(features):
    ratio = features["carat"] / (TYPICAL_FILL * volume_of(features)) - 1
    return np.abs(ratio) > CARAT_TOLERANCE


def _are_not_round(features, forest):
    if "x" not in features or not forest.support:
        return np.zeros(len(features["carat"]), bool)
    longer, shorter = (end(features["x"], features["y"]) for end in (np.maximum, np.minimum))
    return longer / shorter - 1 > forest.support.roundness
