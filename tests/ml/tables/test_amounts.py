"""Amounts and measures as people write them, and their values; a text is read completely or refused."""

import pytest

from ml.stones import CURRENCIES, LONGEST
from ml.tables.amounts import (
    AmountError,
    TwoReadings,
    decimal_mark,
    near,
    read_amount,
    read_measure,
    read_measurements,
    readings,
)
from tests.amounts import ASKED_BACK, REFUSED, TAKEN, question

PRICE = 2800


@pytest.mark.parametrize(("text", "amount"), TAKEN.items())
def test_an_amount_is_read_as_it_is_meant(text, amount):
    assert read_amount(text, "USD", near(PRICE)) == amount


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_what_is_not_understood_whole_is_refused(text, message):
    with pytest.raises(AmountError) as caught:
        read_amount(text, "USD", near(PRICE))
    assert str(caught.value).replace(text, text[:40] + "…" * (len(text) > 40)) == message


@pytest.mark.parametrize(("text", "both"), ASKED_BACK.items())
def test_what_may_mean_either_is_asked_back_and_a_choice_is_certain(text, both):
    with pytest.raises(TwoReadings) as caught:
        read_amount(text, "USD", near(PRICE))
    assert caught.value.readings == both
    assert str(caught.value) == question(text)
    assert [len({*readings(one).values()}) for one in both] == [1, 1]


@pytest.mark.parametrize(
    ("price", "amount"), [(620, 3100), (15_500, 3100), (0.62, 3.1), (15.5, 3.1)]
)
def test_only_one_reading_within_a_factor_of_five_is_the_one(price, amount):
    assert read_amount("3,100", "USD", near(price)) == amount


@pytest.mark.parametrize("price", [619.9, 15_501, 0.619, 15.6])
def test_where_neither_is_near_it_is_asked_back(price):
    with pytest.raises(TwoReadings):
        read_amount("3,100", "USD", near(price))


def test_without_a_price_to_be_near_it_is_asked_back():
    with pytest.raises(TwoReadings):
        read_amount("3,100", "USD")


@pytest.mark.parametrize("code", CURRENCIES)
@pytest.mark.parametrize("form", ["{sign}3100", "{sign} 3100", "3100{sign}", "3100 {sign}"])
def test_every_sign_of_a_currency_is_read_on_either_side(code, form):
    for sign in CURRENCIES[code]:
        for written in (sign, sign.lower(), sign.upper()):
            assert read_amount(form.format(sign=written), code) == 3100


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3100", {".": "3100", ",": "3100"}),
        ("3,100", {".": "3100", ",": "3.100"}),
        ("3.100", {".": "3.100", ",": "3100"}),
        ("0,500", {",": "0.500"}),
        ("1234,567", {",": "1234.567"}),
        ("1,234,567", {".": "1234567"}),
        ("1.234.567,8", {",": "1234567.8"}),
        ("1 234 567", {".": "1234567", ",": "1234567"}),
        (".5", {".": "0.5"}),
        ("", {}),
        (",", {}),
        ("1" * (LONGEST + 1), {}),
    ],
)
def test_a_number_has_a_reading_for_each_decimal_mark(text, found):
    assert readings(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("1e+05", 1e5), ("-1.5E3", -1500), ("+5", 5), ("1e", None), ("e5", None), ("1e5.5", None)],
)
def test_signs_and_exponents_are_read_in_files_of_programs_only(text, found):
    read = readings(text, programs=True)
    assert (float(read["."]) if read else None) == found
    assert readings(text) == {}


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["3,100", "3,100.50"], "."),
        (["3,100", "3.100,50"], ","),
        (["3.100", "3.1005"], "."),
        (["3.100", "31,5"], ","),
        (["3.100", "1234.567"], "."),
        (["3,100", "3.100"], ""),
        (["3,100", "3100"], ""),
        (["3,100.50", "3.100,50"], ""),
        ([], ""),
    ],
)
def test_a_column_settles_its_mark_where_it_can(texts, mark):
    assert decimal_mark(texts) == mark


def test_a_column_settles_what_an_amount_means_unless_the_price_speaks_against_it():
    assert read_amount("90,000", "USD", near(PRICE), mark=".") == 90_000
    assert read_amount("3,100", "USD", near(PRICE), mark=".") == 3100
    with pytest.raises(TwoReadings):
        read_amount("3,100", "USD", near(PRICE), mark=",")


MEASURES = [
    ("carat", "0,70 ct", "0.70"),
    ("carat", "0.700", "0.700"),
    ("carat", "1,234", "1.234"),
    ("carat", "0.7CARAT", "0.7"),
    ("carat", "0,7 karata", "0.7"),
    ("carat", "1 234", ""),
    ("carat", "1,234.5", ""),
    ("depth", "61,5 %", "61.5"),
    ("table", "56 proc.", "56"),
    ("x", "5,73\xa0mm", "5.73"),
    ("x", "5.73 cm", ""),
    ("x", "٥.٧٣", ""),
    ("x", "5e0", ""),
    ("x", "-5", ""),
    ("x", "+5", ""),
    ("volume", "60.063", "60.063"),
    ("volume", "60,063 mm³", "60.063"),
    ("volume", "1,234", "1234"),
    ("volume", "1,234.5 mm3", "1234.5"),
    ("z", "", ""),
    ("z", "3" * (LONGEST + 1), ""),
]


@pytest.mark.parametrize(("name", "text", "plain"), MEASURES)
def test_a_measure_is_read_with_its_unit_and_comma(name, text, plain):
    assert read_measure(name, text) == plain


def test_a_volume_that_may_be_either_is_asked_back():
    with pytest.raises(TwoReadings) as caught:
        read_measure("volume", "9,123 mm³")
    assert caught.value.readings == ("9123", "9.1230")
    assert read_measure("volume", "9,123 mm³", mark=",") == "9.123"


@pytest.mark.parametrize(
    ("line", "sizes"),
    [
        ("5.70 - 5.73 x 3.51 mm", ("5.70", "5.73", "3.51")),
        ("5,70 – 5,73 × 3,51 mm", ("5.70", "5.73", "3.51")),
        ("5.70mm*5.73mm*3.51mm", ("5.70", "5.73", "3.51")),
        ("5.70 by 5.73 by 3.51", ("5.70", "5.73", "3.51")),
        ("5.70 / 5.73 / 3.51", ("5.70", "5.73", "3.51")),
        ("5.70 - 5.73", ()),
        ("5.70 - 5.73 - 3.51", ()),
        ("-5.70 - 5.73 x 3.51", ()),
        ("5.70 - 5.73 x 3.51 x 1", ()),
        ("5.70 - 5.73 x 3.51 cm", ()),
        ("٥.٧٠ - ٥.٧٣ x ٣.٥١", ()),
        ("5.70 - 5.73 x " + "3" * LONGEST, ()),
        ("", ()),
    ],
)
def test_a_line_of_measurements(line, sizes):
    assert read_measurements(line) == sizes
