"""Reads what people type into the form: units, commas, the measurements of a report on one line,
and the laboratories' words.

Called by the form. The API accepts none of this: there a number is a number.
"""

import math
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from ml.stones import DEPTH_PLACES, MEASURES, bounded, derived_depth
from ml.tables.amounts import (
    TwoReadings,
    decimal_mark,
    has_thousands,
    read_measure,
    read_measurements,
    without_unit,
)
from ml.tables.grades import NOT_IN_DATA, read_grade
from predictor.pricing.serializers import VALIDATORS, shown, validate
from predictor.wording.files import grade_refusal
from predictor.wording.labels import SHAPES

VOLUME_PLACES = 3


@dataclass(frozen=True)
class ParsedStone:
    """payload: the stone for the service. errors: {field: [message]} for values that the service
    must not get, choices: {field: (value, …)} that can replace them."""

    payload: dict
    errors: dict
    choices: dict

    def all_errors(self):
        """Its errors together with the service's."""
        try:
            validate(self.payload)
        except ValidationError as error:
            return {**error.detail, **self.errors}
        return self.errors


def read(scheme, names, data, marks=None):
    """The ParsedStone of a form's fields or of a file's row; data: {name: text}.

    marks: {name: the decimal mark of its column}, if a file has shown it.
    """
    data = {name: bounded(data.get(name, "")) for name in (*names, "shape")}
    parsed = ParsedStone({name: data[name] for name in names}, {}, {})
    line = _spread_line(parsed.payload, scheme)
    for name in names:
        if name in MEASURES and not (line and name == "volume"):
            _read_measure(parsed, name, scheme, (marks or {}).get(name, ""))
    measured = line or (_sizes(parsed.payload) if scheme == "graded" else [])
    if not parsed.payload["depth"].strip() and measured:
        parsed.payload["depth"] = f"{derived_depth(*measured):.{DEPTH_PLACES}f}"
    if scheme == "graded":
        _read_words(parsed, data)
    return parsed


def marks_of(columns):
    """{name: the decimal mark of its column, or "" if that is not certain} for the measurements
    of a file that can be over a thousand; columns: {name: texts}."""
    return {
        name: decimal_mark(without_unit(name, text) for text in texts)
        for name, texts in columns.items()
        if name in MEASURES and has_thousands(name)
    }


def _spread_line(payload, scheme):
    """Splits measurements on one line into their fields, if one field has them; returns (x, y,
    z) in mm."""
    places = ("volume",) if scheme == "coded" else ("x", "y", "z")
    line = next(filter(None, (read_measurements(payload[name]) for name in places)), ())
    sizes = _positive(line)
    if scheme == "graded":
        payload |= dict(zip(places, line, strict=False))
    elif sizes:
        payload["volume"] = f"{math.prod(sizes):.{VOLUME_PLACES}f}"
    return sizes


def _sizes(payload):
    return _positive([payload[name] for name in ("x", "y", "z")])


def _positive(texts):
    """The numbers to compute a depth from, all over 0; none if any text is something else."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return []
    return numbers if all(0 < number < 1000 for number in numbers) else []


def _read_measure(parsed, name, scheme, mark):
    """Replaces a measurement in the payload by a plain number. A text that cannot be read stays as
    typed. If the service would accept it, it gets an error, because the service reads any form of
    number."""
    text, field = parsed.payload[name], VALIDATORS[scheme].fields[name]
    try:
        plain = read_measure(name, text, mark)
    except TwoReadings as doubt:
        parsed.errors[name], parsed.choices[name] = [_doubt(doubt)], doubt.readings
        return
    if plain:
        parsed.payload[name] = plain
    elif field.usual(text.strip()) is not None:
        try:
            field.refuse_text(text)
        except ValidationError as error:
            parsed.errors[name] = error.detail


def _doubt(doubt):
    first, second = map(number_format, doubt.readings)
    return _(doubt.sentence).format(value=doubt.values["value"], first=first, second=second)


def _read_words(parsed, data):
    """Reads the laboratories' words for grades that are not in the table, and the shape."""
    parsed.errors.update(_shape_error(data["shape"]))
    for name, words in NOT_IN_DATA.items():
        grade = parsed.payload[name] = read_grade(name, parsed.payload[name])
        if grade in words:
            parsed.errors[name] = [grade_refusal(name, grade)]
            parsed.choices[name] = words[grade]


def _shape_error(shape):
    if shape in ("", "round"):
        return {}
    name = SHAPES.get(shape) or shown(shape)
    message = _("The data has no stones of this shape ({shape}): all of them are round.")
    return {"shape": [message.format(shape=name)]}


def depth_was_left_empty(request):
    """Whether the form of a recorded request had no depth, so that it was computed."""
    return isinstance(request, dict) and not str(request.get("depth", "")).strip()
