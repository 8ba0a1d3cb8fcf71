"""Maps the trade's words for grades and optional properties, as lists of stones have them, to the levels of
a vocabulary: VG, V.Good; RB, Cushion Modified; CVD; F for a faint fluorescence, Fair for a finish.

Called by lists.py, and in predictor by whatever reads optional properties.
"""

from collections.abc import Iterable, Mapping

from ml.vocabulary import NOT_STATED, TRADE_GRADES

from .grades import LONGEST, ROUND, SPELLINGS, bare

MISSING = frozenset(("", "na", "n/a", "nan", "null", "unknown", "?", "notstated", "brak"))
"""Cells that state nothing, without spaces and punctuation, in lower case."""

FINISH_WORDS = {
    **dict.fromkeys(("ex", "exc", "excl", "x", "excellent", "doskonały"), "Excellent"),
    **dict.fromkeys(("vg", "vgood", "verygood", "bardzodobry"), "Very Good"),
    **dict.fromkeys(("g", "gd", "good", "dobry"), "Good"),
    **dict.fromkeys(("f", "fr", "fair"), "Fair"),
    **dict.fromkeys(("p", "poor"), "Poor"),
    **dict.fromkeys(("id", "i", "ideal", "idealny"), "Ideal"),
}
SHAPES = {
    "Round": ROUND,
    "Princess": ("pr", "pri", "prn", "prs", "princess", "princesscut"),
    "Oval": ("o", "ov", "ovl", "oval", "ovalbrilliant", "owal"),
    "Cushion": ("cu", "cus", "cush", "cushion", "cushionbrilliant", "cb", "poduszka"),
    "Emerald": ("e", "em", "eme", "emr", "emerald", "emeraldcut", "szmaragdowy"),
    "Pear": ("p", "pe", "ps", "pear", "pearshape", "pearbrilliant", "gruszka"),
    "Marquise": ("m", "mq", "mar", "marq", "marquise", "marquisebrilliant", "markiza"),
    "Radiant": ("ra", "rad", "radiant", "radiantcut"),
    "Asscher": ("a", "as", "ass", "asc", "asscher", "asschercut", "squareemerald"),
    "Heart": ("h", "he", "ht", "hs", "heart", "heartshape", "heartbrilliant", "serce"),
}
ORIGINS = {
    "Natural": ("n", "nat", "natural", "naturaldiamond", "mined", "no", "false", "naturalny"),
    "Lab-grown": (
        *("lg", "lgd", "lab", "labgrown", "labgrowndiamond", "laboratorygrown", "grown", "created"),
        *("labcreated", "labdiamond", "cvd", "hpht", "synthetic", "manmade", "yes", "true", "y"),
        *("laboratoryjny", "laboratoryjna", "syntetyczny"),
    ),
    "Treated": ("treated", "hphttreated", "colortreated", "clarityenhanced", "ce", "enhanced"),
}
FLUORESCENCE = {
    "None": ("n", "no", "non", "none", "nil", "inert", "brak"),
    "Faint": (
        *("f", "fnt", "faint", "sl", "slt", "slight", "vsl", "veryslight", "negligible", "neg"),
        "słaba",
    ),
    "Medium": ("m", "md", "med", "medium", "średnia"),
    "Strong": ("s", "st", "stg", "str", "strong", "silna"),
    "Very Strong": ("vs", "vst", "vstg", "vstr", "verystrong", "bardzosilna"),
}
COLORS_OF_LIGHT = ("blue", "yellow", "white", "green", "orange", "niebieska", "żółta")
"""What may follow a fluorescence, as in Medium Blue."""

LABORATORIES = {
    "GIA": (" gia ", "gemological institute of america"),
    "IGI": (" igi ", "international gemological institute"),
    "HRD": (" hrd ", "hrd antwerp"),
    "AGS": (" ags ", " agsl ", "american gem society"),
}
"""{laboratory: its names in a report, in lower case}."""
RANGES = {pair: pair[-1].upper() for pair in ("op", "qr", "st", "uv", "wx", "yz", "nz")}
"""Color grades of two letters: the stone may be as tinted as the second one."""


def _words(levels: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {word: level for level, words in levels.items() for word in words}


LEVEL_WORDS = {
    "shape": _words(SHAPES),
    "origin": _words(ORIGINS),
    "laboratory": {bare(word): name for word, name in _words(LABORATORIES).items()},
    "polish": FINISH_WORDS,
    "symmetry": FINISH_WORDS,
    "fluorescence": _words(FLUORESCENCE),
}
GRADE_WORDS = {
    "cut": FINISH_WORDS
    | {word: grade for word, grade in SPELLINGS["cut"].items() if grade in TRADE_GRADES["cut"]}
    | dict.fromkeys((w for w, g in SPELLINGS["cut"].items() if g == "AGS 0"), "Ideal")
    | dict.fromkeys(("premium", "prem", "pm", "pr"), "Premium")
    | dict.fromkeys(("superideal", "idealplus", "signatureideal", "heartsandarrows"), "Ideal"),
    "color": {letter.lower(): letter for letter in TRADE_GRADES["color"]} | RANGES,
    "clarity": {grade.lower(): grade for grade in TRADE_GRADES["clarity"]}
    | SPELLINGS["clarity"]
    | {f"p{number}": f"I{number}" for number in (1, 2, 3)},
}
"""{property: {a spelling without spaces and punctuation, in lower case: its grade or level}}."""


def read_level(name: str, text: str) -> str | None:
    """The level of an optional property in a cell: "" for one that states nothing, None for a text that is
    not understood. Any word is a shape or a laboratory."""
    word = _word(text) if len(text) <= LONGEST else text
    if word in MISSING and not (name == "fluorescence" and word == "brak"):
        return NOT_STATED
    if len(text) > LONGEST:
        return None
    if name == "fluorescence":
        word = _without_color(word)
    if name == "shape" and word not in LEVEL_WORDS[name]:
        return _shape(word, text)
    if name == "laboratory":
        return LEVEL_WORDS[name].get(word, " ".join(text.split()).upper())
    return LEVEL_WORDS[name].get(word)


def _word(text: str) -> str:
    return bare(text.strip("*"))


def _shape(word: str, text: str) -> str:
    """The shape that a text of several words begins with, as in Cushion Modified; otherwise the text."""
    known = {shape.lower(): shape for shape in SHAPES}
    begins = next((shape for name, shape in known.items() if word.startswith(name)), None)
    return begins or " ".join(text.split()).title()


def _without_color(word: str) -> str:
    return next(
        (word.removesuffix(color) for color in COLORS_OF_LIGHT if word.endswith(color)), word
    )


def read_trade_grade(name: str, text: str) -> str | None:
    """The grade of the trade in a cell, as `read_level`; name: cut, color or clarity. A grade with a sign
    after it, as in VG-, is not understood."""
    if len(text) > LONGEST:
        return None
    word = _word(text)
    if word and text.rstrip().endswith(("+", "-")):
        return None
    if name == "cut" and (word in MISSING or word == "none"):
        return NOT_STATED
    return NOT_STATED if word in MISSING else GRADE_WORDS[name].get(word)
