"""A grading report's text pasted into the form: what it says goes into the form's fields."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from ml.stones import SCHEMES, bounded
from ml.tables.levels import read_level
from ml.tables.report import MOST_CHARACTERS, read_report
from ml.vocabulary import OPTIONAL
from predictor.pricing.serializers import levels_of
from predictor.pricing.services import live_validators
from predictor.wording.figures import number
from predictor.wording.labels import LABELS

FIELD, GROWN = "report", "Lab-grown"
SHAPE, MEASURED = "shape", ("x", "y", "z")


@dataclass(frozen=True)
class Pasted:
    """text: kept in the box, "" if it was read. wrong: why it was not. found, missing: labels of fields;
    unclear: [(label, text), …] of values that were not understood."""

    text: str = ""
    wrong: str = ""
    found: tuple = ()
    missing: tuple = ()
    unclear: tuple = ()


def pasted(data):
    """(the data of the form with what its report says, a Pasted; None without a report).

    data: a QueryDict. What the report says replaces what was typed; its text comes last.
    """
    text = data.get(FIELD, "").strip()
    if not text:
        return data, None
    report = read_report("" if len(text) > MOST_CHARACTERS else text)
    vocabulary = live_validators().vocabulary
    grown = GROWN in levels_of(vocabulary).get("origin", ())
    _add_stated(report, vocabulary)
    if wrong := _wrong(text, report, grown):
        return data, Pasted(text[:MOST_CHARACTERS], wrong)
    filled = data.copy()
    del filled[FIELD]
    filled["scheme"] = "graded"
    for name, value in (_unreadable(report) | report.found).items():
        filled[name] = value
    filled[FIELD] = text
    return filled, _account(report, filled, vocabulary)


def _add_stated(report, vocabulary):
    """Adds to the fields that were found what the report states of the properties that the version knows;
    removes the others."""
    known = levels_of(vocabulary)
    if vocabulary.typical and SHAPE in report.found:  # an own list
        report.stated[SHAPE] = read_level(SHAPE, report.found.pop(SHAPE))
    report.found |= {name: level for name, level in report.stated.items() if name in known}
    for name in {*OPTIONAL} - {*known, SHAPE}:
        report.unclear.pop(name, None)


def _unreadable(report):
    """{field: ""} of what the report says and cannot be read, so that no typed value stands for it; a shape
    stays, for the form to refuse it."""
    names = [
        name for one in report.unclear for name in (MEASURED if one == "measurements" else [one])
    ]
    return {name: report.unclear[name] if name == SHAPE else "" for name in names}


def _wrong(text, report, grown):
    """Why a report cannot be used; "" if it can. grown: whether the version knows
    laboratory-grown stones."""
    if len(text) > MOST_CHARACTERS:
        message = _("The text is over {most} characters: paste only the report.")
        return message.format(most=number(MOST_CHARACTERS))
    if report.is_grown and not grown:
        return _(
            "The report is of a laboratory-grown diamond. The data has only natural diamonds, so it has no "
            "price for this one."
        )
    if not report.found:
        return _(
            "Nothing in this text was understood: paste the lines of the report, such as “Carat Weight: "
            "1.01 carat”."
        )
    return ""


def _account(report, filled, vocabulary):
    """The Pasted of a report that was read."""
    labels = {"measurements": _("Measurements"), **LABELS}
    found = [name for name in (*OPTIONAL, *SCHEMES["graded"]) if name in report.found]
    missing = [name for name in SCHEMES["graded"] if not filled.get(name, "").strip()]
    if vocabulary.without_cut:
        missing = [name for name in missing if name != "cut"]
    if not set(MEASURED) & set(missing):
        missing = [name for name in missing if name != "depth"]  # it is computed
    return Pasted(
        found=tuple(labels[name] for name in found),
        missing=tuple(labels[name] for name in missing),
        unclear=tuple((labels[name], bounded(text)) for name, text in report.unclear.items()),
    )
