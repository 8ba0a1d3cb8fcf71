"""What prices are and where an asking price lies, in the reader's language. Called by the pages."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .figures import currency, in_currency, money, percent

MONEY = {"USD": gettext_lazy("US dollars")}
"""What currencies are called inside a sentence; others by their codes."""


def money_name():
    """What the currency that amounts are written in now is called, as in: prices in US dollars."""
    return str(MONEY.get(currency(), currency()))


def basis_sentence(basis):
    """What an answer's price is, in a sentence."""
    sentences = {
        "asking": _("An asking price in {money} of about {year}."),
        "paid": _("A price paid in {money} of about {year}."),
    }
    return sentences[basis.kind].format(money=money_name(), year=basis.year)


def asking_sentence(prediction):
    """Where a recorded asking price lies."""
    sentences = {
        "below": _("The asking price of {price} is below the range."),
        "within": _("The asking price of {price} is within the range."),
        "above": _("The asking price of {price} is above the range."),
    }
    told = sentences[prediction.verdict].format(price=money(prediction.asking))
    if prediction.percentile is None:
        return told
    share = _("{percent} of similar stones cost less.").format(
        percent=percent(prediction.percentile / 100)
    )
    return f"{told} {share}"


def prices_sentence(basis):
    """What all prices of a model are, in a sentence."""
    sentences = {
        "asking": _("All prices are asking prices in {money} of about {year}."),
        "paid": _("All prices are prices paid in {money} of about {year}."),
    }
    with in_currency(basis.currency):
        return sentences[basis.kind].format(money=money_name(), year=basis.year)
