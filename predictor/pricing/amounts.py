"""Prices that people type or upload beside an answer, in its currency: read in one way, refused in the
reader's language. Called by the quotes' pages and by the review."""

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ml.tables.amounts import AmountError, decimal_mark, near, read_amount, without_currency

from .serializers import shown


class AmountRefused(ValueError):
    """Text that is not taken for an amount; the message is for whoever typed it. choices: [(text that
    can be read in one way only, the same for the reader), …] of what it may mean, or []."""

    def __init__(self, error, currency):
        values = {name: shown(value) for name, value in error.values.items()}
        readings = [number_format(one) for one in error.readings]
        if readings:
            values["first"], values["second"] = readings
        super().__init__(_(error.sentence).format(**values))
        self.choices = [
            (one, f"{text}\xa0{currency}")
            for one, text in zip(error.readings, readings, strict=True)
        ]


def price_typed(text, prediction, mark=""):
    """An amount beside a recorded answer, as typed: a float in the answer's currency.

    mark: the decimal mark of the column that it stands in, "" where none is known. AmountRefused.
    """
    return amount_typed(text, prediction.version.currency, likely=near(prediction.price), mark=mark)


def amount_typed(text, currency, **options):
    """An amount as `ml.tables.amounts.read_amount` reads it; AmountRefused."""
    try:
        return read_amount(text, currency, **options)
    except AmountError as error:
        raise AmountRefused(error, currency) from None


def mark_of_column(texts):
    """The decimal mark that a column of amounts has for certain, or ""."""
    return decimal_mark(without_currency(text)[0] for text in texts)
