"""A table's rows as stones, validated column by column with the same fields as requests.

Each distinct value is validated once, by the field that also validates requests; numbers within
their bounds need no further check. So a row gets the messages that the API would send.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import compute
from rest_framework.exceptions import ValidationError

from ml.stones import (
    DEPTH_PLACES,
    GRADES,
    LOWEST_FILL,
    OF_KIND,
    SOLID_DIAMOND,
    bounded,
)
from ml.tables.amounts import TwoReadings, read_measure, read_measurements
from ml.tables.grades import read_grade
from ml.tables.headings import SPREAD
from ml.tables.levels import read_level
from ml.vocabulary import NOT_STATED
from predictor.pricing.serializers import (
    NUMBER_TEXT,
    VALIDATORS,
    GradeField,
    LevelField,
    MeasureField,
    StoneField,
    validators_of,
    volume_of,
)
from predictor.pricing.shapes import depths_of, kind_refusal
from predictor.wording.files import grade_refusal

from .disarming import is_text


@dataclass(frozen=True)
class Stones:
    """The valid rows of a batch: their indexes (m,), features {name: float64 (m,)} with grades and optional
    properties as numbers, or codes; errors: {index: text} of the other rows."""

    places: np.ndarray
    features: dict
    errors: dict

    @property
    def matrix(self):
        """As a forest's input, float32 (m, p)."""
        return np.column_stack([*self.features.values()]).astype(np.float32)


def stones_of(batch, forest, places, problems):
    """The Stones of a RecordBatch as a forest takes them; places: {parameter: column}, measurements: one
    with x, y and z; problems: {row: text}, errors found before."""
    errors = {row: [text] for row, text in problems.items()}
    features = {}
    columns = _columns_of(batch, places)
    fields = validators_of(forest)[forest.scheme].fields
    found = {
        name: _values(columns[name], field) if name in columns else _not_stated(field, len(batch))
        for name, field in fields.items()
    }
    for name in OF_KIND:
        if name in columns and name not in fields:
            found[name] = _any(columns[name], KindField(name))
    if forest.scheme == "graded":
        found["depth"] = _with_derived(columns["depth"], fields["depth"], found, forest)
    for name, (values, wrong) in found.items():
        features[name] = values
        for row, text in wrong:
            if row not in problems:
                errors.setdefault(row, []).append(f"{name}: {text}")
    good = np.ones(len(batch), bool)
    good[list(errors)] = False
    features = _without_impossible(features, good, errors, forest)
    messages = {row: "; ".join(texts) for row, texts in errors.items()}
    return Stones(np.flatnonzero(good), features, messages)


class KindField(StoneField):
    """The shape or the origin, for a version that does not know it."""

    def usual(self, data):
        return None

    def run_validation(self, value):
        if isinstance(value, str | bool) and (message := kind_refusal(self.name, str(value))):
            raise ValidationError([message])


def _not_stated(field, rows):
    """The same as _values for a property without a column."""
    return np.full(rows, _as_number(field, None), np.float64), []


def _columns_of(batch, places):
    """{parameter: column} of a batch."""
    columns = {name: batch.column(place) for name, place in places.items()}
    if "measurements" in columns:
        columns |= _spread(columns.pop("measurements"))
    return columns


def _spread(column):
    """{x, y, z: column} of measurements; an invalid one is kept, and refused later as a number."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    encoded = column.dictionary_encode(null_encoding="encode")
    texts = [text if text is None else str(text) for text in encoded.dictionary.to_pylist()]
    sizes = [read_measurements(text or "") or (text,) * len(SPREAD) for text in texts]
    parts = zip(*sizes, strict=True) if sizes else [()] * len(SPREAD)
    return {
        name: pa.array(part, pa.string()).take(encoded.indices)
        for name, part in zip(SPREAD, parts, strict=True)
    }


def _values(column, field):
    """(values, [(row, message), …] of those that are refused) of a column."""
    return _numbers(column, field) if _is_number(column, field) else _any(column, field)


def _with_derived(column, field, found, forest):
    """The same of the depths, computed from x, y and z where a row has none, as the pages do."""
    values, wrong = found["depth"]
    derivable = _is_empty(column)
    for name in SPREAD:
        derivable[[row for row, _ in found[name][1]]] = False
    rows = np.flatnonzero(derivable).tolist()
    if not rows:
        return values, wrong
    stones = {name: found[name][0][rows] for name in (*SPREAD, "shape") if name in found}
    depths = depths_of(stones, forest.vocabulary)
    texts = [f"{depth:.{DEPTH_PLACES}f}" for depth in depths.tolist()]
    derived, refused = _values(pa.array(texts), field)
    values = values.copy()
    values[rows] = derived
    known = {*rows}
    wrong = [one for one in wrong if one[0] not in known]
    return values, wrong + [(rows[place], message) for place, message in refused]


def _is_empty(column):
    """Which rows of a column have nothing in them, or blanks, bool (n,)."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    empty = column.is_null(nan_is_null=True)
    if is_text(column.type):
        blank = compute.equal(compute.utf8_trim_whitespace(column.cast(pa.large_string())), "")
        empty = compute.or_(empty, blank.fill_null(False))
    return empty.to_numpy(zero_copy_only=False).copy()


def is_readable(kind):
    """Whether a column's Arrow type is numeric or text."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(
        is_such(kind)
        for is_such in (
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_decimal,
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_boolean,
            pa.types.is_null,
        )
    )


def _is_number(column, field):
    kind = column.type
    return isinstance(field, MeasureField) and (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _numbers(column, field):
    """The values of a column of numbers, and [(row, message), …] for those outside the field's bounds."""
    values = compute.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(~((values >= field.low) & (values <= field.high))).tolist()
    messages = {}
    return values, [(row, _message(field, column[row].as_py(), messages)) for row in wrong]


def _message(field, sent, messages):
    """A field's message about a number; messages: a cache by the number's text."""
    if str(sent) not in messages:
        messages[str(sent)] = _validated(field, sent if sent is None else float(sent))[1]
    return messages[str(sent)]


def _any(column, field):
    """The same for a column of any type; each distinct value is validated."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_decimal(column.type):
        column = compute.cast(column, pa.float64(), safe=False)
    encoded = column.dictionary_encode(null_encoding="encode")
    found = [_validated(field, sent) for sent in encoded.dictionary.to_pylist()]
    which = encoded.indices.to_numpy(zero_copy_only=False)
    values = np.array([_as_number(field, value) for value, _ in found], np.float64)[which]
    wrong_ones = np.array([message is not None for _, message in found], bool)[which]
    return values, [(row, found[which[row]][1]) for row in np.flatnonzero(wrong_ones).tolist()]


def _validated(field, sent):
    """(value, None) of an input, or (None, its message)."""
    try:
        value = field.usual(sent)
        return (field.run_validation(sent) if value is None else value), None
    except ValidationError as error:
        return _as_written(field, sent, error.detail[0])


def _as_written(field, sent, refused):
    """The same for text that the API would refuse: with a decimal comma, a unit, or in the trade's
    spelling."""
    value = _in_api_form(field, sent) if isinstance(sent, str) else sent
    if value != sent:
        try:
            return field.run_validation(value), None
        except ValidationError as error:
            refused = error.detail[0]
    if isinstance(field, GradeField) and field.name in GRADES and isinstance(value, str):
        refused = grade_refusal(field.name, value, field.vocabulary) or refused
    return None, str(refused)


def _in_api_form(field, text):
    if isinstance(field, LevelField):
        level = read_level(field.name, text)
        return text if level is None else level
    if isinstance(field, GradeField):
        return read_grade(field.name, text, field.vocabulary)
    if isinstance(field, MeasureField) and not NUMBER_TEXT.fullmatch(bounded(text).strip()):
        with suppress(TwoReadings):
            return read_measure(field.name, text) or text
    return text


def _as_number(field, value):
    """A valid value as in a forest's matrix; NaN for one that was refused, and for a property that the
    forest does not have as a column."""
    if isinstance(field, GradeField):
        numbers = field.vocabulary.numbers.get(field.name, {})
        return numbers.get(value or NOT_STATED, np.nan)
    return np.nan if value is None else value


def _without_impossible(features, good, errors, forest):
    """The features of the good rows, without those that are impossible for a diamond of their size."""
    some = {name: values[good] for name, values in features.items()}
    volume, carat = volume_of(some), some["carat"]
    possible = (carat <= SOLID_DIAMOND * volume) & (carat >= LOWEST_FILL * volume)
    rows = np.flatnonzero(good)
    for place in np.flatnonzero(~possible).tolist():
        stone = {name: values[place].item() for name, values in some.items()}
        errors[int(rows[place])] = [_why_impossible(stone, forest.scheme)]
    good[rows[~possible]] = False
    return {name: some[name][possible] for name in forest.columns}


def _why_impossible(stone, scheme):
    try:
        VALIDATORS[scheme].validate(stone)
    except ValidationError as error:
        return f"carat: {error.detail['carat'][0]}"
    raise AssertionError(f"{stone} is possible")
