"""Figures for programs are those of pages in English."""

from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from ml.stones import CURRENCIES
from predictor.wording.figures import figure, in_currency, money, plain_figure, plain_money


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_figures_for_programs_are_in_english(value):
    with override("en"):
        assert plain_figure(value) == figure(value)
        for code in CURRENCIES:
            with in_currency(code):
                assert plain_money(code, value) == money(value)
