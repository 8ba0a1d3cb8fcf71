"""Errors and notes about a file, in the reader's language. Called by uploads, by the form and by
scoring."""

from django.utils.translation import gettext as _

from ml.tables.grades import refusal_of
from ml.vocabulary import DEFAULT

NAMED = ("what", "kind", "expected", "inner", "marks")
"""The values of a sentence that have a name in each language."""

ABOUT_A_FILE = ("is ", "contains ", "cannot ", "has ", "lacks ")
"""How a sentence begins that follows a file's name."""


def sentence_of(error):
    """A DatasetError or Note of ml.tables as a sentence."""
    values = dict(error.values)
    for name in NAMED:
        if text := values.get(name):
            values[name] = _(text)
    sentence = _(error.sentence).format(**values)
    if sentence.startswith(ABOUT_A_FILE):  # in English
        sentence = f"the file {sentence}"
    return f"{sentence[:1].upper()}{sentence[1:]}."


def grade_refusal(name, word, vocabulary=DEFAULT):
    """Why a grade that is not in the vocabulary is refused, and what to choose; "" for any other word."""
    refusal = refusal_of(name, word, vocabulary)
    return _(refusal[0]).format(**refusal[1]) if refusal else ""
