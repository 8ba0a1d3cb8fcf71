"""Each format of a table through each of the four readers of tables: all accept it, or all refuse
it with the same message. The readers are retraining, the page for files of stones, scoring and the
upload of actual prices."""

import bz2
import gzip
import io
import lzma

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from ml import dataset
from ml.stones import COLUMNS, SCHEMES
from ml.tables import DatasetError
from ml.tables.files import zstd
from predictor.models import Prediction, Review
from predictor.review.judging import read_prices
from predictor.scoring import plan, rows
from predictor.scoring.errors import ScoringError
from predictor.scoring.sources import find_source

from .files import zipped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

STONES = [
    ["0.7", "Ideal", "G", "VS1", "61.5", "56", "2700", "5.73", "5.71", "3.51"],
    ["1.01", "Premium", "E", "SI1", "62.1", "58", "5100", "6.4", "6.36", "3.96"],
    ["0.31", "Very Good", "H", "VVS2", "61.8", "57.5", "550", "4.35", "4.37", "2.69"],
]
TABLE = [[*COLUMNS, "miasto"], *([*stone, "Łódź"] for stone in STONES)]
PRICES = ["2610.5", "2720", "2830.25"]


def text(table, separator=",", end="\n", decimal=".", quoted=False):
    def cell(value, row):
        value = value.replace(".", decimal) if row else value
        return f'"{value}"' if quoted or separator in value or "\n" in value else value

    lines = (separator.join(cell(c, row) for c in cells) for row, cells in enumerate(table))
    return "".join(f"{line}{end}" for line in lines)


def named(rows, **names):
    return [[names.get(cell, cell) for cell in rows[0]], *rows[1:]]


def workbook(table):
    book = Workbook()
    for row, cells in enumerate(table):
        book.active.append([float(c) if row and is_number(c) else c for c in cells])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def is_number(cell):
    return cell.replace(".", "").isdigit()


TAKEN = {
    "commas": text,
    "semicolons": lambda t: text(t, ";"),
    "tabs": lambda t: text(t, "\t"),
    "bars": lambda t: text(t, "|"),
    "semicolons and decimal commas": lambda t: text(t, ";", decimal=","),
    "commas and decimal commas in quotation marks": lambda t: text(t, decimal=",", quoted=True),
    "a sep= line": lambda t: "sep=;\r\n" + text(t, ";", "\r\n"),
    "CRLF": lambda t: text(t, end="\r\n"),
    "CR": lambda t: text(t, end="\r"),
    "a byte-order mark": lambda t: text(t).encode("utf-8-sig"),
    "UTF-16": lambda t: text(t, "\t").encode("utf-16"),
    "UTF-16 without a mark": lambda t: text(t).encode("utf-16-le"),
    "cp1250": lambda t: text(t, ";").encode("cp1250"),
    "cp1252": lambda t: text(t).replace("Łódź", "£9 Málaga").encode("cp1252"),
    "blank lines": lambda t: "\n\n" + text(t, end="\n\n \n"),
    "a separator after each row": lambda t: text(t, end=",\n"),
    "a separator after the rows alone": lambda t: (
        text(t[:1]) + text(t, end=",\n").split("\n", 1)[1]
    ),
    "line ends in quotation marks": lambda t: text(
        [[c.replace("Łódź", "Ł\nó") for c in r] for r in t]
    ),
    "all in quotation marks": lambda t: text(t, quoted=True),
    "names in capitals": lambda t: text([[c.upper() for c in t[0]], *t[1:]]),
    "names with blanks around": lambda t: text([[f" {c} " for c in t[0]], *t[1:]]),
    "long cells": lambda t: text([[c.replace("Łódź", "x" * 5000) for c in r] for r in t]),
    "many columns": lambda t: text([[*r, *(f"{n}" for n in range(100))] for r in t]),
    "apostrophes": lambda t: text([[c.replace("Łódź", "'=O'Hara") for c in r] for r in t]),
    "gzip": lambda t: gzip.compress(text(t).encode()),
    "bzip2": lambda t: bz2.compress(text(t).encode()),
    "xz": lambda t: lzma.compress(text(t).encode()),
    "zstd": lambda t: zstd.compress(text(t).encode()),
    "zip": lambda t: zipped(stones__csv=text(t).encode()),
    "an Excel workbook": workbook,
}


def content_of(form, table):
    content = TAKEN[form](table)
    return content.encode() if isinstance(content, str) else content


@pytest.fixture
def read_by(client, tmp_path, live_models, small_forests):
    """{reader: a function from a file's bytes to its stones as [cut, color, clarity, carat, …]}."""

    def retraining(content):
        found = dataset.read_list(io.BytesIO(content), "stones")
        for one in found.left_out:
            raise DatasetError(f"{one.reason}: {one.value!r}")
        stones = found.stones[list(SCHEMES["graded"])]
        return [list(one) for one in stones.itertuples(index=False)]

    def page(content):
        sent = {"file": SimpleUploadedFile("stones", content)}
        shown = client.post("/file/", sent, headers={"Accept-Language": "en"}).context
        if shown.get("message"):
            raise DatasetError(str(shown["message"]))
        of_stone = len(SCHEMES["graded"])  # the list's own price follows
        return [[as_number(cell) for cell in cells[:of_stone]] for _, cells in shown["rows"]]

    def scoring(content):
        path = tmp_path / "stones"
        path.write_bytes(content)
        source, places = plan.of_scheme(find_source(str(path)), "graded")
        stones = []
        for part in source.parts():
            for batch, problems in part.batches():
                found = rows.stones_of(batch, small_forests["graded"], places, problems)
                assert found.errors == {}
                stones += found.matrix.round(4).tolist()
        return stones

    return {"retraining": retraining, "page": page, "scoring": scoring}


def as_number(cell):
    return float(cell) if is_number(cell) else cell


EXPECTED = [[as_number(c) for p, c in enumerate(stone) if p != 6] for stone in STONES]


@pytest.mark.parametrize("form", TAKEN)
def test_stones_are_taken_alike(read_by, form):
    content = content_of(form, TABLE)
    assert read_by["retraining"](content) == EXPECTED
    assert read_by["page"](content) == EXPECTED
    measures = [[stone[0], *stone[4:]] for stone in EXPECTED]
    assert [[one[0], *one[4:]] for one in read_by["scoring"](content)] == [
        pytest.approx(one, abs=1e-4) for one in measures
    ]


@pytest.fixture
def answers(client, live_models):
    stone = dict(zip(COLUMNS, STONES[0], strict=True)) | {"price": None}
    stone = {name: value for name, value in stone.items() if value}
    for _ in PRICES:
        client.get("/api/predict", stone)
    return [*Prediction.objects.order_by("pk")]


@pytest.fixture
def by():
    return get_user_model().objects.create_user("rita")


@pytest.mark.parametrize("form", TAKEN)
def test_prices_are_taken_alike(answers, by, form):
    table = [["id", "price", "miasto"]]
    table += [[str(one.pk), price, "Łódź"] for one, price in zip(answers, PRICES, strict=True)]
    upload = read_prices(content_of(form, table), "prices", by)
    assert (upload.errors, upload.kept) == ([], 3)
    kept = Review.objects.order_by("prediction_id").values_list("actual_price", flat=True)
    assert [*kept] == [float(price) for price in PRICES]


HEADINGS = {
    "English": dict(
        carat="Weight",
        cut="Cut Grade",
        color="Colour",
        clarity="Clarity",
        depth="Depth %",
        table="Table %",
        price="Total Price",
        x="Length",
        y="Width",
        z="Height",
    ),
    "Nivoda's": dict(
        carat="carats",
        depth="depthPercentage",
        table="table_percentage",
        x="length",
        y="width",
        z="Height (mm)",
    ),
    "RapNet's": dict(carat="Size", cut="Cut Grade", depth="Depth Percent", table="Table Percent"),
    "RapNet's with sizes": dict(
        carat="Weight", depth="Depth Percent", x="Meas Length", y="Meas Width", z="Meas Depth"
    ),
    "Nivoda's with sizes": dict(
        color="col", clarity="clar", depth="depthPercentage", x="length", y="width", z="depth"
    ),
    "IDEX's": dict(
        depth="Total Depth %",
        table="Table Width %",
        x="Measurements (Length)",
        y="Measurements (Width)",
        z="Measurements (Height)",
    ),
    "a depth in mm": dict(depth="Total Depth", z="Depth (mm)"),
    "a price with its currency": dict(price="Price (USD)"),
    "Polish": dict(
        carat="Masa",
        cut="Szlif",
        color="Barwa",
        clarity="Czystość",
        depth="Głębokość",
        table="Tafla",
        price="Cena",
        x="Długość",
        y="Szerokość",
        z="Wysokość",
    ),
}


@pytest.mark.parametrize("headings", HEADINGS)
def test_the_headings_of_the_trade_are_understood(read_by, headings):
    content = text(named(TABLE, **HEADINGS[headings])).encode()
    assert read_by["retraining"](content) == EXPECTED
    assert read_by["page"](content) == EXPECTED
    assert len(read_by["scoring"](content)) == 3


@pytest.mark.parametrize(
    ("heading", "line"),
    [
        ("Measurements", "{} - {} x {}"),
        ("Wymiary", "{}-{}*{}"),
        ("measurements (mm)", "{} x {} x {} mm"),
    ],
)
def test_measurements_in_one_column_are_taken_apart(read_by, heading, line):
    table = [[*COLUMNS[:7], heading], *([*s[:7], line.format(*s[7:])] for s in STONES)]
    content = text(table).encode()
    assert read_by["retraining"](content) == EXPECTED
    assert read_by["page"](content) == EXPECTED
    assert len(read_by["scoring"](content)) == 3


@pytest.mark.parametrize(
    ("column", "written", "meant"),
    [
        ("cut", "VG", "Very Good"),
        ("cut", "V.Good", "Very Good"),
        ("cut", "Very-Good", "Very Good"),
        ("cut", "GD", "Good"),
        ("cut", "FR", "Fair"),
        ("cut", "ID", "Ideal"),
        ("clarity", "VS 1", "VS1"),
        ("clarity", "SI-2", "SI2"),
        ("color", " g ", "G"),
    ],
)
def test_the_spellings_of_the_trade_are_understood(read_by, column, written, meant):
    place = COLUMNS.index(column)
    table = [TABLE[0], [*STONES[0][:place], written, *STONES[0][place + 1 :], ""]]
    expected = [*STONES[0][:place], meant, *STONES[0][place + 1 :]]
    expected = [as_number(cell) for p, cell in enumerate(expected) if p != 6]
    assert read_by["retraining"](text(table).encode()) == [expected]
    assert read_by["page"](text(table).encode()) == [expected]
    assert len(read_by["scoring"](text(table).encode())) == 1


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("Price/ct", "columns are missing: price"),
        ("Price (USD/ct)", "columns are missing: price"),
        ("Price per Carat", "columns are missing: price"),
        ("Price (EUR)", "column 'Price (EUR)' is in EUR, and the prices are read in USD"),
        ("Cena zł", "column 'Cena zł' is in PLN, and the prices are read in USD"),
        ("A$ price", "column 'A$ price' is in AUD, and the prices are read in USD"),
    ],
)
def test_a_heading_of_other_prices_is_not_taken(read_by, answers, by, heading, said):
    content = text(named(TABLE, price=heading)).encode()
    with pytest.raises(DatasetError) as caught:
        read_by["retraining"](content)
    assert said in str(caught.value)
    upload = read_prices(text([["id", heading], [str(answers[0].pk), "2700"]]).encode(), "", by)
    expected = "The column price is missing." if "missing" in said else f"C{said[1:]}."
    assert [one[2] for one in upload.errors] == [expected]
    assert not Review.objects.exists()


def test_a_title_above_the_names_of_columns_is_refused_as_one(read_by, by):
    content = ("Price list\n\n" + text(TABLE)).encode()
    said = "Line 1 does not name columns: remove the lines above those that do."
    with pytest.raises(DatasetError) as caught:
        read_by["page"](content)
    assert str(caught.value) == said
    assert [one[2] for one in read_prices(content, "", by).errors] == [said]
    missing = "line 1: columns are missing: carat, .*; there are 'Price list'"
    with pytest.raises(DatasetError, match=missing):
        read_by["retraining"](content)


def test_an_empty_depth_is_worked_out_alike(read_by):
    depth = COLUMNS.index("depth")
    content = text([TABLE[0], [*STONES[0][:depth], "", *STONES[0][depth + 1 :], ""]]).encode()
    [expected] = [[0.7, "Ideal", "G", "VS1", 61.4, 56, 5.73, 5.71, 3.51]]
    assert read_by["retraining"](content) == [expected]
    assert read_by["page"](content) == [expected]
    [[*_, found, _, _, _, _]] = read_by["scoring"](content)
    assert found == pytest.approx(61.4, abs=1e-4)


def test_a_depth_in_mm_is_none_in_percent(read_by):
    content = text(named(TABLE, depth="Depth (mm)", z="Note")).encode()
    with pytest.raises(DatasetError, match="columns are missing: depth"):
        dataset.read(io.BytesIO(content), "stones", ignore_extra=True)
    found = dataset.read_list(io.BytesIO(content), "stones").stones
    assert found.z.tolist() == [float(stone[COLUMNS.index("depth")]) for stone in STONES]
    assert found.depth.min() > 100  # computed from x, y and z


@pytest.mark.parametrize(
    ("column", "written"), [("cut", "VG-"), ("color", "G-"), ("clarity", "VS1-")]
)
def test_a_grade_with_a_sign_after_it_is_not_taken(read_by, column, written):
    place = COLUMNS.index(column)
    table = [TABLE[0], [*STONES[0][:place], written, *STONES[0][place + 1 :], ""]]
    with pytest.raises(DatasetError, match=f"^{column} is not a known grade: '{written}'$"):
        read_by["retraining"](text(table).encode())
    with pytest.raises(AssertionError, match=f"“{written}” is not a {column} grade"):
        read_by["scoring"](text(table).encode())


@pytest.mark.parametrize(
    ("value", "format"), [(0.615, "0.0%"), (61.5, '0.0"%"'), (61.5, "0.0\\%"), (61.5, "0.0")]
)
def test_a_percentage_of_a_workbook_is_read_as_it_is_shown(read_by, value, format):  # noqa: A002
    book = Workbook()
    book.active.append(TABLE[0])
    book.active.append([as_number(cell) for cell in [*STONES[0], ""]])
    cell = book.active.cell(2, 1 + COLUMNS.index("depth"), value)
    cell.number_format = format
    target = io.BytesIO()
    book.save(target)
    assert read_by["retraining"](target.getvalue()) == EXPECTED[:1]
    assert read_by["page"](target.getvalue()) == EXPECTED[:1]


REFUSED = {
    "nothing": (b"", "file is empty"),
    "blank lines": (b"\n\n", "file is empty"),
    "the header alone": (text(TABLE[:1]), "no rows"),
    "JSON": ('[{"carat": 1}]', "is JSON: save the table as CSV"),
    "Feather": (b"ARROW1\0\0" * 9, "is a Feather file: save the table as CSV"),
    "ORC": (b"ORC" + bytes(99), "is an ORC file: save the table as CSV"),
    "PNG": (b"\x89PNG" + bytes(99), "is a PNG picture: save the table as CSV"),
    "an old workbook": (
        b"\xd0\xcf\x11\xe0" * 99,
        "is an old Excel workbook: save the table as CSV",
    ),
    "a gzip in a gzip": (gzip.compress(gzip.compress(b"a,b")), "contains another gzip file"),
    "a gzip cut short": (gzip.compress(text(TABLE).encode())[:-9], "gzip file"),
    "a zip of two files": (zipped(a__csv=b"a", b__csv=b"b"), "the zip file contains 2 files"),
    "a zero byte": (text(TABLE) + "0.7,\0", "line 5 contains a zero byte, so it is not text"),
    "a missing quotation mark": (
        text(TABLE) + '0.7,"Ideal,G\n',
        "line 5 is not valid CSV: a quotation mark",
    ),
    "a quotation mark too many": (
        text(TABLE) + '0.7,"Id"eal,G\n',
        "line 5 is not valid CSV: a quotation mark",
    ),
    "an endless line": (
        "x" * 900_000 + "," + "y" * 300_000,
        "line 1 is longer than 1,000,000 characters",
    ),
    "too many columns": (",".join(map(str, range(2001))), "the header has more than 2,000 columns"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_a_table_is_refused_with_the_same_words(read_by, by, what, monkeypatch):
    content, said = REFUSED[what]
    content = content.encode() if isinstance(content, str) else content
    monkeypatch.setattr("predictor.pages.price_file.upload.MOST_BYTES", 2_000_000)
    told = []
    for read in read_by.values():
        with pytest.raises((DatasetError, ScoringError)) as caught:
            read(content)
        told.append(str(caught.value))
    [(_, _, message)] = read_prices(content, "prices", by).errors
    for one in (*told, message):
        assert said.lower() in one.lower()
    assert not Review.objects.exists()
