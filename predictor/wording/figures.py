"""Formats figures in the reader's language; for all pages, the model card and its plots."""

from contextlib import contextmanager
from contextvars import ContextVar

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import BASIS

SIGNS = {"USD": gettext_lazy("$"), "EUR": gettext_lazy("€"), "GBP": gettext_lazy("£")}
"""Currency signs, used in place of the code."""

PLAIN_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
"""The same in English."""

_currency = ContextVar("currency", default=BASIS.currency)


@contextmanager
def in_currency(code):
    """A context in which amounts are formatted in this currency: that of a version's prices."""
    before = _currency.set(code)
    try:
        yield
    finally:
        _currency.reset(before)


def currency():
    """The code of the current currency."""
    return _currency.get()


def number(value, places=0):
    """A number rounded to some places, with thousands separators."""
    return number_format(round(value, places), places, force_grouping=True)


def money(amount, places=0):
    """An amount in the current currency; a negative one starts with its sign."""
    minus, code = "−" if round(amount, places) < 0 else "", currency()
    text = _("{sign}{amount}") if code in SIGNS else _("{code}\xa0{amount}")
    digits = number(abs(amount), places)
    return minus + text.format(sign=SIGNS.get(code), code=code, amount=digits)


def signed(value):
    """A whole number with its sign, unless it is 0."""
    whole = round(value)
    return ("−" if whole < 0 else "+" if whole > 0 else "") + number(abs(whole))


def signed_money(amount):
    """A whole amount with its sign, unless it is 0."""
    return f"+{money(amount)}" if amount > 0 else money(amount)


def percent(ratio, places=1):
    """A ratio as a percentage."""
    return f"{number(100 * ratio, places)}%"


def signed_percent(ratio):
    """A ratio as a percentage with its sign."""
    return f"{'−' if ratio < 0 else '+'}{percent(abs(ratio))}"


def figure(number):
    """A number with all its digits, in the reader's language."""
    return number_format(f"{number:.10g}")


def hundredths(value):
    """A weight or size with all its digits and at least two decimals, as reports and shops write it."""
    text = f"{round(value, 10):.10g}"
    return number_format(text if len(text.partition(".")[2]) > 2 else f"{value:.2f}")


def weight(carat):
    """A weight in ct with its unit."""
    return f"{hundredths(carat)}\xa0ct"


def plain_figure(number):
    """The same in English, for programs."""
    return f"{number:.10g}"


def plain_money(code, amount):
    """A whole amount as `money` formats it in English, for programs."""
    sign = PLAIN_SIGNS.get(code, f"{code}\xa0")
    return f"{'−' if round(amount) < 0 else ''}{sign}{abs(round(amount)):,}"


def carats(low, high):
    """Weights from `low` to under `high`, in ct; None for an open end."""
    if low is None:
        return _("under {high} ct").format(high=figure(high))
    if high is None:
        return _("{low} ct and more").format(low=figure(low))
    return _("{low} to under {high} ct").format(low=figure(low), high=figure(high))
