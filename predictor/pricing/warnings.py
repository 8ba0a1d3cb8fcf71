"""What is odd about a valid stone, as figures; predictor.wording has the sentences."""

from ml.stones import (
    CARAT_TOLERANCE,
    DEPTH_TOLERANCE,
    ORDER_TOLERANCE,
    TYPICAL_FILL,
    derived_depth,
)

from .serializers import volume_of


def warnings_of(features, training_ranges, answer):
    """What is odd about a valid stone and its Answer: [{code, field, value, …}], each with its figures."""
    found = [
        {"code": "outside_training_range", "field": name, "value": features[name],
         "low": low, "high": high}
        for name, (low, high) in training_ranges.items()
        if not low <= features[name] <= high
    ]  # fmt: skip
    of_stone = _depth_warnings(features) + _carat_warnings(features)
    return found + of_stone + _order_warnings(features, answer)


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


def _order_warnings(features, answer):
    """The price in the other order of the diameters, in whole USD, truncated as any price is."""
    change = (answer.turned or answer.price) - answer.price
    if abs(change) <= ORDER_TOLERANCE * answer.price:
        return []
    return [{"code": "diameter_order", "field": "x", "value": features["x"],
             "price": int(answer.turned), "percent": round(100 * change / answer.price)}]  # fmt: skip
