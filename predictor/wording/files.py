"""What is wrong with a file, and what was made of one, in the reader's language. Called by uploads, by
the form and by scoring."""

from django.utils.translation import gettext as _

from ml.tables.grades import refusal_of

NAMED = ("what", "kind", "told", "inner", "marks")
"""Of what is filled into a sentence, what has a name in each language."""


def told(error):
    """A DatasetError or Note of ml.tables as a sentence."""
    values = dict(error.values)
    for name in NAMED:
        if text := values.get(name):
            values[name] = _(text)
    sentence = _(error.sentence).format(**values)
    if sentence.startswith(("is ", "holds ", "cannot ")):  # said of a file's name, in English
        sentence = f"the file {sentence}"
    return f"{sentence[:1].upper()}{sentence[1:]}."


def grade_refusal(name, word):
    """Why a grade that the table lacks is refused, and what to choose; "" of any other word."""
    refusal = refusal_of(name, word)
    return _(refusal[0]).format(**refusal[1]) if refusal else ""
