"""Which columns of a file of stones have which values: found by their headings, or chosen in the
preview."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from ml.stones import GRADES, SCHEMES
from ml.tables.headings import HEADINGS, find
from predictor.pricing.answers import FILE, columns_of
from predictor.wording.labels import LABELS

ADDED = (*columns_of(FILE), "quote")
"""The columns that pricing adds to a file's own."""

FIELDS = tuple(name for name in HEADINGS if name != "price")
"""The fields that are searched for in a file of stones, whatever its scheme."""


OFFERED = 300
"""The most columns that a field offers to choose from; with more the page would be too long."""


@dataclass(frozen=True)
class Columns:
    """scheme: that of the columns. places: {parameter: place}. replaced: the places of the columns
    that an earlier pricing added."""

    scheme: str
    places: dict
    replaced: set = field(default_factory=set)


class ColumnsMissing(ValueError):
    """A file that lacks columns of either scheme; found: {field: place} of those that it has."""

    def __init__(self, message, found):
        super().__init__(message)
        self.found = found


def chosen_in(data, sheet, prefix="column-"):
    """{field: place} of the columns chosen in a form; {} for a form without such fields."""
    texts = {name: data.get(f"{prefix}{name}", "") for name in FIELDS}
    width = len(sheet.columns)
    return {
        name: int(text)
        for name, text in texts.items()
        if text.isascii() and text.isdecimal() and len(text) < 5 and int(text) < width
    }


def find_columns(sheet, chosen):
    """The Columns of a Sheet. Raises ColumnsMissing; DatasetError if a heading occurs twice.

    chosen: {field: place}, used instead of the headings; {} to use the headings.
    """
    vocabulary = {name: () if chosen else HEADINGS[name] for name in FIELDS}
    found = find(sheet.header, vocabulary, sheet.line, chosen)
    replaced = {place for place, name in enumerate(sheet.header) if name.strip().lower() in ADDED}
    names = {sheet.header[place].strip().lower() for place in replaced}
    if names and "predicted_price" not in names:
        message = _("The column {name} has the name of an added column: rename it.")
        raise ColumnsMissing(message.format(name=next(iter(names))), found.places)
    scheme = _scheme(sheet, found)
    return Columns(scheme, found.of_scheme(scheme), replaced)


def _scheme(sheet, found):
    """The scheme whose columns are present; if both are, that of the first row's color."""
    schemes = [scheme for scheme in ("graded", "coded") if not found.lacking(SCHEMES[scheme])]
    if len(schemes) == 2:
        color = sheet.rows[0][1][found.places["color"]].strip()
        return "graded" if color.upper() in GRADES["color"] else "coded"
    if schemes:
        return schemes[0]
    missing = {scheme: ", ".join(found.lacking(SCHEMES[scheme])) for scheme in SCHEMES}
    message = _(
        "Columns are missing. For grades by their names: {graded}. For coded grades: {coded}."
    )
    raise ColumnsMissing(message.format(**missing), found.places)


def choices_of(sheet, places, scheme=""):
    """[(field, label, [(place, heading, whether it is the field's), …]), …] for a form.

    places: {field: place}. scheme: whose fields are offered; "" for those of both.
    """
    names = {"graded": (*SCHEMES["graded"], "measurements"), "coded": SCHEMES["coded"]}
    labels = {**LABELS, "measurements": _("Measurements")}
    offered = [*range(len(sheet.columns))[:OFFERED]]
    offered += [place for place in places.values() if place >= OFFERED]
    return [
        (name, labels[name], [(at, sheet.columns[at], places.get(name) == at) for at in offered])
        for name in names.get(scheme, FIELDS)
    ]
