"""Columnwise scoring gives the same results as validation and pricing row by row."""

import json

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from ml.forest.matrix import row_of
from ml.stones import EXAMPLES, GRADES, MEASURES, SCHEMES, derived_depth
from ml.tables.amounts import TwoReadings, read_measure
from ml.tables.grades import read_grade, refusal_of
from predictor.pricing.serializers import NUMBER_TEXT, VALIDATORS
from predictor.pricing.warnings import warnings_of
from predictor.scoring.pricing import priced
from predictor.scoring.rows import stones_of
from tests.pricing.test_properties import JUNK, stones

pytestmark = [pytest.mark.fuzz, pytest.mark.usefixtures("in_english")]

TEXT = st.one_of(JUNK, st.none()).map(lambda value: value if value is None else as_text(value))


def as_text(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="replace").decode()


def only_people_write(name, text):
    """Whether the table reader knows a text that the API does not: 0,7 or 5 mm, and the grades of
    laboratories: VG, or K, which it refuses in other words."""
    if name in GRADES and text is not None:
        grade = read_grade(name, text)
        return grade.lower() != text.strip().lower() or refusal_of(name, grade) is not None
    if name not in MEASURES or text is None or NUMBER_TEXT.fullmatch(text.strip()):
        return False
    try:
        return bool(read_measure(name, text))
    except TwoReadings:
        return False


def with_depth(sent):
    """A stone as sent, its depth computed where it is empty and the sizes are good."""
    depth, fields = sent["depth"], VALIDATORS["graded"].fields
    if not (depth is None or depth != depth or (isinstance(depth, str) and not depth.strip())):
        return sent
    try:
        sizes = [fields[name].run_validation(sent[name]) for name in "xyz"]
    except ValidationError:
        return sent
    return sent | {"depth": f"{derived_depth(*sizes):.1f}"}


def expected(forest, sent):
    """((price, low, high, warnings), error) of a stone as sent, as for a single request."""
    sent = with_depth(sent) if forest.scheme == "graded" else sent
    try:
        features = VALIDATORS[forest.scheme].run_validation(sent)
    except ValidationError as error:
        text = "; ".join(f"{name}: {messages[0]}" for name, messages in error.detail.items())
        return None, text
    answer = forest.answer(row_of(features, forest.scheme))
    codes = dict.fromkeys(w["code"] for w in warnings_of(features, forest, answer))
    return (int(answer.price), int(answer.low // 1), -int(-answer.high // 1), " ".join(codes)), None


@pytest.mark.parametrize("scheme", SCHEMES)
def test_rows_of_text(small_forests, scheme):
    forest, names = small_forests[scheme], SCHEMES[scheme]

    @given(st.data())
    def check(data):
        sent = data.draw(stones(scheme))
        row = {name: as_text(sent[name]) for name in names}
        for name in data.draw(st.lists(st.sampled_from(names), max_size=2)):
            row[name] = data.draw(TEXT)
        assume(not any(only_people_write(*cell) for cell in row.items()))
        compare(
            forest,
            row,
            pa.record_batch({name: pa.array([row[name]], pa.string()) for name in names}),
        )

    check()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_rows_of_numbers(small_forests, scheme):
    """Grades of the graded scheme are names; everything else is a number or missing."""
    forest, names = small_forests[scheme], SCHEMES[scheme]

    @given(st.data())
    def check(data):
        valid = VALIDATORS[scheme]
        try:
            row = valid.to_internal_value(data.draw(stones(scheme)))
        except ValidationError:
            return
        for name in data.draw(st.lists(st.sampled_from(names), max_size=2)):
            if not isinstance(row[name], str):
                row[name] = data.draw(st.floats() | st.none())
        kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), type(None): pa.float64()}
        columns = {name: pa.array([row[name]], kinds[type(row[name])]) for name in names}
        compare(forest, row, pa.record_batch(columns))

    check()


def compare(forest, row, batch):
    places = {name: place for place, name in enumerate(row)}
    [found] = priced(batch, forest, places)[0].to_pylist()
    answer, error = expected(forest, row)
    assert found["error"] == error
    got = (found["predicted_price"], found["low"], found["high"], found["warnings"])
    assert got == (answer or (None, None, None, None))


EMPTY = {
    "text": pa.array(["", "  ", None, "61.5"]),
    "numbers": pa.array([float("nan"), None, None, 61.5]),
    "a dictionary": pa.array(["", "  ", None, "61.5"]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_an_empty_depth_is_worked_out(small_forests, kind):
    stone = EXAMPLES["graded"][0] | {"x": 5.73, "y": 5.71, "z": 3.51, "carat": 0.7}
    columns = {name: pa.array([value] * 4) for name, value in stone.items()}
    columns |= {"depth": EMPTY[kind]}
    columns |= {"x": pa.array([5.73, 5.73, 1000, 5.73])}
    places = {name: place for place, name in enumerate(columns)}
    forest = small_forests["graded"]
    found = stones_of(pa.record_batch(columns), forest, places, {})
    assert found.features["depth"].tolist() == [61.4, 61.4, 61.5]
    assert found.errors[2].startswith("depth: Empty")
