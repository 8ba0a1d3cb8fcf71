"""Maps the trade's spellings of grades to the grades of the table: VG, V.Good, VS 1, SI-2.

Called by cells.py, and in predictor by the form, files of stones and scoring. The API takes none of them.
"""

from ml.stones import GRADES

from .errors import gettext_noop

LONGEST = 40
"""Characters: longer text is not a grade."""

APART = str.maketrans("", "", ".-–_")

SPELLINGS = {
    "cut": {
        "id": "Ideal",
        "vg": "Very Good",
        "vgood": "Very Good",
        "gd": "Good",
        "fr": "Fair",
        "ex": "Excellent",
        "exc": "Excellent",
        "excellent": "Excellent",
        "poor": "Poor",
    },
    "color": {letter.lower(): letter if letter < "N" else "N–Z" for letter in "KLMNOPQRSTUVWXYZ"}
    | {"nz": "N–Z"},
    "clarity": {"fl": "FL", "i2": "I2", "i3": "I3"},
}
"""{property: {a spelling without spaces and punctuation, in lower case: the grade it means}}."""

NOT_IN_DATA: dict[str, dict[str, tuple[str, ...]]] = {
    "cut": {"Excellent": ("Ideal", "Premium"), "Poor": ()},
    "color": dict.fromkeys(("K", "L", "M", "N–Z"), ()),
    "clarity": {"FL": ("IF",), "I2": (), "I3": ()},
}
"""{property: {a laboratory's grade that the table does not have: the alternatives}}."""

REASONS = {
    "Excellent": gettext_noop(
        "Excellent is a GIA grade; the best grade in the data is Ideal (AGS): choose "
        "Ideal or Premium."
    ),
    "FL": gettext_noop(
        "The data has no flawless stones (FL); its best grade is IF, internally "
        "flawless. Choose IF; a flawless stone costs more."
    ),
}
NO_GRADE = gettext_noop(
    "The data has no stones of grade {word}; its grades are {worst} (worst) to {best} (best)."
)


def _bare(text: str) -> str:
    return "".join(text.translate(APART).split()).lower()


WORDS = {
    name: {_bare(grade): grade for grade in grades} | SPELLINGS[name]
    for name, grades in GRADES.items()
}


def read_grade(name: str, text: str) -> str:
    """The grade in a cell: one of the table's, or a laboratory's that the table does not have; the text
    itself if it is neither, like VS1- for a low VS1. name: cut, color or clarity."""
    if len(text) > LONGEST or text.strip().strip("-–") != text.strip():
        return text
    return WORDS[name].get(_bare(text), text)


def refusal_of(name: str, word: str) -> tuple[str, dict[str, str]] | None:
    """(message, {values of its placeholders}) for a grade that the table does not have; otherwise None."""
    if word not in NOT_IN_DATA[name]:
        return None
    grades = GRADES[name]
    return REASONS.get(word, NO_GRADE), {"word": word, "worst": grades[0], "best": grades[-1]}
