"""The faster readers, of JSON and of query strings, read what Python's modules read, and refuse nothing
themselves."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from predictor.web import parsers

pytestmark = pytest.mark.once

NUMBERS = ["0", "-0", "-0.0", "1.50", "59.2", "0.30000000000000004", "9007199254740993.5"]
LARGE = ["1e3", "1E400", "12345678901234567890123", "7" * 201, "01", "1.", "NaN"]
TEXTS = ['"a:b"', '":"', '"\\u017c"', '"\\ud800"', '"\x00"', '"\\u0000"', '"ż"', '""', '"1"']
VALUES = st.sampled_from([*NUMBERS, *LARGE, *TEXTS, "null", "true", "[]", "{}", '{"a": 1, "a": 2}'])
PAIRS = st.tuples(st.sampled_from(['"a"', '"b"', '"a:"', '"\\u0061"', "a"]), VALUES)
OBJECTS = st.lists(PAIRS.map(": ".join), max_size=4).map(lambda pairs: f"{{{', '.join(pairs)}}}")
JSON = (
    OBJECTS
    | VALUES
    | st.lists(OBJECTS | VALUES, max_size=3).map(lambda several: f"[{','.join(several)}]")
)


def read(content):
    """What is read, with the types of its values, or the message of the refusal."""
    try:
        return repr(parsers.read_json(content))
    except ParseError as error:
        return str(error.detail)


@given(JSON.map(str.encode) | JSON.map(lambda text: text.encode("utf-16")))
def test_json_is_read_as_by_the_slower_reader(content):
    found = read(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsers, "_flat", lambda content: None)
        assert found == read(content)


def test_plain_stones_are_read_by_the_faster_reader():
    stones = [{"carat": 0.3, "cut": "Ideal"}, {"carat": 1}]
    assert parsers._flat(b'[{"carat": 0.3, "cut": "Ideal"}, {"carat": 1}]') == stones
    assert parsers._flat(b'{"carat": 1}') == stones[1]
    for text in ('[":", {"a": 1, "a": 2}]', '{"a": {"b": 1}}', "1", '{"a": 1e400}', '{"a": NaN}'):
        assert parsers._flat(text.encode()) is None


@given(st.lists(st.sampled_from("ab=&+;%4 ż"), max_size=14).map("".join))
def test_a_query_string_is_read_as_by_parse_qsl(text):
    usual = parsers.gathered(parse_qsl(text, keep_blank_values=True))
    assert parsers.parameters(text.encode()) == usual
