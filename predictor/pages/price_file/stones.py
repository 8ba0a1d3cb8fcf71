"""Converts the rows of a file to stones and asking prices, with the same rules as the form."""

from dataclasses import dataclass, field

from ml.stones import MEASURES, OF_KIND, PRICE
from ml.tables.amounts import CODES_OF_SIGNS, decimal_mark, without_currency, without_unit
from ml.tables.errors import DatasetError, gettext_noop, quoted
from ml.tables.headings import SPREAD, refuse_other_currency
from predictor.pages.stone_form import parsing
from predictor.pricing.amounts import AmountRefused, amount_typed
from predictor.pricing.shapes import kind_refusal
from predictor.wording.figures import number

LIKELY = (50, PRICE.high)
"""The range of likely asking prices: 3,100 is not 3.10."""

MOST_ERRORS = 20_000
"""The most errors of a list. With more, its columns are wrong, and writing every message is too slow for a
request."""

TOO_MANY_ERRORS = gettext_noop(
    "the file has more than {most} errors: check its columns. Line {line}: {example}"
)
IN_OTHER = gettext_noop("line {line}: the price is in {its}, and prices are compared in {currency}")


@dataclass
class Row:
    """A row of a file. cells: as sent; payload: the stone; asking: its price, None for none; errors:
    [(column, message), …]."""

    line: int
    cells: list
    payload: dict
    asking: float | None = None
    errors: list = field(default_factory=list)


@dataclass(frozen=True)
class Stones:
    """rows: a Row for each of the file. derived: the number of rows whose depth was computed."""

    scheme: str
    rows: list
    derived: int

    @property
    def good(self):
        """The rows that can be priced."""
        return [row for row in self.rows if not row.errors]

    @property
    def bad(self):
        """The rows that have errors."""
        return [row for row in self.rows if row.errors]

    @property
    def have_prices(self):
        """Whether any row has an asking price."""
        return any(row.asking is not None for row in self.rows)


def stones_of(sheet, columns, currency, validators=None):
    """The Stones of a Sheet; columns: its Columns; currency: the code that its prices must be in;
    validators: by default those of the active version.

    Raises DatasetError for a list whose prices are in another currency, and for MOST_ERRORS.
    """
    mark = _price_mark(sheet, columns, currency)
    texts = {
        name: [cells[place] for _, cells in sheet.rows] for name, place in columns.places.items()
    }
    marks, rows, derived, errors = parsing.marks_of(texts), [], 0, 0
    price = columns.listed.get("price")
    kinds = [(name, columns.listed[name]) for name in OF_KIND if name in columns.listed]
    for line, cells in sheet.rows:
        sent = {name: cells[place].strip() for name, place in columns.places.items()}
        if "measurements" in sent:
            sent |= dict.fromkeys(SPREAD, "") | {"x": sent.pop("measurements")}
        read = parsing.read(columns.scheme, sent, marks, validators)
        derived += bool(not sent["depth"] and read.payload["depth"])
        row = Row(line, cells, read.payload, errors=_errors(read, "measurements" in texts))
        refusals = [(name, kind_refusal(name, cells[place])) for name, place in kinds]
        row.errors += [(name, message) for name, message in refusals if message]
        if price is not None and cells[price].strip():
            _read_price(row, cells[price], currency, mark)
        rows.append(row)
        errors += len(row.errors)
        if errors > MOST_ERRORS:
            raise DatasetError(
                TOO_MANY_ERRORS,
                most=number(MOST_ERRORS),
                line=line,
                example=row.errors[0][1].removesuffix("."),
            )
    return Stones(columns.scheme, rows, derived)


def _errors(read, is_spread):
    """[(column, message), …]; measurements that cannot be read are reported once, at the first."""
    errors = read.all_errors()
    if is_spread and "x" in errors:
        errors = {name: messages for name, messages in errors.items() if name not in SPREAD[1:]}
    return [
        ("" if name == "non_field_errors" else name, str(messages[0]))
        for name, messages in errors.items()
    ]


# The list's own price


def _read_price(row, text, currency, mark):
    try:
        row.asking = amount_typed(text, currency, likely=LIKELY, mark=mark)
    except AmountRefused as refused:
        row.errors.append(("price", str(refused)))


def _price_mark(sheet, columns, currency):
    """The decimal mark of the prices; if they do not show it, that of the file's measures.

    Raises DatasetError if a heading, the column of currencies or a price is in another currency.
    """
    place, named = columns.listed.get("price"), columns.listed.get("currency")
    if place is None:
        return ""
    refuse_other_currency(sheet.header[place], currency)
    bare = set()
    for line, cells in sheet.rows:
        amount, codes = without_currency(cells[place])
        if named is not None and (name := cells[named].strip()):
            codes = CODES_OF_SIGNS.get(name.lower(), (quoted(name),))
        if codes and currency not in codes:
            raise DatasetError(IN_OTHER, line=line, its="/".join(codes), currency=currency)
        bare.add(amount)
    return decimal_mark(bare) or decimal_mark(_measures(sheet, columns.places))


def _measures(sheet, places):
    """The different texts of the file's measures, without their units."""
    found = {
        (name, cells[place])
        for name, place in places.items()
        if name in MEASURES
        for _, cells in sheet.rows
    }
    return {without_unit(*one) for one in found}
