"""Figures for programs are those of pages in English; weights are as on reports."""

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from ml.stones import CURRENCIES
from predictor.wording.figures import figure, in_currency, money, plain_figure, plain_money, weight


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_figures_for_programs_are_in_english(value):
    with override("en"):
        assert plain_figure(value) == figure(value)
        for code in CURRENCIES:
            with in_currency(code):
                assert plain_money(code, value) == money(value)


@pytest.mark.parametrize(
    ("carat", "english", "polish"),
    [
        (0.7, "0.70\xa0ct", "0,70\xa0ct"),
        (2, "2.00\xa0ct", "2,00\xa0ct"),
        (0.705, "0.705\xa0ct", "0,705\xa0ct"),
        (1.25, "1.25\xa0ct", "1,25\xa0ct"),
        (0.1 + 0.2, "0.30\xa0ct", "0,30\xa0ct"),
    ],
)
def test_a_weight_has_at_least_two_decimals(carat, english, polish):
    for language, text in (("en", english), ("pl", polish)):
        with override(language):
            assert weight(carat) == text
