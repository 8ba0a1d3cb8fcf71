"""Cells that a spreadsheet would run as formulas are escaped for every separator, and are read back
equal."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml.tables.formulas import disarmed, disarmed_row, rearmed

DISARMED = {
    "=1+1": "'=1+1",
    "+1+1": "'+1+1",
    "-1+cmd|' /C calc'!A0": "'-1+cmd|' /C calc'!A0",
    "@SUM(A1)": "'@SUM(A1)",
    " =1": "' =1",
    "＝1": "'＝1",
    "\tx": "'\tx",
    "\rx": "'\rx",
    "\nx": "'\nx",
    "\0x": "'\0x",
    "a;=cmd|x;b": "a;'=cmd|x;b",
    "a,=1": "a,'=1",
    "a\t@b": "a\t'@b",
    "a|+b": "a|'+b",
    'a"=b': "a\"'=b",
    "a\n-b": "a\n'-b",
    "a;\t=b": "a;'\t'=b",
    "'=1": "''=1",
    "'-5": "''-5",
    "-5 USD": "'-5 USD",
    "1;-5": "1;'-5",
}

NUMBERS = ["-32.5", "-32,5", "-0.305", "+3", "-", "+", "-1e-5", "-.5", "-5%"]
LEFT_ALONE = (
    *NUMBERS,
    "-1 234,50",
    "",
    "x=1",
    "a@b",
    "'tis",
    "Łódź",
    "2-3",
    "a, b; c",
    "{'a': 1}",
    "\u00a0",
)


@pytest.mark.parametrize(("text", "made"), DISARMED.items())
def test_a_formula_is_disarmed(text, made):
    assert (disarmed(text), rearmed(made)) == (made, text)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_numbers_and_other_texts_are_left_unchanged(text):
    assert disarmed(text) == rearmed(text) == text


def test_values_that_are_no_text_are_left_unchanged():
    assert disarmed_row([-1.5, None, 7, "x"]) == [-1.5, None, 7, "x"]


def test_a_number_that_a_later_cell_could_complete_is_disarmed():
    assert disarmed_row(["-5", "2+cmd|' /C calc'!A0;x"])[0] == "'-5"
    assert disarmed_row([-5, "2+WEBSERVICE(A1)"])[0] == "'-5"
    assert disarmed_row(["-32.5", "Very Good", "http://localhost/quotes/1/"])[0] == "-32.5"
    assert disarmed_row(["-32.5"]) == ["-32.5"]


PIECES = [*"=+-@＝'\",;| \t\r\n1x", "\r\n", "-5"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
HARMFUL = re.compile(r"[^\w .,:;\t/%+-]")
TABLES = st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=1, max_size=3)


@given(TEXTS | st.text())
@example("''" + "'-5")
def test_every_text_comes_back_equal(text):
    assert rearmed(disarmed(text)) == text


def written(rows, separator):
    lines = io.StringIO()
    csv.writer(lines, delimiter=separator).writerows(map(disarmed_row, rows))
    return lines.getvalue()


def read(text, separator):
    return [*csv.reader(io.StringIO(text, newline=""), delimiter=separator)]


@pytest.mark.parametrize("own", ",;\t")
@pytest.mark.parametrize("other", ",;\t|")
@given(TABLES)
@example([["x", "a,;=1"]])
@example([["x", 'a;"=1']])
@example([["-5", "2+cmd|x!A0"]])
def test_no_cell_begins_as_a_formula_whichever_separator_opens_the_file(own, other, rows):
    cells = [cell for row in read(written(rows, own), other) for cell in row]
    assert [cell for cell in cells if begins_as_a_formula(cell)] == []


def begins_as_a_formula(cell):
    """Whether a spreadsheet could run a cell. Plain numbers and words after a sign call nothing; a
    tab at the start of a cell ends an empty cell before it."""
    start = cell.lstrip(" \t")
    if start.startswith(("+", "-")):
        return HARMFUL.search(start) is not None and not cell.startswith("\t")
    return start.startswith(("=", "@", "＝"))


@pytest.mark.parametrize("separator", ",;\t")
@given(TABLES)
def test_a_file_comes_back_equal(separator, rows):
    cells = read(written(rows, separator), separator)
    assert [[rearmed(cell) for cell in row] for row in cells] == rows
