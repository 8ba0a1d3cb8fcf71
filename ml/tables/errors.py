"""Refusals of a data file, and notes on how it was read.

Both keep the message and the values for its placeholders apart, so that a page can translate it.
"""

from collections.abc import Sequence


def gettext_noop(sentence: str) -> str:
    """The message itself; the name marks it for the Polish translation, as in Django."""
    return sentence


class DatasetError(ValueError):
    """A data file that cannot be used; the message names the file and, if known, line and column."""

    name = ""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence, values)
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        message = self.sentence.format(**self.values)
        return f"{self.name}: {message}" if self.name else message


class ExtraColumns(DatasetError):
    """Columns that stones do not have; `read` can also ignore them."""


class Note:
    """How an irregular part of a file was read."""

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        return self.sentence.format(**self.values)


def quoted(text: str, most: int = 40) -> str:
    """A piece of the file for a message: quoted, on one line, shortened."""
    return repr(text if len(text) <= most else text[:most] + "…")


def listed(examples: Sequence[str], most: int) -> str:
    """The first examples for a message, and how many more there are."""
    rest = len(examples) - most
    return ", ".join(examples[:most]) + (f", … (+{rest})" if rest > 0 else "")
