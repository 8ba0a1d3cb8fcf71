"""The headings that the trade uses, in English and Polish, and the column of a file that each one means.

Called by rows.py to find the separator, by table.py, and in predictor by uploads and scoring.
"""

import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ml.stones import SCHEMES

from .amounts import CODES_OF_SIGNS
from .errors import DatasetError, gettext_noop, quoted

LONGEST = 100
"""Characters: a longer cell is not a known heading."""

HEADINGS = {
    "carat": (
        "carat",
        "carats",
        "weight",
        "carat weight",
        "size",
        "masa",
        "waga",
        "karaty",
        "ct",
        "cts",
    ),
    "cut": ("cut", "cut grade", "szlif", "jakość szlifu"),
    "color": ("color", "colour", "col", "color grade", "colour grade", "barwa", "kolor"),
    "clarity": ("clarity", "clar", "clarity grade", "czystość", "czystosc"),
    "depth": (
        "depth %",
        "depth percent",
        "depth percentage",
        "total depth",
        "total depth %",
        "depth",
        "głębokość %",
        "głębokość",
        "glebokosc",
    ),
    "table": (
        "table %",
        "table percent",
        "table percentage",
        "table width",
        "table",
        "tafla %",
        "tafla",
    ),
    "x": ("x", "length", "length mm", "meas length", "measurements length", "długość", "dlugosc"),
    "y": ("y", "width", "width mm", "meas width", "measurements width", "szerokość", "szerokosc"),
    "z": (
        "z",
        "height",
        "height mm",
        "depth mm",
        "meas depth",
        "meas height",
        "measurements height",
        "measurements depth",
        "wysokość",
        "wysokosc",
        "depth",  # beside one in percent, which is looked for before
    ),
    "measurements": ("measurements", "measurement", "dimensions", "wymiary"),
    "volume": ("volume", "objętość", "objetosc"),
    "price": (
        "total price",
        "price total",
        "cena całkowita",
        "cena calkowita",
        "price",
        "cena",
    ),
}
"""{a column's content: its headings, in lower case; the first one found is used}."""

OF_REVIEWS = {
    "id": ("id", "prediction", "prediction id"),
    "price": ("actual price", "price", "cena rzeczywista", "cena"),
    "currency": ("currency", "waluta"),
    "sold_on": ("sold on", "sale date", "data sprzedaży"),
    "source": ("review source", "source", "źródło"),
    "note": ("review note", "note", "uwagi", "uwaga"),
    "state": ("review", "state", "ocena", "stan"),
}
"""The same for a file of actual prices; the first ones are those of the history's export."""

OF_LISTS = {
    "price": (
        "asking price",
        "asking",
        *HEADINGS["price"][:4],
        "total amount",
        "total",
        "amount",
        *HEADINGS["price"][4:],
    ),
    "currency": OF_REVIEWS["currency"],
    "shape": ("shape", "kształt", "ksztalt"),
}
"""What a dealer's list says of its stones besides their grades and measures."""

OF_STONES = {
    "shape": (*OF_LISTS["shape"], "cut shape", "stone shape"),
    "origin": (
        *(
            "origin",
            "growth",
            "growth type",
            "stone type",
            "diamond type",
            "lab grown",
            "is lab grown",
        ),
        *("natural lab grown", "pochodzenie", "rodzaj"),
    ),
    "laboratory": (
        *("lab", "laboratory", "grading lab", "grading laboratory", "report lab", "cert lab"),
        *("certificate lab", "cert", "laboratorium"),
    ),
    "polish": ("polish", "pol", "polish grade", "polerowanie", "poler", "pole"),
    "symmetry": ("symmetry", "sym", "symm", "symmetry grade", "symetria"),
    "fluorescence": (
        *("fluorescence", "fluor", "flour", "fluo", "flr", "fls", "fluorescence intensity"),
        *("fluor intensity", "fluorescencja", "fluorescencja intensywność"),
    ),
    "report": (
        *("report number", "report no", "report #", "report", "certificate number"),
        *("certificate no", "certificate #", "certificate", "cert number", "cert no", "cert #"),
        *("lab report number", "lab report #", "numer raportu", "nr raportu", "numer certyfikatu"),
        *("nr certyfikatu", "certyfikat"),
    ),
}
"""The optional columns of a list. A report number is not a property: it identifies a stone."""

UNITS = {
    "carat": {"ct", "cts"},
    "depth": {"%"},
    "table": {"%"},
    **{name: {"mm"} for name in ("x", "y", "z", "measurements")},
    "volume": {"mm3"},
    "price": {*CODES_OF_SIGNS},
}
"""Words that a heading may have next to its name, by column: a depth in mm is not a depth in %, and a
price/ct is not a price."""

BETWEEN = {"in", "w"}
ALL_UNITS = BETWEEN.union(*UNITS.values())

APART = str.maketrans(dict.fromkeys("_-./()[]:\u00a0", " ") | {"%": " % "})
KNOWN = {
    name
    for names in (
        *HEADINGS.values(),
        *OF_REVIEWS.values(),
        *OF_LISTS.values(),
        *OF_STONES.values(),
    )
    for name in names
}
SPREAD = ("x", "y", "z")
"""The columns that a column of measurements is split into."""

TWICE = gettext_noop("line {line}: column {column} appears twice, as number {first} and {second}")
NO_COLUMN = gettext_noop("there is no column {name}: the header has {columns}")
NO_FIELD = gettext_noop("{name} is not one of the expected columns: {fields}")
OTHER_CURRENCY = gettext_noop("column {name} is in {its}, and the prices are read in {currency}")
ONE_FOR_TWO = gettext_noop("column {name} cannot be both {first} and {second}")


Chosen = Mapping[str, str | int]
"""{field: the heading, or the index, of its column}."""


@dataclass(frozen=True)
class Found:
    """The columns found for the fields: {field: index}; `others`: the headings of the columns that are
    not named like their field."""

    places: dict[str, int]
    others: dict[str, str] = field(default_factory=dict)

    def lacking(self, fields: Iterable[str]) -> list[str]:
        """The fields that no column holds, in their order."""
        spread = SPREAD if "measurements" in self.places else ()
        return [name for name in fields if name not in self.places and name not in spread]

    def of_scheme(self, scheme: str) -> dict[str, int]:
        """{parameter: index} of a scheme's columns; measurements only if they are needed."""
        places = {name: self.places[name] for name in SCHEMES[scheme] if name in self.places}
        if any(name in SCHEMES[scheme] and name not in places for name in SPREAD):
            places = {name: place for name, place in places.items() if name not in SPREAD}
            places["measurements"] = self.places["measurements"]
        return places


def plain(cell: str) -> str:
    """A heading normalised for comparison: lower case, single spaces, no brackets."""
    if len(cell) > LONGEST:
        return ""
    cell = unicodedata.normalize("NFKC", cell)
    parted = (f" {c}" if c.isupper() and b.islower() else c for b, c in zip(" " + cell, cell))  # noqa: B905
    return " ".join("".join(parted).casefold().translate(APART).split())


def _without(units: Container[str], name: str) -> str:
    return " ".join(word for word in name.split() if word not in units)


def refuse_other_currency(heading: str, currency: str) -> None:
    """DatasetError where the heading of prices names another currency than theirs."""
    for word in plain(heading).split():
        codes = CODES_OF_SIGNS.get(word)
        if codes and currency not in codes:
            name, its = quoted(heading), "/".join(codes)
            raise DatasetError(OTHER_CURRENCY, name=name, its=its, currency=currency)


def recognised(cells: list[str]) -> int:
    """The number of known headings among the cells of a header."""
    return sum(bool({name := plain(cell), _without(ALL_UNITS, name)} & KNOWN) for cell in cells)


def find(
    header: list[str],
    vocabulary: Mapping[str, Sequence[str]],
    line: int = 1,
    chosen: Chosen | None = None,
) -> Found:
    """The Found of a header's cells. Raises DatasetError for a duplicate heading or an invalid choice.

    vocabulary: {field: headings}, HEADINGS or a part of it. chosen: {field: the heading, or the index, of
    its column}, which takes precedence over the known headings.
    """
    names = [plain(cell) for cell in header]
    places = _chosen(header, names, vocabulary, chosen or {})
    free = {place: name for place, name in enumerate(names) if place not in places.values()}
    for name, headings in vocabulary.items():
        if name not in places and (place := _place_of(name, headings, free, line)) is not None:
            places[name] = place
            del free[place]
    others = {name: header[place] for name, place in places.items() if header[place] != name}
    return Found(places, others)


def _place_of(name: str, headings: Sequence[str], free: dict[int, str], line: int) -> int | None:
    for units in ((), BETWEEN | UNITS.get(name, set())):
        called = {place: _without(units, text) for place, text in free.items()}
        for heading in headings:
            places = [place for place, text in called.items() if text == heading]
            if len(places) > 1:
                first, second = (place + 1 for place in places[:2])
                raise DatasetError(TWICE, line=line, column=name, first=first, second=second)
            if places:
                return places[0]
    return None


def _chosen(
    header: list[str], names: list[str], vocabulary: Mapping[str, Sequence[str]], chosen: Chosen
) -> dict[str, int]:
    places: dict[str, int] = {}
    for name, column in chosen.items():
        if name not in vocabulary:
            raise DatasetError(NO_FIELD, name=quoted(name), fields=", ".join(vocabulary))
        place = column if isinstance(column, int) else _place_called(column, header, names)
        if place in places.values():
            first = next(other for other, its in places.items() if its == place)
            raise DatasetError(ONE_FOR_TWO, name=quoted(header[place]), first=first, second=name)
        places[name] = place
    return places


def _place_called(column: str, header: list[str], names: list[str]) -> int:
    if column in header:
        return header.index(column)
    if plain(column) in names:
        return names.index(plain(column))
    raise DatasetError(NO_COLUMN, name=quoted(column), columns=", ".join(map(quoted, header)))
