"""Every accepted format of the same stones gives the same stones, and notes of what was converted."""

import hashlib
import io

import pandas as pd
import pytest

from ml import dataset
from ml.stones import COLUMNS

from .files import ENDINGS, PACKED, mac_zipped, row, table


def csv(stones, encoding="utf-8", **options):
    return stones.to_csv(index=False, **options).encode(encoding)


def price(form):
    return lambda s: s.assign(price=s.price.map(form.format))


def with_points(text):
    return text.replace(",", ".")


FORMS = {
    "plain": (csv, []),
    "a byte order mark": (lambda s: csv(s, "utf-8-sig"), []),
    "CRLF": (lambda s: csv(s, lineterminator="\r\n"), []),
    "CR": (lambda s: csv(s, lineterminator="\r"), []),
    "all quoted": (lambda s: csv(s, quoting=1), []),
    "blank lines": (lambda s: csv(s).replace(b"\n", b"\n\n \n"), []),
    "columns in another order": (lambda s: csv(s[list(reversed(COLUMNS))]), []),
    "semicolons": (lambda s: csv(s, sep=";"), ["cells are separated by semicolons"]),
    "tabs": (lambda s: csv(s, sep="\t"), ["cells are separated by tabs"]),
    "bars": (lambda s: csv(s, sep="|"), ["cells are separated by bars"]),
    "decimal commas": (
        lambda s: csv(s, sep=";", decimal=","),
        ["cells are separated by semicolons", "decimals are marked by commas"],
    ),
    "decimal commas in quotes": (
        lambda s: csv(s, decimal=","),
        ["decimals are marked by commas"],
    ),
    "dollars": (
        lambda s: csv(price("${:.0f}")(s)),
        ["price: '$326' is read without its unit"],
    ),
    "US dollars behind": (
        lambda s: csv(price("{:.2f} USD")(s)),
        ["price: '326.00 USD' is read without its unit"],
    ),
    "units": (
        lambda s: csv(s.assign(x=s.x.map("{} mm".format), depth=s.depth.map("{}%".format))),
        ["depth: '61.5%' is read without its unit", "x: '3.95 mm' is read without its unit"],
    ),
    "thousands": (
        lambda s: csv(price("{:,.0f}")(s)),
        ["price: '2,757' is read as over a thousand"],
    ),
    "dollars, thousands and cents": (
        lambda s: csv(price("${:,.2f}")(s)),
        [
            "price: '$326.00' is read without its unit",
            "price: '$2,757.00' is read as over a thousand",
        ],
    ),
    "thousands with points beside decimal commas": (
        lambda s: csv(
            s.assign(price=s.price.map("{:,.0f}".format).map(with_points)), sep=";", decimal=","
        ),
        [
            "cells are separated by semicolons",
            "decimals are marked by commas",
            "price: '2.757' is read as over a thousand",
        ],
    ),
    "thousands with blanks": (
        lambda s: csv(s.assign(price=s.price.map("{:,.0f}".format).str.replace(",", "\u00a0"))),
        ["price: '2\\xa0757' is read as over a thousand"],
    ),
    "blanks in cells": (
        lambda s: csv(s.astype(str) + " ", sep=";"),
        [
            "cells are separated by semicolons",
            "cut: grades are read as 'Ideal ' → Ideal, 'Good ' → Good, 'Premium ' → Premium"
            ", … (+2)",
            "color: grades are read as 'E ' → E, 'J ' → J, 'D ' → D, … (+4)",
            "clarity: grades are read as 'SI2 ' → SI2, 'SI1 ' → SI1, 'VS1 ' → VS1, … (+5)",
            "blanks around numbers are left out",
        ],
    ),
    "blanks after commas": (lambda s: csv(s).replace(b",", b", "), []),
    "capital headers": (
        lambda s: csv(s.rename(columns={"carat": "CARAT", "x": "X"})),
        ["columns are named 'CARAT' → carat, 'X' → x"],
    ),
    "blanks in headers": (
        lambda s: csv(s.rename(columns={"carat": " carat", "price": "price "})),
        [],
    ),
    "grades in lower case": (
        lambda s: csv(s.assign(color=s.color.str.lower())),
        ["color: grades are read as 'e' → E, 'j' → J, 'd' → D, … (+4)"],
    ),
    "an index column": (
        lambda s: s.to_csv().encode(),
        ["column 1 ('') numbers the rows, left out"],
    ),
    "Kaggle's": (
        lambda s: s.set_axis(s.index + 1).to_csv(quoting=2, index_label="").encode(),
        ["column 1 ('') numbers the rows, left out"],
    ),
    "an index column saved again": (
        lambda s: csv(s.reset_index(names="Unnamed: 0")),
        ["column 1 ('Unnamed: 0') numbers the rows, left out"],
    ),
    "a comma after each line": (
        lambda s: csv(s).replace(b"\n", b",\n"),
        ["column 11 is empty, left out"],
    ),
    "a comma after the header": (
        lambda s: csv(s).replace(b"z\n", b"z,\n"),
        ["column 11 is empty, left out"],
    ),
    "a comma after each row": (
        lambda s: csv(s).replace(b"\n", b",\n").replace(b"z,\n", b"z\n"),
        ["rows with a separator too many at their end: 2,997"],
    ),
    "empty rows of a spreadsheet": (
        lambda s: csv(s) + b",,,,,,,,,\n" * 4,
        ["rows without any value, left out: 4"],
    ),
    "UTF-16": (lambda s: csv(s, "utf-16"), ["the text is in UTF-16"]),
    "UTF-16 without a mark": (lambda s: csv(s, "utf-16-le"), ["the text is in UTF-16-LE"]),
    "UTF-16 without a mark, the other way": (
        lambda s: csv(s, "utf-16-be"),
        ["the text is in UTF-16-BE"],
    ),
    "Excel's Unicode text": (
        lambda s: csv(s, "utf-16", sep="\t", decimal=","),
        [
            "the text is in UTF-16",
            "cells are separated by tabs",
            "decimals are marked by commas",
        ],
    ),
    "a code page": (
        lambda s: csv(price("{}\u00a0USD")(s), "cp1250"),
        [
            "the text is in the code page cp1250",
            "price: '326.0\\xa0USD' is read without its unit",
        ],
    ),
}


def read(content, name="diamonds.csv", **options):
    """(the stones, the notes) of a file's bytes."""
    found = dataset.read(io.BytesIO(content), name, **options)
    return found.stones, [str(note) for note in found.notes]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_stones_and_is_reported(sample, form):
    make, note = FORMS[form]
    stones, notes = read(make(sample))
    pd.testing.assert_frame_equal(stones, sample, check_exact=True)
    assert notes == note


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("named", [True, False])
def test_every_packing_gives_the_same_stones_and_is_reported(sample, kind, named):
    ending = ENDINGS[kind] if named else ""
    stones, notes = read(PACKED[kind](csv(sample)), f"diamonds.csv{ending}")
    pd.testing.assert_frame_equal(stones, sample, check_exact=True)
    assert notes == [f"unpacked: it is a {kind} file"]


def test_a_zip_of_macos_is_read(sample):
    stones, notes = read(mac_zipped(csv(sample)), "stones.zip")
    pd.testing.assert_frame_equal(stones, sample, check_exact=True)
    assert notes == ["unpacked: it is a zip file"]


def test_extra_columns_are_named_and_ignored_where_that_is_asked_for(sample):
    extra = sample.assign(lab="GIA", note='łódź, "AB"\nnew line')
    stones, notes = read(csv(extra, "cp1250"), ignore_extra=True)
    pd.testing.assert_frame_equal(stones, sample, check_exact=True)
    assert notes == ["the text is in the code page cp1250", "columns left out: 'lab', 'note'"]


def test_a_column_without_a_name_that_holds_text_is_an_extra_one():
    content = table("GIA," + row(), header="," + ",".join(COLUMNS))
    stones, notes = read(content, ignore_extra=True)
    assert (len(stones), notes) == (1, ["columns left out: column 1 ('')"])


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        ({"price": '"1,234.50"'}, 1234.5),
        ({"price": '"1,234,567"'}, 1_234_567),
        ({"price": "1'234"}, 1234),
        ({"price": "1234.567"}, 1234.567),
        ({"price": "+5e3"}, 5000),
        ({"price": "US$ 12.50"}, 12.5),
        ({"price": "$.50"}, 0.5),
    ],
)
def test_prices_are_read_as_they_are_meant(cells, value):
    stones, _ = read(table(row(**cells)))
    assert stones.price.tolist() == [value]


@pytest.mark.parametrize(
    ("currency", "cell"),
    [("EUR", "€ 326"), ("EUR", "326 EUR"), ("PLN", "326 zł"), ("CHF", "CHF 326")],
)
def test_prices_may_name_their_currency_and_no_other(currency, cell):
    file = io.BytesIO(table(row(price=cell)))
    assert dataset.read(file, "prices.csv", currency=currency).stones.price.tolist() == [326]
    with pytest.raises(
        dataset.DatasetError, match=f"is in {currency}, and the prices are read in USD"
    ):
        dataset.read(file, "prices.csv")


@pytest.mark.parametrize("kind", [None, *PACKED])
def test_the_sha256_is_that_of_the_bytes_as_given(sample, tmp_path, kind):
    content = PACKED[kind](csv(sample)) if kind else csv(sample)
    path = tmp_path / "diamonds"
    path.write_bytes(content)
    found = dataset.read(path)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.name == str(path)
