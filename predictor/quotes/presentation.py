"""How pages and the admin show a recorded stone."""

from ml.stones import CODES, COVERAGE, GRADES, MEASURES
from ml.vocabulary import OPTIONAL
from predictor.pricing.warnings import sentence
from predictor.wording.figures import figure, hundredths, money, percent, weight
from predictor.wording.labels import LABELS, label_of, level_label
from predictor.wording.sentences import assumed_sentences

IN_HUNDREDTHS = ("carat", "x", "y", "z")
"""The measurements that reports give with two decimals."""


def short_name(prediction):
    """A short name of the stone: its weight and, if they are known, its grades."""
    name = weight(prediction.carat)
    if prediction.scheme == "coded":
        return name
    parts = [name, *_shape(prediction.stated), prediction.cut, prediction.color, prediction.clarity]
    return ", ".join(filter(None, parts))


def _shape(stone):
    """The shape of a stone, {name: value}, if it is stated."""
    return [level_label("shape", stone["shape"])] if stone.get("shape") else []


def trade_name(stone, scheme="graded"):
    """The weight and grades of a stone, {name: value}, as a dealer names them; a code by its grades."""
    known = [name for name in GRADES if stone.get(name) not in (None, "")]
    grades = (grades_text(name, stone[name], scheme) for name in known)
    return ", ".join([weight(stone["carat"]), *_shape(stone), *grades])


def grades_text(name, value, scheme):
    """A grade's name; a code as the first and last grade that it covers."""
    if scheme != "coded":
        return value
    grades = CODES[name][int(value)]
    return grades[-1] if len(grades) == 1 else f"{grades[-1]}–{grades[0]}"


def diameters(stone):
    """The measurements of a stone, {name: value}, in mm; "" if they are not known."""
    known = [stone[name] for name in ("x", "y", "z") if stone.get(name) is not None]
    return " × ".join(map(hundredths, known))


def sizes_text(stone):
    """All measures of a stone, {name: value}, but for its weight."""
    others = [
        f"{LABELS[name]} {with_unit(name, stone[name])}"
        for name in ("volume", "depth", "table")
        if stone.get(name) is not None
    ]
    others += [
        f"{LABELS[name]}: {level_label(name, stone[name])}"
        for name in tuple(OPTIONAL)[1:]
        if stone.get(name)
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
        "assumed": assumed_sentences(prediction.assumed),
        "warnings": [sentence(warning) for warning in prediction.warnings],
    }


def range_text(prediction):
    """The ends of an answer's range, as text."""
    return f"{money(prediction.whole_low)} – {money(prediction.whole_high)}"


def with_unit(name, value):
    """A measurement with its unit."""
    return measure(name, value) + MEASURES[name].suffix.replace(" ", "\xa0")


def measure(name, value):
    """A measurement without its unit: a weight or size as on reports."""
    return (hundredths if name in IN_HUNDREDTHS else figure)(value)


def input_row(scheme, name, value, of_shapes=False):
    """(label, value with its unit, meaning of a code) of one input; of_shapes: as for label_of."""
    if name in MEASURES:
        return label_of(name, of_shapes), with_unit(name, value), ""
    if name in OPTIONAL:
        return LABELS[name], level_label(name, value), ""
    if scheme == "coded":
        return LABELS[name], value, ", ".join(CODES[name][value])
    return LABELS[name], value or "–", ""


def grade_text(name, value, scheme):
    """A grade's name; for a code also its meaning."""
    return f"{value} ({', '.join(CODES[name][value])})" if scheme == "coded" else value
