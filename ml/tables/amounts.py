"""Reads an amount of money or a measure as people write it: thousands, decimals, currency, unit.

An amount is either understood completely or refused. Called by cells.py for data files, and in predictor
for typed or uploaded prices, the form's measures and files of stones.
"""

import math
import re
from collections.abc import Iterable

from ml.stones import CURRENCIES, MEASURES, PRICE, bounded

from .errors import gettext_noop

NEAR = 5
"""An amount is near a price if neither is more than this many times the other."""

NOWHERE = (math.inf, -math.inf)
"""The range of likely amounts when nothing is known about the amount."""

BLANKS = str.maketrans({**dict.fromkeys("\u00a0\u2007\u2009\u202f", " "), "’": "'"})
"""Spaces and apostrophes that separate thousands, each normalised to one character."""

DIGITS = frozenset("0123456789")
MARKS = {".": ",", ",": "."}
"""The two decimal marks; each one separates thousands when the other one is the decimal mark."""

UNITS = {
    "carat": (
        *("carats", "carat", "karatów", "karaty", "karata", "karat"),
        *("cts.", "cts", "crt", "ct.", "ct", "kt"),
    ),
    "depth": ("percent", "proc.", "proc", "%"),
    "table": ("percent", "proc.", "proc", "%"),
    "x": ("mm",),
    "y": ("mm",),
    "z": ("mm",),
    "volume": ("mm³", "mm^3", "mm3"),
}
"""Units that may follow a measure, in any letter case, without changing its value."""

BETWEEN_SIZES = re.compile(r"([-–—−xX×*/]|by|na)")


def _codes_of_signs() -> dict[str, tuple[str, ...]]:
    """{sign in lower case: (code, …)}, the longest sign first."""
    codes: dict[str, list[str]] = {}
    for code, signs in CURRENCIES.items():
        for sign in signs:
            codes.setdefault(sign.lower(), []).append(code)
    return {sign: tuple(codes[sign]) for sign in sorted(codes, key=len, reverse=True)}


CODES_OF_SIGNS = _codes_of_signs()


NO_AMOUNT = gettext_noop(
    "“{value}” is not an amount: enter it like 2757.50, with or without {currency}."
)
OTHER_CURRENCY = gettext_noop("“{value}” is in {its}; this version’s prices are in {currency}.")
OUT_OF_BOUNDS = gettext_noop("“{value}” is out of bounds: give an amount from {low} to {high}.")
TWO_READINGS = gettext_noop("“{value}” can mean {first} or {second}: write the one that is meant.")


class AmountError(ValueError):
    """Text that cannot be read as an amount: a message and the values for its placeholders, so that a page
    can translate it."""

    readings: tuple[str, ...] = ()

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence, values)
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        return self.sentence.format(**self.values)


class TwoReadings(AmountError):
    """Text with a mark that may separate thousands or decimals; readings: both, the larger first, as
    unambiguous text: ("3100", "3.10")."""

    def __init__(self, text: str, readings: Iterable[str]) -> None:
        self.readings = tuple(map(certain, sorted(readings, key=float, reverse=True)))
        first, second = self.readings
        super().__init__(TWO_READINGS, value=text, first=first, second=second)


def certain(plain: str) -> str:
    """A number in plain text with two decimals, or four if three could be read as thousands."""
    whole, mark, decimals = plain.partition(".")
    decimals = decimals.rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals}{'0' * (len(decimals) == 3)}" if mark else whole


def _tidy(text: str) -> str:
    """A text cut to the maximum length and stripped, its spaces and apostrophes normalised."""
    return bounded(text).translate(BLANKS).strip()


# Numbers


def readings(text: str, thousands: bool = True, programs: bool = False) -> dict[str, str]:
    """The possible readings of a number without unit: {decimal mark: the number in plain text}.

    "3,100" is {".": "3100", ",": "3.100"}; "3 100" is 3100 with either mark; {} if it is not a number.
    thousands: whether thousands may be separated. programs: whether a sign and an exponent are
    read, as programs write them: -1e+05.
    """
    body, before, after = _tidy(text), "", ""
    if programs:
        body, before, after = _sign_and_exponent(body)
    found = {mark: _plain(body, mark, thousands) for mark in MARKS}
    return {mark: f"{before}{plain}{after}" for mark, plain in found.items() if plain}


def _plain(body: str, mark: str, thousands: bool) -> str:
    """The number in plain text, read with this decimal mark; "" if it is not a number."""
    whole, _, decimals = body.partition(mark)
    if not (_is_digits(decimals) or not decimals) or not (whole or decimals):
        return ""
    if whole and not _is_digits(whole):
        whole = _joined(whole, mark) if thousands else ""
        if not whole:
            return ""
    return f"{whole or 0}.{decimals}" if decimals else whole


def _is_digits(text: str) -> bool:
    return bool(text) and DIGITS.issuperset(text)


def _joined(whole: str, mark: str) -> str:
    """Digits in groups of three with one kind of separator, joined; "" if they are not grouped so."""
    between = set(whole) - DIGITS
    if len(between) != 1 or not between <= {MARKS[mark], " ", "'"}:
        return ""
    first, *others = whole.split(between.pop())
    joins = _is_digits(first) and len(first) <= 3 and first[0] != "0"
    joins = joins and all(_is_digits(group) and len(group) == 3 for group in others)
    return first + "".join(others) if joins else ""


def _sign_and_exponent(body: str) -> tuple[str, str, str]:
    """(the number between them, sign, exponent with its e); the number is "" if either is invalid."""
    sign = body[:1] if body[:1] in ("+", "-") else ""
    body, has_exponent, exponent = body[len(sign) :].replace("E", "e").partition("e")
    if not has_exponent:
        return body, sign, ""
    signed = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    return (body if _is_digits(signed) else ""), sign, f"e{exponent}"


def decimal_mark(numbers: Iterable[str]) -> str:
    """The decimal mark that some numbers certainly have: "." or ","; "" if none is certain, or
    they differ. numbers: texts without unit or currency."""
    marks = {mark for number in numbers if len(found := readings(number)) == 1 for mark in found}
    return marks.pop() if len(marks) == 1 else ""


def _one(text: str, found: dict[str, str], likely: tuple[float, float], mark: str = "") -> str:
    """The intended reading, in plain text. Raises TwoReadings if it is ambiguous.

    likely: (low, high), the range it should lie in. mark: the decimal mark of the numbers around it.
    """
    possible = {*found.values()}
    if len(possible) > 1:
        within = {plain for plain in possible if likely[0] <= float(plain) <= likely[1]}
        if mark and (found[mark] in within or not within):
            possible = {found[mark]}
        elif not mark and within:
            possible = within
    if len(possible) > 1:
        raise TwoReadings(text, possible)
    return possible.pop()


# Money


def without_currency(text: str) -> tuple[str, tuple[str, ...]]:
    """(an amount without its currency, the codes that the currency may stand for: () without one).

    It may stand on both sides, as in $3,100 USD, where the two can be the same."""
    text = _tidy(text)
    small = text.lower()
    before = next((sign for sign in CODES_OF_SIGNS if small.startswith(sign)), "")
    after = next((sign for sign in CODES_OF_SIGNS if small[len(before) :].endswith(sign)), "")
    codes = [CODES_OF_SIGNS[sign] for sign in (before, after) if sign]
    both = tuple(code for code in CURRENCIES if codes and all(code in one for one in codes))
    return (text[len(before) : len(text) - len(after)].strip(), both) if both else (text, ())


def near(price: float) -> tuple[float, float]:
    """(low, high) of the amounts near a price."""
    return price / NEAR, price * NEAR


def read_amount(
    text: str,
    currency: str,
    likely: tuple[float, float] = NOWHERE,
    mark: str = "",
    lowest: float = PRICE.low,
) -> float:
    """An amount of money as typed, a float; raises AmountError if it is not understood completely.

    currency: the code that it must be in, written or not. likely: (low, high), the range it should lie in,
    which decides between two readings. mark: the decimal mark of its column. Raises TwoReadings if the
    mark may separate thousands or decimals.
    """
    number, codes = without_currency(text)
    found = readings(number)
    if not found:
        raise AmountError(NO_AMOUNT, value=text, currency=currency)
    if codes and currency not in codes:
        raise AmountError(OTHER_CURRENCY, value=text, its="/".join(codes), currency=currency)
    amount = float(_one(text, found, likely, mark))
    if not lowest <= amount <= PRICE.high:
        low, high = f"{lowest:.10g}", f"{PRICE.high:.10g}"
        raise AmountError(OUT_OF_BOUNDS, value=text, low=low, high=high)
    return amount


# Measures


def without_unit(name: str, text: str) -> str:
    """A measure's text without its unit and surrounding spaces."""
    text = _tidy(text)
    small = text.lower()
    for unit in UNITS[name]:
        if small.endswith(unit):
            return text[: -len(unit)].strip()
    return text


def has_thousands(name: str) -> bool:
    """Whether a measure or a price can be over a thousand, so that thousands may be separated."""
    return name not in MEASURES or MEASURES[name].high >= 1000


def read_measure(name: str, text: str, mark: str = "") -> str:
    """A measure as typed, in plain text with a decimal point; "" if it is not understood completely.

    Its bounds decide between two readings. Raises TwoReadings if both are within them.
    """
    measure = MEASURES[name]
    found = readings(without_unit(name, text), has_thousands(name))
    if not found:
        return ""
    return _one(text, found, (measure.low, measure.high), mark)


def read_measurements(text: str) -> tuple[str, ...]:
    """(x, y, z) in plain text, mm, of a report's line such as 5.70 - 5.73 x 3.51 mm; otherwise ()."""
    parts = BETWEEN_SIZES.split(bounded(text))
    if len(parts) != 5 or parts[3] in "-–—−":
        return ()
    sizes = tuple(read_measure(name, part) for name, part in zip("xyz", parts[::2], strict=True))
    return sizes if all(sizes) else ()
