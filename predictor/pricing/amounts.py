"""Reads prices that people type or upload for an answer, in its currency, with messages in the reader's
language. Called by the quote pages and by review."""

from collections.abc import Iterable
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ml.tables.amounts import (
    OTHER_CURRENCY,
    AmountError,
    decimal_mark,
    near,
    read_amount,
    without_currency,
)
from predictor.models import Prediction

from .serializers import shown


class AmountRefused(ValueError):
    """Text that cannot be read as an amount; the message is for the user. choices: [(unambiguous text, the
    same in the reader's language), …] of the possible readings, or []. is_other_currency: whether it is in
    another currency than the answer."""

    def __init__(self, error: AmountError, currency: str) -> None:
        values = {name: shown(value) for name, value in error.values.items()}
        readings = [number_format(one) for one in error.readings]
        if readings:
            values["first"], values["second"] = readings
        super().__init__(_(error.sentence).format(**values))
        self.is_other_currency = error.sentence == OTHER_CURRENCY
        self.choices = [
            (one, f"{text}\xa0{currency}")
            for one, text in zip(error.readings, readings, strict=True)
        ]


def price_typed(text: str, prediction: Prediction, mark: str = "") -> float:
    """An amount typed for a recorded answer: a float in the answer's currency.

    mark: the decimal mark of its column, "" if unknown. Raises AmountRefused.
    """
    return amount_typed(text, prediction.version.currency, likely=near(prediction.price), mark=mark)


def amount_typed(text: str, currency: str, **options: Any) -> float:
    """An amount as read by `ml.tables.amounts.read_amount`; raises AmountRefused."""
    try:
        return read_amount(text, currency, **options)
    except AmountError as error:
        raise AmountRefused(error, currency) from None


def mark_of_column(texts: Iterable[str]) -> str:
    """The decimal mark that a column of amounts certainly has, or ""."""
    return decimal_mark(without_currency(text)[0] for text in texts)
