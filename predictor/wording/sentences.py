"""Sentences on what prices are and where an asking price lies, in the reader's language. Called by
the pages."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .figures import currency, in_currency, money, percent

MONEY = {"USD": gettext_lazy("US dollars")}
"""The names of currencies inside a sentence; others have their codes."""


def money_name():
    """The name of the current currency, as in: prices in US dollars."""
    return str(MONEY.get(currency(), currency()))


def basis_sentence(basis):
    """A sentence on what an answer's price is."""
    sentences = {
        "asking": _("An asking price in {money} of about {year}."),
        "paid": _("A price paid in {money} of about {year}."),
    }
    return sentences[basis.kind].format(money=money_name(), year=basis.year)


def asking_sentence(prediction):
    """A sentence on where a recorded asking price lies."""
    sentences = {
        "below": _("The asking price of {price} is below the range."),
        "within": _("The asking price of {price} is within the range."),
        "above": _("The asking price of {price} is above the range."),
    }
    place = sentences[prediction.verdict].format(price=money(prediction.asking))
    if prediction.percentile is None:
        return place
    share = _("In about {year}, {percent} of similar stones cost less.").format(
        percent=percent(prediction.percentile / 100), year=prediction.version.price_year
    )
    return f"{place} {share}"


def prices_sentence(basis):
    """A sentence on what all prices of a model are."""
    sentences = {
        "asking": _("All prices are asking prices in {money} of about {year}."),
        "paid": _("All prices are prices paid in {money} of about {year}."),
    }
    with in_currency(basis.currency):
        return sentences[basis.kind].format(money=money_name(), year=basis.year)
