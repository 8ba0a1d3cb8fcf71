"""What several pages say of a recorded stone."""

from ml.stones import CODES, COVERAGE, MEASURES
from predictor.pricing.warnings import sentence
from predictor.wording.figures import figure, money, percent
from predictor.wording.labels import LABELS


def short_name(prediction):
    """The stone in a few words: its weight and, where they are known, its grades."""
    weight = f"{figure(prediction.carat)}\xa0ct"
    if prediction.scheme == "coded":
        return weight
    return f"{weight}, {prediction.cut}, {prediction.color}, {prediction.clarity}"


def answer_shown(prediction):
    """What every page says of an answer, amounts in the currency that is written now."""
    return {
        "price": money(prediction.predicted_price),
        "low": money(prediction.whole_low),
        "high": money(prediction.whole_high),
        "coverage": not prediction.is_extrapolated and percent(COVERAGE, 0),
        "warnings": [sentence(warning) for warning in prediction.warnings],
    }


def range_text(prediction):
    """The ends of an answer's range."""
    return f"{money(prediction.whole_low)} – {money(prediction.whole_high)}"


def with_unit(name, value):
    """A measure with its unit."""
    unit = MEASURES[name].unit
    return f"{figure(value)}{'' if unit == '%' else chr(160)}{unit}"


def input_row(scheme, name, value):
    """(label, value with its unit, what a code stands for) of one input."""
    if name in MEASURES:
        return LABELS[name], with_unit(name, value), ""
    return LABELS[name], value, ", ".join(CODES[name][value]) if scheme == "coded" else ""


def grade_text(name, value, scheme):
    """A grade by its name; a code with what it stands for."""
    return f"{value} ({', '.join(CODES[name][value])})" if scheme == "coded" else value
