"""Figures as the reader's language writes them; for all pages, the model card and its plots."""

from django.utils.formats import number_format
from django.utils.translation import gettext as _


def number(value, places=0):
    """A number rounded to some places, its thousands apart."""
    return number_format(round(value, places), places, force_grouping=True)


def usd(amount, places=0):
    """An amount in US dollars; a negative one has its sign in front."""
    sign = "−" if round(amount, places) < 0 else ""
    return sign + _("${amount}").format(amount=number(abs(amount), places))


def signed(value):
    """A whole number with its sign, unless it is 0."""
    whole = round(value)
    return ("−" if whole < 0 else "+" if whole > 0 else "") + number(abs(whole))


def percent(ratio, places=1):
    """A ratio as a percentage."""
    return f"{number(100 * ratio, places)}%"


def figure(number):
    """A number with all its digits, as the reader's language writes it."""
    return number_format(f"{number:.10g}")
