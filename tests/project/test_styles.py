"""The style sheet has one type scale, one spacing scale and one set of colours, each declared once."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = Path(settings.BASE_DIR, "predictor", "static", "predictor", "site.css").read_text("utf-8")
SCREEN = CSS.split("@media print")[0]
RULES = re.sub(r":root \{.*?\n\}|  :root \{.*?\n  \}", "", SCREEN, flags=re.S)
LENGTH = re.compile(r"(?<![\w-])-?\d*\.?\d+rem\b")


def declarations(*names):
    """(property, value) of each declaration of these properties outside :root."""
    return re.findall(rf"(?<![\w-])((?:{'|'.join(names)})[\w-]*):\s*([^;}}]+)", RULES)


@pytest.mark.parametrize("kind", ["font-size", "margin", "padding", "gap"])
def test_sizes_come_from_the_scale(kind):
    off = [pair for pair in declarations(kind) if LENGTH.search(pair[1])]
    assert off == []


def test_colours_are_declared_once():
    found = re.findall(r"(?<![\w-])([\w-]+):\s*[^;}]*(#[0-9a-f]{3,8}|rgb\()", RULES)
    assert {name for name, _ in found} <= {"color"}
    assert all(re.search(rf"\.(grade|verdict)-\w+ {{ color: {one}", RULES) for name, one in found)
