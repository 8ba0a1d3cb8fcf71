"""Which columns of a file of stones have which values: found by their headings, or chosen in the
preview."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from ml.stones import OF_KIND, SCHEMES
from ml.tables.headings import HEADINGS, OF_LISTS, OF_STONES, find
from ml.vocabulary import OPTIONAL
from predictor.pricing.answers import FILE, columns_of
from predictor.pricing.serializers import levels_of
from predictor.pricing.services import live_validators
from predictor.wording.labels import LABELS

ADDED = (*columns_of(FILE), "quote")
"""The columns that pricing adds to a file's own."""

COMPARED = ("over_under_percent", "fairness")
"""Those that it adds to a list with asking prices."""

ERROR = "error"
"""The column that the file of rows with errors has in addition."""


def headings(validators=None):
    """{field: its headings} that are searched for in a file of stones, whatever its scheme: also shape and
    origin, and the other optional properties that the version knows. validators: by default those of the
    active version."""
    known = (*OF_KIND, *levels_of((validators or live_validators()).vocabulary))
    return {**HEADINGS, **OF_LISTS, **{name: OF_STONES[name] for name in known}}


OFFERED = 300
"""The most columns that a field offers to choose from; with more the page would be too long."""


@dataclass(frozen=True)
class Columns:
    """scheme: that of the columns. places: {parameter: place}. listed: {field: place} of the price, the
    currency, and the shape and origin if they are no parameters, if the file has them. replaced: the places
    of the columns that an earlier pricing added."""

    scheme: str
    places: dict
    listed: dict = field(default_factory=dict)
    replaced: set = field(default_factory=set)


class ColumnsMissing(ValueError):
    """A file that lacks columns of either scheme; found: {field: place} of those that it has."""

    def __init__(self, message, found):
        super().__init__(message)
        self.found = found


def chosen_in(data, sheet, prefix="column-"):
    """{field: place} of the columns chosen in a form; {} for a form without such fields."""
    texts = {name: data.get(f"{prefix}{name}", "") for name in headings()}
    width = len(sheet.columns)
    return {
        name: int(text)
        for name, text in texts.items()
        if text.isascii() and text.isdecimal() and len(text) < 5 and int(text) < width
    }


def find_columns(sheet, chosen, validators=None):
    """The Columns of a Sheet. Raises ColumnsMissing; DatasetError if a heading occurs twice.

    chosen: {field: place}, used instead of the headings; {} to use the headings. validators: by default
    those of the active version.
    """
    validators = validators or live_validators()
    vocabulary = {name: () if chosen else known for name, known in headings(validators).items()}
    found = find(sheet.header, vocabulary, sheet.line, chosen)
    replaced = _replaced(sheet, found)
    scheme = _scheme(sheet, found, validators.vocabulary)
    names = (*OF_LISTS, *OPTIONAL)
    listed = {name: found.places[name] for name in names if name in found.places}
    places = found.of_scheme(scheme)
    known = levels_of(validators.vocabulary) if scheme == "graded" else {}
    places |= {name: listed.pop(name) for name in known if name in listed}
    return Columns(scheme, places, listed, replaced)


def _replaced(sheet, found):
    """The places of the columns of an earlier pricing, of a list's own currency, which is that of its
    answers, and of the errors that were corrected."""
    names = {place: name.strip().lower() for place, name in enumerate(sheet.header)}
    added = {place: name for place, name in names.items() if name in (*ADDED, *COMPARED, ERROR)}
    clashes = [name for name in added.values() if name not in (ERROR, "currency")]
    if clashes and "predicted_price" not in clashes:
        message = _("The column {name} has the name of an added column: rename it.")
        raise ColumnsMissing(message.format(name=clashes[0]), found.places)
    return {*added}


def _scheme(sheet, found, vocabulary):
    """The scheme whose columns are present; if both are, that of the first row's color."""
    schemes = [scheme for scheme in ("graded", "coded") if not found.lacking(SCHEMES[scheme])]
    if len(schemes) == 2:
        color = sheet.rows[0][1][found.places["color"]].strip()
        return "graded" if color.upper() in vocabulary.grades["color"] else "coded"
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
    labels = {
        **LABELS,
        "measurements": _("Measurements"),
        "price": _("Asking price"),
        "currency": _("Currency"),
    }
    fields = [*headings()]
    others = [name for name in fields if name in OF_LISTS or name in OPTIONAL]
    offered = [*range(len(sheet.columns))[:OFFERED]]
    offered += [place for place in places.values() if place >= OFFERED]
    return [
        (name, labels[name], [(at, sheet.columns[at], places.get(name) == at) for at in offered])
        for name in ((*names[scheme], *others) if scheme else fields)
    ]
