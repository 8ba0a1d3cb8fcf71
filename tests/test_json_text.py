"""JSON for programs is written as Python's json module writes it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ErrorDetail

from predictor import json_text
from predictor.telemetry.logs import RequestLine

pytestmark = pytest.mark.once

PLAIN = st.just(0.0) | st.floats(1e-4, 1e16, exclude_max=True) | st.floats(-1e15, -1e-4)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | PLAIN | st.text()
CONTENT = st.recursive(
    LEAVES, lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside), max_leaves=10
)


@given(CONTENT)
def test_content_is_written_as_by_json(content):
    assert json_text.dumps(content) == json.dumps(content)
    compact = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    assert json_text.encode(content).decode() == compact


@pytest.mark.parametrize(
    "content", ["\ud800", RequestLine(path="/\x7f"), {"carat": [ErrorDetail("ż")]}, [2**70]]
)
def test_unusual_content_is_written_as_by_json_too(content):
    assert json_text.dumps(content) == json.dumps(content)
