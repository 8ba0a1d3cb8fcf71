"""Reads the text of a grading report: what GIA, IGI, AGS and HRD print, as copied from a PDF or typed.

A value follows its label, on the same line or a later one; lines may be broken anywhere. Called by
the form.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ml.stones import GRADES
from ml.vocabulary import OPTIONAL

from .amounts import TwoReadings, read_measure, read_measurements
from .grades import NOT_IN_DATA, read_grade
from .levels import LABORATORIES, read_level

MOST_CHARACTERS = 10_000
"""The longest text that is read; the text of a whole report has about 3,000."""

LEADERS = re.compile(r"\.{2,}|_{2,}|…")
"""The dots between a label and its value."""

BREAKS = str.maketrans(dict.fromkeys(":;|=•·", " "))
AROUND = ".,()[]\"'"

LABELS: dict[str, tuple[str, ...]] = {
    "shape": (
        *("shape", "shape and cut", "shape & cut", "shape and cutting style"),
        *("shape & cutting style", "shape and style", "cutting style", "shape/cut"),
    ),
    "measurements": ("measurements", "measurement", "dimensions", "measurements (mm)"),
    "carat": ("carat weight", "carat", "weight", "carat (weight)", "carats"),
    "color": ("color grade", "colour grade", "color", "colour"),
    "clarity": ("clarity grade", "clarity", "purity"),
    "cut": (
        *(
            "cut grade",
            "cut",
            "cut quality",
            "overall cut",
            "cut (proportions)",
            "proportions grade",
        ),
        "light performance",
    ),
    "depth": (
        *("total depth", "depth", "depth %", "depth percentage", "total depth %"),
        *("depth (%)", "total depth percentage"),
    ),
    "table": (
        *("table", "table size", "table width", "table %", "table percentage", "table diameter"),
        *("table (%)", "table size %", "table width %"),
    ),
    "polish": ("polish", "polish grade"),
    "symmetry": ("symmetry", "symmetry grade"),
    "fluorescence": ("fluorescence", "fluorescence intensity"),
    "": (
        *(
            "finish",
            "girdle",
            "culet",
            "proportions",
            "comments",
        ),
        *("pavilion depth", "pavilion angle", "crown height", "crown angle", "star length"),
        *("lower half", "inscription", "inscriptions", "laser inscription", "laser inscriptions"),
        *("report number", "report no", "report type", "report date", "date of issue", "date"),
        *(
            "clarity characteristics",
            "color origin",
            "colour origin",
            "key to symbols",
            "additional grading",
        ),
        *(
            "grading results",
            "description",
            "identification",
            "origin",
            "security features",
            "certificate",
        ),
        *("color scale", "colour scale", "clarity scale", "cut scale"),
        *(
            "measurements and weight",
            "grading report",
            "length to width ratio",
            "pavilion",
            "crown",
        ),
    ),
}
"""{field: its labels, in lower case}; those under "" only end the value before them."""

FIELD_OF = {tuple(label.split()): name for name, labels in LABELS.items() for label in labels}
LONGEST_LABEL = max(map(len, FIELD_OF))
MOST_WORDS = 9
"""The words at the beginning of a value that are read: as many as measurements can have."""

SHAPES = {
    **{name: name for name in ("princess", "cushion", "oval", "emerald", "pear", "marquise")},
    **{name: name for name in ("radiant", "asscher", "heart", "round")},
}
GROWN = (
    *("laboratory-grown", "laboratory grown", "lab-grown", "lab grown", "laboratorygrown"),
    *("synthetic diamond", "man-made diamond"),
)
NATURAL = "natural diamond"

BETWEEN = ("-", "–", "/", "to")
"""Between the two ends of a range of colors or clarities, which is no grade. After a cut, polish and
symmetry may follow."""

OTHER_UNITS = ("g", "mg", "mm", "pt", "pts", "point", "points")
"""The units of weights and lengths that the form does not take where a report has carats or percent."""


@dataclass
class Report:
    """What was found: {field: text} for the form; unclear: {field: the text after a label that could not be
    read}. stated: {optional property: its level}. is_grown: whether the report is of a laboratory-grown
    stone."""

    found: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)
    is_grown: bool = False
    stated: dict[str, str] = field(default_factory=dict)


def read_report(text: str) -> Report:
    """The Report of a text of at most MOST_CHARACTERS; a longer one is cut. Takes time linear in it."""
    words = LEADERS.sub(" ", text[:MOST_CHARACTERS]).translate(BREAKS).split()
    plain = " ".join(words).lower().replace("- ", "-")
    report = Report(is_grown=_is_grown(plain), stated=_stated(plain))
    for name, value in _labelled(words):
        found = report.stated if name in OPTIONAL and name != "shape" else report.found
        if name and name not in found:
            if read := READERS[name](value):
                found[name] = read
                report.unclear.pop(name, None)
            elif value:
                report.unclear.setdefault(name, " ".join(value))
    sizes = report.found.pop("measurements", "")
    report.found |= dict(zip("xyz", sizes.split(), strict=False))
    return report


def _is_grown(plain: str) -> bool:
    """Whether a text, in lower case, names a laboratory-grown diamond before a natural one."""
    places = [place for one in GROWN if (place := plain.find(one)) >= 0]
    natural = plain.find(NATURAL)
    return bool(places) and (natural < 0 or min(places) < natural)


def _stated(plain: str) -> dict[str, str]:
    """The origin and the laboratory that a text, in lower case, names first; {} if it names none."""
    found = {}
    if _is_grown(plain):
        found["origin"] = "Lab-grown"
    elif NATURAL in plain:
        found["origin"] = "Natural"
    places = {
        laboratory: min(
            (place for name in names if (place := f" {plain} ".find(name)) >= 0), default=-1
        )
        for laboratory, names in LABORATORIES.items()
    }
    named = [laboratory for laboratory, place in places.items() if place >= 0]
    return found | ({"laboratory": min(named, key=places.__getitem__)} if named else {})


def _labelled(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """(field, the first words of its value) of each label, in order."""
    at, name, start = 0, "", 0
    while at < len(words):
        length, found = _label_at(words, at)
        if length:
            yield name, _value(words[start:at])
            name, start = found, at + length
        at += length or 1
    yield name, _value(words[start:])


def _value(words: list[str]) -> list[str]:
    """The first words of a value, without a dash that only leads to the next label."""
    return (words[:-1] if words[-1:] and words[-1] in BETWEEN else words)[:MOST_WORDS]


def _label_at(words: list[str], at: int) -> tuple[int, str]:
    """(its number of words, its field) of the longest label that starts at a word; (0, "") if none does."""
    some = [word.lower().rstrip(".,") for word in words[at : at + LONGEST_LABEL]]
    for length in range(len(some), 0, -1):
        if (name := FIELD_OF.get(tuple(some[:length]))) is not None:
            return length, name
    return 0, ""


def _beginnings(words: list[str]) -> Iterator[str]:
    """The beginnings of a value, the longest first."""
    for count in range(len(words), 0, -1):
        yield " ".join(words[:count])


def _next(words: list[str], some: str) -> str:
    """The word after a beginning of a value, in lower case; "" if there is none."""
    return "".join(words[some.count(" ") + 1 :][:1]).lower().rstrip(",.")


def _read_shape(words: list[str]) -> str:
    lower = [word.lower().strip(AROUND) for word in words]
    found = next((SHAPES[word] for word in lower if word in SHAPES), "")
    return found or ("round" if lower[:1] == ["brilliant"] else "")


def _read_sizes(words: list[str]) -> str:
    for some in _beginnings(words):
        try:
            if sizes := read_measurements(some):
                return " ".join(sizes)
        except TwoReadings:
            return ""
    return ""


def _measure(name: str) -> Callable[[list[str]], str]:
    def read(words: list[str]) -> str:
        for some in _beginnings(words):
            if found := read_measure(name, some.rstrip(",."), "."):
                return "" if _next(words, some) in OTHER_UNITS else found
        return ""

    return read


def _grade(name: str) -> Callable[[list[str]], str]:
    known = {*GRADES[name], *NOT_IN_DATA[name]}

    def read(words: list[str]) -> str:
        """A grade at the beginning, as in "VS1"; otherwise in parentheses, as in "rare white (G)"."""
        inside = [word for word in words if word.startswith("(") and word.endswith(")")]
        for some in (*_beginnings(words), *inside):
            bare = "".join(letter for letter in some if letter not in AROUND)
            if (grade := read_grade(name, bare)) in known:
                return "" if name != "cut" and _next(words, some) in BETWEEN else grade
        return ""

    return read


def _level(name: str) -> Callable[[list[str]], str]:
    def read(words: list[str]) -> str:
        for some in _beginnings(words):
            if level := read_level(name, some.strip(AROUND)):
                return "" if _next(words, some) in BETWEEN else level
        return ""

    return read


READERS: dict[str, Callable[[list[str]], str]] = {
    "shape": _read_shape,
    "measurements": _read_sizes,
    **{name: _measure(name) for name in ("carat", "depth", "table")},
    **{name: _grade(name) for name in GRADES},
    **{name: _level(name) for name in ("polish", "symmetry", "fluorescence")},
}
