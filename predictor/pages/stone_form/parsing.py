"""What people type into the form, as the service takes it: units, commas, a report's line of measurements
and the laboratories' words.

The API takes none of this: there a number is a number. Called by the form.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from ml.stones import CLARITIES, COLORS, CUTS, bounded, derived_depth
from predictor.pricing.serializers import shown, validate
from predictor.wording.labels import SHAPES

NUMBER = r"(\d+(?:[.,]\d+)?)"
MM = r"\s*(?:mm\s*)?"
TRIPLE = re.compile(
    rf"\s*{NUMBER}{MM}(?:[-–—−xX×*/]|by|na)\s*{NUMBER}{MM}(?:[xX×*/]|by|na)\s*{NUMBER}{MM}"
)
"""A report's line of measurements: 5.70 - 5.73 x 3.51 mm."""

UNITS = {
    "carat": r"ct\.?|carats?|karat(y|a|ów)?|kt",
    "depth": r"%|percent|proc\.?",
    "table": r"%|percent|proc\.?",
    "x": "mm",
    "y": "mm",
    "z": "mm",
    "volume": r"mm³|mm3|mm\^3",
    "asking": r"USD|EUR|GBP|PLN|CHF|\$|€|£|zł",
}
UNIT = {name: re.compile(rf"(?:{unit})$", re.IGNORECASE) for name, unit in UNITS.items()}

DEPTH_PLACES, VOLUME_PLACES = 1, 3

NOT_IN_TABLE = {
    "cut": {"Excellent": ("Ideal", "Premium"), "Poor": ()},
    "color": dict.fromkeys(("K", "L", "M", "N–Z"), ()),
    "clarity": {"FL": ("IF",), "I2": (), "I3": ()},
}
"""{grade: {a word of laboratories that the table lacks: what may be chosen in its place}}."""

OTHER_SPELLINGS = {
    "cut": {"ex": "Excellent", "excellent": "Excellent", "poor": "Poor"},
    "color": {letter.lower(): letter if letter < "N" else "N–Z" for letter in "KLMNOPQRSTUVWXYZ"}
    | {"n–z": "N–Z", "n-z": "N–Z"},
    "clarity": {"fl": "FL", "i2": "I2", "i3": "I3"},
}


@dataclass(frozen=True)
class Typed:
    """payload: the stone as the service takes it. errors: {field: [message]} of words that the table
    lacks, choices: {field: (grade, …)} of what may be chosen in their place."""

    payload: dict
    errors: dict
    choices: dict

    def all_errors(self):
        """Its errors with those that the service finds beside them."""
        try:
            validate(self.payload)
        except ValidationError as error:
            return {**error.detail, **self.errors}
        return self.errors


def read(scheme, names, data):
    """The Typed of a form's fields; data: {name: text}. No error: what is not understood stays as typed."""
    data = {name: bounded(data.get(name, "")) for name in (*names, "shape")}
    payload = {
        name: number_text(name, text) if name in UNITS else text
        for name, text in data.items()
        if name in names
    }
    measured = _spread(payload, scheme)
    if not payload["depth"].strip() and measured:
        payload["depth"] = f"{derived_depth(*measured):.{DEPTH_PLACES}f}"
    errors, choices = {}, {}
    if scheme == "graded":
        errors = _shape_error(data["shape"])
        for name in NOT_IN_TABLE:
            if word := OTHER_SPELLINGS[name].get(payload[name].strip().lower()):
                errors[name] = [_lacks(name, word)]
                choices[name] = NOT_IN_TABLE[name][word]
    return Typed(payload, errors, choices)


def number_text(name, typed):
    """A number without its unit and with a decimal point; anything else as it was typed.

    typed: a text that is `bounded`.
    """
    if name == "asking":
        typed = _without_thousands(typed)
    plain = UNIT[name].sub("", typed.replace("\xa0", " ").replace("\u202f", " ").strip())
    return _with_point(plain.rstrip())


def _without_thousands(typed):
    """An amount of money without what stands between its thousands, and without a sign in front."""
    plain = re.sub(r"^\s*(?:US)?[$€£]\s*", "", typed)
    return re.sub(r"(?<=\d)[, \xa0\u202f](?=\d{3}(?!\d))", "", plain)


def _with_point(text):
    return text.replace(",", ".") if text.count(",") == 1 and "." not in text else text


def _spread(payload, scheme):
    """Puts a line of measurements into its fields; (x, y, z) in mm where all of them are numbers."""
    places = ("volume",) if scheme == "coded" else ("x", "y", "z")
    lines = (TRIPLE.fullmatch(payload[name]) for name in places)
    line = next(filter(None, lines), None)
    texts = [_with_point(text) for text in line.groups()] if line else []
    if line and scheme == "graded":
        payload |= dict(zip(places, texts, strict=True))
    measured = _numbers(texts or ([] if scheme == "coded" else [payload[name] for name in places]))
    if line and scheme == "coded" and measured:
        x, y, z = measured
        payload["volume"] = f"{x * y * z:.{VOLUME_PLACES}f}"
    return measured


def _numbers(texts):
    """Numbers over 0, of which a depth can be made; none where one text is anything else."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return []
    return numbers if all(0 < number < 1000 for number in numbers) else []


def _shape_error(shape):
    if shape in ("", "round"):
        return {}
    name = SHAPES.get(shape) or shown(shape)
    message = _("No stone of this shape ({shape}) is in the table: all of them are round.")
    return {"shape": [message.format(shape=name)]}


def _lacks(name, word):
    told = {
        "Excellent": _(
            "Excellent is the GIA’s word; the table’s best grade is Ideal (AGS): choose Ideal or Premium."
        ),
        "FL": _(
            "No flawless stone (FL) is in the table; its best grade is IF, flawless inside: choose IF, "
            "or know that a flawless stone costs more."
        ),
    }
    ends = {"cut": CUTS, "color": COLORS, "clarity": CLARITIES}[name]
    return told.get(word) or _(
        "No stone of the grade {word} is in the table; its grades are {worst} (worst) to {best} (best)."
    ).format(word=word, worst=ends[0], best=ends[-1])


def depth_was_left_empty(request):
    """Whether a recorded form, taken apart, had no depth, so that it was worked out."""
    return isinstance(request, dict) and not str(request.get("depth", "")).strip()
