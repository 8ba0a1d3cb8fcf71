"""What is odd about a valid stone, as figures; predictor.wording has the sentences."""

from ml.stones import CARAT_TOLERANCE, DEPTH_TOLERANCE, TYPICAL_FILL, derived_depth

from .serializers import volume_of


def warnings_of(features, training_ranges):
    """What is odd about a valid stone: [{code, field, value, …}], each with its figures."""
    found = [
        {"code": "outside_training_range", "field": name, "value": features[name],
         "low": low, "high": high}
        for name, (low, high) in training_ranges.items()
        if not low <= features[name] <= high
    ]  # fmt: skip
    return found + _depth_warnings(features) + _carat_warnings(features)


def _depth_warnings(features):
    if "z" not in features:
        return []
    derived = derived_depth(features["x"], features["y"], features["z"])
    if abs(derived - features["depth"]) <= DEPTH_TOLERANCE:
        return []
    return [{"code": "depth_disagrees", "field": "depth", "value": features["depth"],
             "expected": round(derived, 1)}]  # fmt: skip


def _carat_warnings(features):
    expected = TYPICAL_FILL * volume_of(features)
    ratio = features["carat"] / expected - 1
    if abs(ratio) <= CARAT_TOLERANCE:
        return []
    return [{"code": "carat_disagrees", "field": "carat", "value": features["carat"],
             "expected": round(expected, 2), "percent": round(100 * ratio)}]  # fmt: skip
