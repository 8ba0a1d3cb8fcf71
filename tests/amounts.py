"""Amounts of money as people write them, for an answer of about 2,800 USD, and their values: the
same wherever an amount is accepted."""

NO_AMOUNT = "“{}” is not an amount: enter it like 2757.50, with or without USD."
IN = "“{}” is in {}; this version’s prices are in USD."
BOUNDS = "“{}” is out of bounds: give an amount from 1 to 1000000000."
TWO = "“{}” can mean {} or {}: write the one that is meant."

TAKEN = {
    "3100": 3100,
    " 3100 ": 3100,
    "3100.": 3100,
    "3100.5": 3100.5,
    "3100,5": 3100.5,
    "3,100": 3100,
    "3.100": 3100,
    "9.000": 9000,
    "3 100": 3100,
    "3\xa0100,50": 3100.5,
    "3\u202f100": 3100,
    "3\u2009100.50": 3100.5,
    "3'100": 3100,
    "3’100.50": 3100.5,
    "3,100.50": 3100.5,
    "3.100,50": 3100.5,
    "3100.500": 3100.5,
    "560.1234": 560.1234,
    "$3100": 3100,
    "$ 3,100": 3100,
    "US$3,100.50": 3100.5,
    "3100$": 3100,
    "3 100 USD": 3100,
    "3100usd": 3100,
    "USD\xa03.100,50": 3100.5,
    "$3,100 USD": 3100,
    "USD 3,100.50 $": 3100.5,
}
"""{text: its value in USD}."""

REFUSED = {
    "€9000": IN.format("€9000", "EUR"),
    "9000PLN": IN.format("9000PLN", "PLN"),
    "31 900 zł": IN.format("31 900 zł", "PLN"),
    "39900zł": IN.format("39900zł", "PLN"),
    "zl 3100": IN.format("zl 3100", "PLN"),
    "£3,100": IN.format("£3,100", "GBP"),
    "CHF 3'100": IN.format("CHF 3'100", "CHF"),
    "A$3100": IN.format("A$3100", "AUD"),
    "¥3100": IN.format("¥3100", "JPY"),
    **{
        text: NO_AMOUNT.format(text)
        for text in (
            "12abc",
            "much",
            "1 2 3",
            "1,23,456",
            "3,1,00",
            "3,100,50",
            "3 100'000",
            "3  100",
            "0,100,000",
            "٣١٠٠",
            "３１００",
            "3e3",
            "1e400",
            "-3100",
            "+3100",
            "−3100",
            "nan",
            "inf",
            "$",
            "$$3100",
            "A$3100 USD",
            "USD3100$ a piece",
            "3.100,-",
            "~3000",
            "od 3000",
            "3k",
            "-35%",
            "3,100/ct",
            "3100 $/ct",
            "€3100 USD",
            "3100 USD a piece",
            "3100/2",
            ".",
            "0x10",
            "3_100",
        )
    },
    "0": BOUNDS.format("0"),
    "0.99": BOUNDS.format("0.99"),
    "1000000001": BOUNDS.format("1000000001"),
    "9" * 201: NO_AMOUNT.format("9" * 40 + "…"),
    "9" * 200: BOUNDS.format("9" * 40 + "…"),
}
"""{text: its error message}."""

ASKED_BACK = {
    "90,000": ("90000", "90.00"),
    "90.000": ("90000", "90.00"),
    "$90,125": ("90125", "90.1250"),
}
"""{ambiguous text: its two readings, as offered to the reader}; neither is near the answer."""


def question(text):
    """The error message of an ambiguous text."""
    return TWO.format(text, *ASKED_BACK[text])
