"""How a shop's list was read: a summary, kept with the job that read it, shown in the reader's language."""

from django.utils.translation import gettext as _

from ml.tables.errors import Note, quoted
from predictor.wording.figures import number
from predictor.wording.files import sentence_of
from predictor.wording.labels import LABELS

MOST_LEFT_OUT = 0.05
"""The ratio of rows that may be left out, unless the maintainer allows more."""

SHOWN_LINES = 3
"""The rows of each reason that are shown."""


def summary_of(table, reasons):
    """How a list was read, for the result of a job: the numbers of its rows and stones, the notes on its
    Table, and the reasons why rows are left out, with the first rows. reasons: as from by_reason."""
    left_out = [
        [_kept(rows[0].reason), len(rows), [[one.line, one.value] for one in rows[:SHOWN_LINES]]]
        for _text, rows in reasons
    ]
    notes = [*map(_kept, table.notes)]
    return {"rows": table.rows, "stones": len(table.stones), "notes": notes, "left_out": left_out}


def _kept(note):
    return [note.sentence, note.values]


def displayed(summary):
    """A summary as a page shows it: its `notes` as sentences, `stones` and `rows` as text, the `reasons`
    as [(reason, number of rows, the first ones), …], and whether `too_many` rows are left out."""
    left_out = sum(count for _reason, count, _rows in summary["left_out"])
    return {
        "notes": [_sentence(*kept) for kept in summary["notes"]],
        "rows": number(summary["rows"]),
        "stones": number(summary["stones"]),
        "reasons": [
            (_sentence(*kept), number(count), _lines(rows, count))
            for kept, count, rows in summary["left_out"]
        ],
        "too_many": left_out > MOST_LEFT_OUT * summary["rows"],
    }


def _sentence(sentence, values):
    column = values.get("column")
    labels = {**LABELS, "price": _("Price"), "report": _("Report number")}
    if column in labels:
        values = {**values, "column": labels[column]}
    return sentence_of(Note(sentence, **values))


def _lines(rows, count):
    lines = [
        _("line {line}").format(line=line) + (f": {quoted(value)}" if value else "")
        for line, value in rows
    ]
    return ", ".join(lines) + (", …" if count > len(rows) else "")
