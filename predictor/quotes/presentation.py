"""How pages and the admin show a recorded stone."""

from ml.stones import CODES, COVERAGE, GRADES, MEASURES
from predictor.pricing.warnings import sentence
from predictor.wording.figures import figure, money, percent
from predictor.wording.labels import LABELS


def short_name(prediction):
    """A short name of the stone: its weight and, if they are known, its grades."""
    weight = f"{figure(prediction.carat)}\xa0ct"
    if prediction.scheme == "coded":
        return weight
    return f"{weight}, {prediction.cut}, {prediction.color}, {prediction.clarity}"


def trade_name(stone, scheme="graded"):
    """The weight and grades of a stone, {name: value}, as a dealer names them; a code by its grades."""
    grades = (grades_text(name, stone[name], scheme) for name in GRADES)
    return ", ".join([f"{figure(stone['carat'])}\xa0ct", *grades])


def grades_text(name, value, scheme):
    """A grade's name; a code as the first and last grade that it covers."""
    if scheme != "coded":
        return value
    grades = CODES[name][int(value)]
    return grades[-1] if len(grades) == 1 else f"{grades[-1]}–{grades[0]}"


def diameters(stone):
    """The measurements of a stone, {name: value}, in mm; "" if they are not known."""
    known = [stone[name] for name in ("x", "y", "z") if stone.get(name) is not None]
    return " × ".join(map(figure, known))


def sizes_text(stone):
    """All measures of a stone, {name: value}, but for its weight."""
    others = [
        f"{LABELS[name]} {with_unit(name, stone[name])}"
        for name in ("volume", "depth", "table")
        if stone.get(name) is not None
    ]
    mm = diameters(stone)
    return "; ".join([f"{mm}\xa0mm", *others] if mm else others)


def answer_context(prediction):
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
