"""How pages show a recorded stone. Shared by several of them."""

from ml.stones import CODES, COVERAGE, MEASURES
from predictor.pricing.warnings import sentence
from predictor.wording.figures import figure, money, percent
from predictor.wording.labels import LABELS


def short_name(prediction):
    """A short name of the stone: its weight and, if they are known, its grades."""
    weight = f"{figure(prediction.carat)}\xa0ct"
    if prediction.scheme == "coded":
        return weight
    return f"{weight}, {prediction.cut}, {prediction.color}, {prediction.clarity}"


def answer_shown(prediction):
    """What every page shows of an answer, with amounts in the current currency."""
    return {
        "price": money(prediction.predicted_price),
        "low": money(prediction.whole_low),
        "high": money(prediction.whole_high),
        "coverage": not prediction.is_extrapolated and percent(COVERAGE, 0),
        "warnings": [sentence(warning) for warning in prediction.warnings],
    }


def range_text(prediction):
    """The ends of an answer's range, as text."""
    return f"{money(prediction.whole_low)} – {money(prediction.whole_high)}"


def with_unit(name, value):
    """A measurement with its unit."""
    unit = MEASURES[name].unit
    return f"{figure(value)}{'' if unit == '%' else chr(160)}{unit}"


def input_row(scheme, name, value):
    """(label, value with its unit, meaning of a code) of one input."""
    if name in MEASURES:
        return LABELS[name], with_unit(name, value), ""
    return LABELS[name], value, ", ".join(CODES[name][value]) if scheme == "coded" else ""


def grade_text(name, value, scheme):
    """A grade's name; for a code also its meaning."""
    return f"{value} ({', '.join(CODES[name][value])})" if scheme == "coded" else value
