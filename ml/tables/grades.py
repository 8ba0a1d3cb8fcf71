"""Maps the trade's spellings of grades to the grades of the table: VG, V.Good, VS 1, SI-2; and
laboratories' grades that the table does not have to those that they can be priced as.

Called by cells.py, and in predictor by the form, files of stones, scoring and `pricing.assumptions`.
"""

from ml.stones import GRADES
from ml.vocabulary import DEFAULT, Vocabulary

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
        **dict.fromkeys(
            ("3x", "xxx", "3ex", "exexex", "ex/ex/ex", "tripleex", "tripleexcellent"), "Excellent"
        ),
        "excellent/excellent/excellent": "Excellent",
        **dict.fromkeys(("ags0", "ags000", "agsideal", "agsideal0", "ideal0"), "AGS 0"),
        "poor": "Poor",
    },
    "color": {letter.lower(): letter if letter < "N" else "N–Z" for letter in "KLMNOPQRSTUVWXYZ"}
    | {"nz": "N–Z"},
    "clarity": {"fl": "FL", "flawless": "FL", "i2": "I2", "i3": "I3"}
    | dict.fromkeys(("internallyflawless", "loupeclean", "lc"), "IF"),
}
"""{property: {a spelling without spaces and punctuation, in lower case: the grade it means}}."""

NOT_IN_DATA: dict[str, dict[str, tuple[str, ...]]] = {
    "cut": {"Excellent": ("Ideal", "Premium"), "AGS 0": ("Ideal",), "Poor": ()},
    "color": dict.fromkeys(("K", "L", "M", "N–Z"), ()),
    "clarity": {"FL": ("IF",), "I2": (), "I3": ()},
}
"""{property: {a laboratory's grade that the table does not have: the grades it can mean}}. Where a grade
may be assumed, it is priced as the first one."""

REASONS = {
    "Excellent": gettext_noop(
        "Excellent is a GIA grade; the best grade in the data is Ideal (AGS): choose "
        "Ideal or Premium."
    ),
    "AGS 0": gettext_noop("AGS 0 is the AGS grade Ideal: choose Ideal."),
    "FL": gettext_noop(
        "The data has no flawless stones (FL); its best grade is IF, internally "
        "flawless. Choose IF; a flawless stone costs more."
    ),
}
WHY_ASSUMED = {
    "Excellent": gettext_noop("GIA’s Excellent can be Ideal or Premium in the data."),
    "AGS 0": gettext_noop("AGS 0 is the AGS grade Ideal."),
    "FL": gettext_noop(
        "The data has no flawless stones (FL); IF is internally flawless. A flawless stone costs more."
    ),
}
"""{a grade that can be priced as another one: why}."""

NO_GRADE = gettext_noop(
    "The data has no stones of grade {word}; its grades are {worst} (worst) to {best} (best)."
)


def bare(text: str) -> str:
    """A text without spaces and punctuation, in lower case."""
    return "".join(text.translate(APART).split()).lower()


WORDS = {
    name: {bare(grade): grade for grade in grades} | SPELLINGS[name]
    for name, grades in GRADES.items()
}


def read_grade(name: str, text: str, vocabulary: Vocabulary = DEFAULT) -> str:
    """The grade in a cell: one of the vocabulary's, or a laboratory's that it does not have; the text
    itself if it is neither, like VS1- for a low VS1. name: cut, color or clarity."""
    if len(text) > LONGEST or text.strip().strip("-–") != text.strip():
        return text
    word = bare(text)
    if vocabulary is not DEFAULT:
        for grade in vocabulary.grades[name]:
            if bare(grade) == word:
                return grade
    return WORDS[name].get(word, text)


def refusal_of(
    name: str, word: str, vocabulary: Vocabulary = DEFAULT
) -> tuple[str, dict[str, str]] | None:
    """(message, {values of its placeholders}) for a grade that the vocabulary does not have; otherwise
    None."""
    grades = vocabulary.grades[name]
    if word in grades or word not in NOT_IN_DATA[name]:
        return None
    return REASONS.get(word, NO_GRADE), {"word": word, "worst": grades[0], "best": grades[-1]}


def assumed_grades(
    name: str, text: str, vocabulary: Vocabulary = DEFAULT
) -> tuple[str, tuple[str, ...]]:
    """(a laboratory's grade that the vocabulary does not have, the grades it can mean, the first to assume)
    in a text; ("", ()) if there is none. name: cut, color or clarity."""
    word, known = read_grade(name, text.strip(), vocabulary), vocabulary.grades[name]
    if word in known:
        return "", ()
    grades = tuple(grade for grade in NOT_IN_DATA[name].get(word, ()) if grade in known)
    return (word, grades) if grades else ("", ())


ROUND = frozenset(
    (
        *("round", "rb", "rbc", "rd", "r", "br", "brilliant"),
        *("roundbrilliant", "roundbrilliantcut", "okrągły", "okragly", "brylant"),
    )
)
"""The trade's words for a round stone, without spaces and punctuation, in lower case."""


def is_round(text: str) -> bool:
    """Whether the shape in a cell is round; an empty one is not known to be another."""
    return len(text) <= LONGEST and (not text.strip() or bare(text) in ROUND)
