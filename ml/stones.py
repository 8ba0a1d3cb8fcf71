"""The vocabulary of the trade: grades, codes, units, bounds and the two input schemes.

Forms, serializers, pages, documentation and tests read them from here, so nothing is written twice.
"""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass

CUTS = ("Fair", "Good", "Very Good", "Premium", "Ideal")
COLORS = ("J", "I", "H", "G", "F", "E", "D")
CLARITIES = ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF")
GRADES = {"cut": CUTS, "color": COLORS, "clarity": CLARITIES}
"""Grade names of each graded property, worst to best."""

LONGEST = 200
"""The maximum length of one value, as typed, sent or read from a cell. Longer ones are refused before any
pattern or parser sees them, so that no text takes too much time."""


def bounded(text):
    """A text cut to the maximum length. A cut one ends in "…", so that it is neither empty nor has a
    meaning other than the original, even if it is sent again."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


CODES: dict[str, dict[int, tuple[str, ...]]] = {
    "cut": {0: ("Fair",), 1: ("Good",), 2: ("Very Good",), 3: ("Premium",), 4: ("Ideal",)},
    "color": {0: ("J", "I", "H", "G"), 1: ("F", "E", "D")},
    "clarity": {1: ("I1", "SI2", "SI1"), 2: ("VS2", "VS1"), 3: ("VVS2", "VVS1"), 4: ("IF",)},
}
"""Integer codes of the coded scheme, and the grades that each code covers."""


@dataclass(frozen=True)
class Measure:
    """A measured property: its unit, and the bounds within which diamonds are priced."""

    unit: str
    low: float
    high: float

    @property
    def suffix(self) -> str:
        """What follows a value: its unit, after a space unless it is the percent sign."""
        return self.unit if self.unit == "%" else f" {self.unit}"


MEASURES = {
    "carat": Measure("ct", 0.05, 30),
    "depth": Measure("%", 30, 90),
    "table": Measure("%", 30, 100),
    "x": Measure("mm", 1, 40),
    "y": Measure("mm", 1, 40),
    "z": Measure("mm", 1, 40),
    "volume": Measure("mm³", 5, 10_000),
}

COLUMNS = ("carat", "cut", "color", "clarity", "depth", "table", "price", "x", "y", "z")
"""The recorded columns of a stone, in the order of the project's table."""

SCHEMES = {
    "coded": ("carat", "cut", "color", "clarity", "depth", "table", "volume"),
    "graded": ("carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"),
}
"""Parameters of each input scheme, in the column order of its forest's matrix."""


KEYED = ("color", "clarity", "carat", "depth", "table", "x", "y", "z")
"""The columns by which listings of one stone are recognized."""

OF_KIND = ("shape", "origin")
"""The optional columns by which stones with the same measurements differ."""

KEY_BYTES = 16

CARAT_BANDS = (0.5, 0.7, 1.0, 1.5, 2.0)
"""ct; the boundaries of the carat bands."""


def carat_band(carat):
    """The index of a weight's carat band, 0 for the lightest; carat: ct."""
    return bisect_right(CARAT_BANDS, carat)


def ends_of_band(place):
    """(from, to) of a carat band by its index, in ct; None for an open end."""
    ends = (None, *CARAT_BANDS, None)
    return ends[place], ends[place + 1]


@dataclass(frozen=True)
class Basis:
    """The basis of a table's prices: currency, approximate year, asking or sale price, source."""

    currency: str
    year: int
    kind: str
    source: str

    def is_like(self, other):
        """Whether prices can be compared with those of another basis, whatever their source."""
        mine, its = ((one.currency, one.year, one.kind) for one in (self, other))
        return mine == its


KINDS = ("asking", "paid")
CURRENCIES = {
    "USD": ("US$", "$", "USD"),
    "EUR": ("€", "EUR"),
    "GBP": ("£", "GBP"),
    "PLN": ("zł", "zl", "PLN"),
    "CHF": ("Fr.", "CHF"),
    "JPY": ("¥", "JPY"),
    "INR": ("₹", "Rs.", "Rs", "INR"),
    "ILS": ("₪", "ILS"),
    "CAD": ("CA$", "C$", "$", "CAD"),
    "AUD": ("AU$", "A$", "$", "AUD"),
}
"""ISO 4217 codes of the supported currencies, and how each is written next to an amount."""

BASIS = Basis("USD", 2008, "asking", "the diamonds table of ggplot2")
"""The basis of the project's own table."""

PRICE = Measure("", 1, 1e9)
"""The bounds of a price: no polished diamond is sold outside them, in any currency."""

COVERAGE = 0.8
"""The target coverage of ranges: the ratio of stones whose price lies in its range."""

SOLID_DIAMOND = 0.0176
"""ct/mm³: 3.52 g/cm³ at 5 ct a gram (diamond's density)."""

TYPICAL_FILL = 0.006117
"""ct/mm³: the table's median of carat / (x * y * z); a cut stone fills about a third of its box."""

LOWEST_FILL = SOLID_DIAMOND / 10
"""ct/mm³: no cut fills less than a tenth of its bounding box."""

DEPTH_TOLERANCE = 1.0
"""Percentage points by which a stated depth may differ from 200 * z / (x + y) without a warning."""

CARAT_TOLERANCE = 0.10
"""Ratio by which carat may differ from TYPICAL_FILL * volume without a warning."""

ORDER_TOLERANCE = 0.05
"""Ratio by which a price may change with the order of the diameters without a warning."""


DEPTH_PLACES = 1
"""Decimals of a depth that is computed."""


def derived_depth(x, y, z, by_width=False):
    """Total depth in %, as reports state it: of the mean diameter of a round stone, 200 * z / (x + y), and
    of the width, the shorter side, of other shapes: 100 * z / min(x, y).

    x, y, z: mm, scalars or arrays; by_width: whether the shape is known not to be round, as they are.
    """
    return 200 * z / (x + y - by_width * abs(x - y))  # 2 * min(x, y) is x + y - |x - y|


def grades_of(field, scheme):
    """A property's grades in a scheme, worst to best: names (graded) or codes (coded)."""
    return tuple(CODES[field]) if scheme == "coded" else GRADES[field]


def code_of(field, grade):
    """The coded scheme's integer for a grade; KeyError if the field or the grade is unknown."""
    for code, grades in CODES[field].items():
        if grade in grades:
            return code
    raise KeyError(f"{grade!r} is no {field} grade")


def stone_key(features):
    """The key of a graded stone, as from `stone_keys`; features: {column: value}."""
    kinds = {name: [features[name]] for name in OF_KIND if features.get(name)}
    return stone_keys({name: [features[name]] for name in KEYED} | kinds)[0]


def stone_keys(columns):
    """A stable 16-byte key for each stone, equal for all listings of one stone: a list of bytes.

    columns: {column: values} with those of KEYED, grades as names; shape and origin, where they are
    stated, too. The key leaves out what shops state differently: the price, the name of the cut, the order
    of x and y, and the other optional properties.
    """
    x, y = _hundredths(columns["x"]), _hundredths(columns["y"])
    numbers = [_hundredths(columns[name]) for name in ("carat", "depth", "table")]
    diameters = [map(min, x, y), map(max, x, y)]
    grades = [map(str, columns[name]) for name in ("color", "clarity")]
    stones = zip(*grades, *numbers, *diameters, _hundredths(columns["z"]), strict=True)
    if kinds := [columns[name] for name in OF_KIND if name in columns]:
        stated = (tuple(filter(None, one)) for one in zip(*kinds, strict=True))
        stones = (stone + kind for stone, kind in zip(stones, stated, strict=True))
    return [_digest(repr(stone)) for stone in stones]


def report_key(number):
    """The 16-byte key of a stone by the number of its grading report, as it is written in any list."""
    return _digest("report " + "".join(filter(str.isalnum, bounded(number))).upper())


def _digest(text):
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


def _hundredths(values):
    return [round(float(value) * 100) for value in values]


EXAMPLES = {
    "coded": (
        dict(carat=0.37, cut=3, color=0, clarity=2, depth=59.2, table=61.0, volume=60.063),
        dict(carat=2.0, cut=2, color=1, clarity=1, depth=63.5, table=58.0, volume=274.23),
    ),
    "graded": (
        dict(
            carat=0.7,
            cut="Ideal",
            color="G",
            clarity="VS1",
            depth=61.5,
            table=56.0,
            x=5.73,
            y=5.7,
            z=3.51,
        ),
    ),
}
"""Example requests in documentation and pages; the coded ones are the original system's."""
