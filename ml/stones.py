"""The vocabulary of the trade: grades, codes, units, bounds and the two input schemes.

Forms, serializers, pages, documentation and tests read them from here; nothing is written twice.
"""

from bisect import bisect_right
from dataclasses import dataclass

CUTS = ("Fair", "Good", "Very Good", "Premium", "Ideal")
COLORS = ("J", "I", "H", "G", "F", "E", "D")
CLARITIES = ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF")
GRADES = {"cut": CUTS, "color": COLORS, "clarity": CLARITIES}
"""Grade names of each graded property, worst to best."""

LONGEST = 200
"""Characters of one value, as it is typed, sent, or stands in a cell. A longer one is refused before any
pattern or parser sees it, so that no text takes more than its share of time."""


def bounded(text):
    """A text as far as it may be read. A longer one ends in "…", so that it is neither empty nor means
    anything but what was sent; that stays so where it is sent again."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


CODES = {
    "cut": {0: ("Fair",), 1: ("Good",), 2: ("Very Good",), 3: ("Premium",), 4: ("Ideal",)},
    "color": {0: ("J", "I", "H", "G"), 1: ("F", "E", "D")},
    "clarity": {1: ("I1", "SI2", "SI1"), 2: ("VS2", "VS1"), 3: ("VVS2", "VVS1"), 4: ("IF",)},
}
"""Integer codes of the coded scheme, and the grades that each one stands for."""


@dataclass(frozen=True)
class Measure:
    """A measured property: its unit and the bounds outside which no polished diamond is priced."""

    unit: str
    low: float
    high: float


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
"""What is recorded of a stone, in the order of the project's table."""

SCHEMES = {
    "coded": ("carat", "cut", "color", "clarity", "depth", "table", "volume"),
    "graded": ("carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"),
}
"""Parameters of each input scheme, in the column order of its forest's matrix."""


CARAT_BANDS = (0.5, 0.7, 1.0, 1.5, 2.0)
"""ct; where one carat band ends and the next begins."""


def carat_band(carat):
    """The place of a weight's band, 0 for the lightest; carat: ct."""
    return bisect_right(CARAT_BANDS, carat)


def ends_of_band(place):
    """(from, to) of a carat band by its place, in ct; None where it is open."""
    ends = (None, *CARAT_BANDS, None)
    return ends[place], ends[place + 1]


@dataclass(frozen=True)
class Basis:
    """What the prices of a table are: in whose money, of about which year, asked or paid, from where."""

    currency: str
    year: int
    kind: str
    source: str

    def is_like(self, other):
        """Whether prices may be compared with those of another basis, whatever their source."""
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
"""ISO 4217 codes of the currencies that a table may be in, and how each is written beside an amount."""

BASIS = Basis("USD", 2008, "asking", "the diamonds table of ggplot2")
"""That of the project's own table."""

PRICE = Measure("", 1, 1e9)
"""No polished diamond was ever sold for less or for more, whatever the currency."""

COVERAGE = 0.8
"""Ratio of stones whose price lies in its range, that ranges are calibrated for."""

SOLID_DIAMOND = 0.0176
"""ct/mm³: 3.52 g/cm³ at 5 ct a gram (diamond's density)."""

TYPICAL_FILL = 0.006117
"""ct/mm³: the table's median of carat / (x * y * z); a cut stone fills a third of its box."""

LOWEST_FILL = SOLID_DIAMOND / 10
"""ct/mm³: no cut fills less than a tenth of the box around it."""

DEPTH_TOLERANCE = 1.0
"""Percentage points by which a stated depth may differ from 200 * z / (x + y) without a warning."""

CARAT_TOLERANCE = 0.10
"""Ratio by which carat may differ from TYPICAL_FILL * volume without a warning."""

ORDER_TOLERANCE = 0.05
"""Ratio by which a price may change with the order of the diameters without a warning."""


def derived_depth(x, y, z):
    """Total depth in % of the mean width: 200 * z / (x + y); x, y, z in mm, scalars or arrays."""
    return 200 * z / (x + y)


def grades_of(field, scheme):
    """A property's grades in a scheme, worst to best: names (graded) or codes (coded)."""
    return tuple(CODES[field]) if scheme == "coded" else GRADES[field]


def code_of(field, grade):
    """The coded scheme's integer for a grade; KeyError where the field or the grade is unknown."""
    for code, grades in CODES[field].items():
        if grade in grades:
            return code
    raise KeyError(f"{grade!r} is no {field} grade")


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
"""Requests that documentation and pages show; the coded ones are the original's."""
