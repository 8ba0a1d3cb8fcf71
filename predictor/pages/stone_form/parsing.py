"""Reads what people type into the form: units, commas, the measurements of a report on one line,
and the laboratories' words.

Called by the form. The API accepts none of this: there a number is a number.
"""

import math
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from ml.stones import DEPTH_PLACES, MEASURES, bounded
from ml.tables.amounts import (
    TwoReadings,
    decimal_mark,
    has_thousands,
    read_measure,
    read_measurements,
    without_unit,
)
from ml.tables.grades import NOT_IN_DATA, assumed_grades, read_grade
from ml.tables.levels import read_level
from ml.vocabulary import OPTIONAL
from predictor.pricing.assumptions import assume
from predictor.pricing.serializers import Validators
from predictor.pricing.services import live_validators
from predictor.pricing.shapes import depth_of, shape_refusal
from predictor.wording.figures import figure
from predictor.wording.files import grade_refusal

VOLUME_PLACES = 3
SIZES = {"x", "y", "z"}


@dataclass(frozen=True)
class ParsedStone:
    """payload: the stone for the service, which may assume its grades. errors: {field: [message]} for
    values that the service must not get, choices: {field: (value, …)} that can replace them. validators:
    those of the version that the stone is read for."""

    payload: dict
    errors: dict
    choices: dict
    validators: Validators

    @property
    def lacks_depth(self):
        """Whether the depth was left empty and the measurements do not give it."""
        return not self.payload["depth"].strip()

    def all_errors(self):
        """Its errors together with the service's. What a missing depth would be computed from is wrong, not
        the depth."""
        found = {**self._errors_of_service(), **self.errors}
        if self.lacks_depth and found.keys() & SIZES:
            found.pop("depth", None)
        return found

    def _errors_of_service(self):
        try:
            self.validators.validate(assume(self.payload, self.validators.vocabulary)[0])
        except ValidationError as error:
            return error.detail
        return {}


def read(scheme, data, marks=None, validators=None):
    """The ParsedStone of a form's fields or of a file's row; data: {name: text}.

    marks: {name: the decimal mark of its column}, if a file has shown it. validators: by default those of
    the active version.
    """
    validators = validators or live_validators()
    names = validators[scheme].fields
    data = {name: bounded(data.get(name, "")) for name in (*names, "shape")}
    parsed = ParsedStone(_stated(names, data), {}, {}, validators)
    line = _spread_line(parsed.payload, scheme)
    for name in names:
        if name in MEASURES and not (line and name == "volume"):
            _read_measure(parsed, name, scheme, (marks or {}).get(name, ""))
    measured = line or (_sizes(parsed.payload) if scheme == "graded" else [])
    if parsed.lacks_depth and measured:
        _derive_depth(parsed, measured, "z" if scheme == "graded" else "volume")
    if scheme == "graded":
        _read_words(parsed, data)
    return parsed


def _stated(names, data):
    """The values as typed, optional properties as the trade's words for them say, if they say anything."""
    read = {name: read_level(name, data[name]) for name in names if name in OPTIONAL}
    words = {name: data[name] if level is None else level for name, level in read.items()}
    return {name: data[name] for name in names if name not in OPTIONAL} | {
        name: word for name, word in words.items() if word
    }


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


def _derive_depth(parsed, measured, field):
    """Computes the depth; if no diamond has it, the field with the height is wrong."""
    depth = round(depth_of(measured, parsed.payload, parsed.validators.vocabulary), DEPTH_PLACES)
    bounds = MEASURES["depth"]
    if bounds.low <= depth <= bounds.high:
        parsed.payload["depth"] = f"{depth:.{DEPTH_PLACES}f}"
        return
    message = _("The height {z} mm gives a depth of {depth}%, which no diamond has: check it.")
    parsed.errors[field] = [message.format(z=figure(measured[2]), depth=figure(depth))]


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
    text, field = parsed.payload[name], parsed.validators[scheme].fields[name]
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
    """Reads the laboratories' words for grades that the version does not have, and the shape."""
    vocabulary = parsed.validators.vocabulary
    if "shape" not in parsed.validators["graded"].fields:
        parsed.errors.update(_shape_error(data["shape"]))
    for name in NOT_IN_DATA:
        text = parsed.payload[name]
        if assumed_grades(name, text, vocabulary)[0]:
            continue  # the service records it as it was sent
        grade = parsed.payload[name] = read_grade(name, text, vocabulary)
        if refusal := grade_refusal(name, grade, vocabulary):
            parsed.errors[name] = [refusal]


def _shape_error(shape):
    """{"shape": [message]} for a stone that is not round, else {}."""
    return {} if shape in ("", "round") else {"shape": [shape_refusal(shape)]}


def depth_was_left_empty(request):
    """Whether the form of a recorded request had no depth, so that it was computed."""
    return isinstance(request, dict) and not str(request.get("depth", "")).strip()
