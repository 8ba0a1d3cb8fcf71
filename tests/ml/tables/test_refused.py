"""Files that are not tables of stones, or are ambiguous, are refused with one line that says what to do."""

import errno
import gzip
import io
import os
import tarfile
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import dataset, tables
from ml.tables import DatasetError, ExtraColumns

from .files import ENDINGS, HEADER, PACKED, encrypted_zip, row, table, zipped

NUMBER = "is not a finite number: write it like 3.95, or take the row out"
MONEY = "is not a finite number: write it in USD, like 2757, or take the row out"
DOUBT = "can mean {} or {}: write the one that is meant"
ZERO = "contains a zero byte, so it is not text: save the table as CSV in UTF-8"
QUOTES = "is not valid CSV: a quotation mark is missing or there is one too many"
CELLS = "a separator too many or too few, or a decimal comma without quotes"
NAMES = ", ".join(dataset.COLUMNS)
GRADES = "is not a cut grade (Fair, Good, Very Good, Premium, Ideal)"
COLORS = "is not a color grade (J, I, H, G, F, E, D)"


def semicolons(*rows):
    return table(*rows, header=HEADER.replace(",", ";"))


def comma(price):
    return f"0,7;Ideal;G;VS1;61,5;56;{price};5,73;5,7;3,51"


TABLES = {
    "missing columns": (
        table(header="carat,Cut ,lab"),
        "line 1: columns are missing: color, clarity, depth, table, price, x, y, z; "
        "there are 'carat', 'Cut', 'lab'",
    ),
    "a column twice": (
        table(row() + ",1", header=HEADER + ", Carat"),
        "line 1: column carat appears twice, as number 1 and 11",
    ),
    "no header": (
        table(header=row()),
        f"line 1 is not a header row: it has none of the columns {NAMES}; "
        "it is '0.7,Ideal,G,VS1,61.5,56,2700,5.73,5.7,3.…'",
    ),
    "an unknown cut": (table(row(), row(cut="Idael")), f"line 3, column cut: 'Idael' {GRADES}"),
    "a fault after blank lines": (
        b"\n" + table(row(), "", " ", row(cut="Idael")),
        f"line 6, column cut: 'Idael' {GRADES}",
    ),
    "a fault after a cell of two lines": (
        table(row(cut='"Very\nGood"'), row(cut="Idael")),
        f"line 4, column cut: 'Idael' {GRADES}",
    ),
    "the first of several": (
        table(row(), row(color="K"), row(color="M"), row(color="K")),
        "line 3, column color: 'K' is refused. The data has no stones of grade K; its grades are J "
        "(worst) to D (best).",
    ),
    "a grade of laboratories": (
        table(row(cut="EX")),
        "line 2, column cut: 'EX' is refused. Excellent is a GIA grade; the best grade in the data is "
        "Ideal (AGS): choose Ideal or Premium.",
    ),
    "an empty grade": (table(row(color="")), f"line 2, column color: '' {COLORS}"),
    "no ASCII in a grade": (
        table(row()) + row(cut="Id\xe9al").encode("latin-1"),
        f"line 3, column cut: 'Idéal' {GRADES}",
    ),
    "text in a number": (
        table(row(), row(), row(price="dear")),
        f"line 4, column price: 'dear' {MONEY}",
    ),
    "another currency": (
        table(row(price="€326")),
        "line 2, column price: '€326' is in EUR, and the prices are read in USD",
    ),
    "an empty number": (table(row(x="")), f"line 2, column x: '' {NUMBER}"),
    "nan": (table(row(depth="nan")), f"line 2, column depth: 'nan' {NUMBER}"),
    "inf": (table(row(z="-inf")), f"line 2, column z: '-inf' {NUMBER}"),
    "1e400": (table(row(y="1e400")), f"line 2, column y: '1e400' {NUMBER}"),
    "another script's digits": (table(row(y="٣")), f"line 2, column y: '٣' {NUMBER}"),
    "thousands of carats": (
        table(row(carat='"1,234.5"')),
        f"line 2, column carat: '1,234.5' {NUMBER}",
    ),
    "a NUL in a number": (table(row(carat="0.7\0")), f"line 2 {ZERO}"),
    "two decimal marks": (
        table(row(), row(carat='"0,7"')),
        "line 3, column carat: '0,7' has a decimal comma, but line 2, column carat: '0.7' has a "
        "decimal point: use points everywhere",
    ),
    "a price that means two things": (
        semicolons(comma("326"), comma("1,234")),
        f"line 3, column price: '1,234' {DOUBT.format('1234', '1.2340')}",
    ),
    "prices with three decimals, or thousands": (
        table(row(price="326.000"), row(price="1.234")),
        f"line 2, column price: '326.000' {DOUBT.format('326000', '326.00')}",
    ),
    "a price with nothing to tell": (
        table(row(price='"1,234"', carat=1, depth=61, x=5, y=5, z=3)),
        f"line 2, column price: '1,234' {DOUBT.format('1234', '1.2340')}",
    ),
    "decimal commas without quotes": (
        table(row(carat="0,7")),
        f"line 2: the header has 10 cells, this line 11: {CELLS}",
    ),
    "a short row": (
        table(row(), "0.7,Ideal"),
        f"line 3: the header has 10 cells, this line 2: {CELLS}",
    ),
    "a long row": (
        table(row(), row() + ",1"),
        f"line 3: the header has 10 cells, this line 11: {CELLS}",
    ),
    "NUL bytes": (
        table(row(), "\0" * 50),
        f"line 3 {ZERO}",
    ),
    "a quote without an end": (
        table(row(), row(z='"3.51'), row()),
        f"line 3 {QUOTES}",
    ),
    "a quote in the middle": (
        table(row(cut='"Very" Good')),
        f"line 2 {QUOTES}",
    ),
    "an endless cell": (
        table(row(cut='"' + "Ideal\n" * 30_000)),
        "line 2: a cell has over 131,072 characters, or a quotation mark is missing",
    ),
    "an endless line": (
        table(row(cut="x" * 1_300_000)),
        "line 2 is longer than 1,000,000 characters",
    ),
    "an empty file": (b"", "the file is empty"),
    "blank lines": (b"\n\n\n", "the file is empty"),
    "the header alone": (table(), "no rows below the header"),
    "UTF-16 cut short": (
        table(row()).decode().encode("utf-16")[:-1],
        "is not UTF-16 throughout, as its start says",
    ),
    "a code page after a mark of UTF-8": (
        b"\xef\xbb\xbf" + table(row(cut="Id\xe9al")).decode().encode("latin-1"),
        "is not UTF-8 throughout, as its start says",
    ),
}


def tar():
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("diamonds.csv")
        entry.size = len(table(row()))
        archive.addfile(entry, io.BytesIO(table(row())))
    return target.getvalue()


FILES = {
    "a picture": ("a.csv", b"\x89PNG\r\n\x1a\n" * 9, "is a PNG picture: save the table as CSV"),
    "a Parquet file": ("a.parquet", b"PAR1" * 9, "is a Parquet file: save the table as CSV"),
    "an Excel workbook": (
        "a.xlsx",
        zipped(xl="", **{"xl/workbook__xml": "<x/>"}),
        "the Excel workbook is damaged: save it again, or save the table as CSV",
    ),
    "an old workbook": (
        "a.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1" * 99,
        "is an old Excel workbook: save the table as CSV",
    ),
    "a web page": ("a.csv", b"\n<!DOCTYPE html>", "is a web page or XML: save the table as CSV"),
    "JSON": ("a.csv", b'[{"carat": 1}]', "is JSON: save the table as CSV"),
    "a picture in a gzip": (
        "a.csv.gz",
        gzip.compress(b"\x89PNG" * 9),
        "contains a PNG picture: save the table as CSV",
    ),
    "a tar": ("a.tar", tar(), "is a tar archive: save the table as CSV"),
    "a tar in a gzip": (
        "a.tar.gz",
        gzip.compress(tar()),
        "contains a tar archive: save the table as CSV",
    ),
    "a gzip in a gzip": (
        "a.csv.gz",
        gzip.compress(gzip.compress(table(row()))),
        "contains another gzip file: unpack it once",
    ),
    "an empty file in a gzip": ("a.gz", gzip.compress(b""), "the gzip file contains an empty file"),
    "text that is called gzip": (
        "a.csv.gz",
        table(row()),
        "is something else, not gzip as its name says: rename it",
    ),
    "a picture that is called gzip": (
        "a.GZ",
        b"\x89PNG" * 9,
        "is a PNG picture, not gzip as its name says: rename it",
    ),
    "a gzip that is called zip": (
        "a.zip",
        gzip.compress(table(row())),
        "is gzip, not zip as its name says: rename it",
    ),
    "two files in a zip": (
        "a.zip",
        zipped(a__csv=table(row()), b__csv=table(row())),
        "the zip file contains 2 files ('a.csv', 'b.csv'): it must contain one",
    ),
    "no file in a zip": ("a.zip", zipped(), "the zip file is empty"),
    "an encrypted zip": ("a.zip", encrypted_zip(), "the zip file is encrypted: unpack it first"),
    "a zip cut short": (
        "a.zip",
        zipped(a__csv=table(row()))[:-30],
        "the zip file is cut short or damaged",
    ),
    "a damaged gzip": (
        "a.gz",
        gzip.compress(table(row()))[:-8] + bytes(8),
        "the gzip file is damaged: CRC check failed",
    ),
}


def refusal(content, name="a.csv", **options):
    with pytest.raises(DatasetError) as caught:
        dataset.read(io.BytesIO(content), name, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{name}: ")
    return message.removeprefix(f"{name}: ")


@pytest.mark.parametrize("name", TABLES)
def test_a_faulty_table_is_refused_by_line_and_column(name):
    content, message = TABLES[name]
    assert refusal(content) == message


@pytest.mark.parametrize("case", FILES)
def test_a_file_of_another_kind_is_refused_by_what_it_is(case):
    name, content, message = FILES[case]
    assert refusal(content, name).startswith(message)


@pytest.mark.parametrize("kind", PACKED)
def test_a_packed_file_that_is_cut_short_is_refused(sample, kind):
    content = PACKED[kind](sample.to_csv(index=False).encode())
    for length in (len(content) // 2, len(content) - 5, 7):
        message = refusal(content[:length], f"a{ENDINGS[kind]}")
        assert "cut short" in message or "damaged" in message


@pytest.mark.parametrize("kind", PACKED)
def test_no_damage_of_a_packed_file_ends_in_anything_but_its_refusal(sample, kind):
    content = PACKED[kind](sample.to_csv(index=False).encode())
    for place in range(0, len(content), len(content) // 60):
        spoilt = bytearray(content)
        spoilt[place] ^= 0x55
        try:
            dataset.read(io.BytesIO(spoilt), "a")
        except DatasetError as error:
            assert "\n" not in str(error)  # noqa: PT017


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 400), st.integers(0, 20), st.binary(max_size=40) | st.text(max_size=20))
def test_nor_does_any_damage_of_the_text(place, length, put):
    content = table(*[row()] * 5, header="," + HEADER).replace(b"\n0", b"\n1,0")
    put = put if isinstance(put, bytes) else put.encode("utf-8", "surrogatepass")
    try:
        found = dataset.read(
            io.BytesIO(content[:place] + put + content[place + length :]), "a", ignore_extra=True
        )
        assert not found.stones.isna().any(axis=None)
    except DatasetError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


@pytest.mark.parametrize("kind", PACKED)
def test_a_bomb_is_refused_at_the_limit(kind):
    bomb = PACKED[kind]((HEADER + "\n" + (row() + "\n") * 40_000).encode())
    started = io.BytesIO(bomb)
    with pytest.raises(DatasetError, match=r"^a: is larger than 1 MiB when unpacked$"):
        tables.read(started, "a", limit=2**20)


def test_extra_columns_are_refused_by_name_unless_they_may_be_ignored():
    content = table(row() + ",GIA,1", header=HEADER + ",lab,Unnamed: 0")
    with pytest.raises(ExtraColumns, match=rf"^a: additional columns besides {NAMES}: 'lab'$"):
        dataset.read(io.BytesIO(content), "a")


def test_text_in_a_column_without_a_name_is_named_by_its_place():
    content = table("GIA," + row(), header="," + HEADER)
    with pytest.raises(ExtraColumns, match=r"^a: additional columns besides .*: column 1 \(''\)$"):
        dataset.read(io.BytesIO(content), "a")


def piped(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


PATHS = {
    "a missing file": (lambda folder: folder / "no.csv", "no.csv: no such file"),
    "a folder": (lambda folder: folder, "is a folder, not a file"),
    "the empty path": (lambda _: "", "is a folder, not a file"),
    "a named pipe": (piped, "/pipe: is a named pipe, not a file"),
    "a device": (lambda _: "/dev/zero", "/dev/zero: is a device, not a file"),
    "a file below a file": (lambda _: "/etc/passwd/b", "cannot be read: Not a directory"),
    "a NUL": (lambda _: "a\0b", "'a\\x00b': is not a valid file name: embedded null byte"),
    "a long name": (lambda _: "a" * 5000, "cannot be read: File name too long"),
    "two lines": (lambda _: "a\nb", "'a\\nb': no such file"),
}


@pytest.mark.parametrize("what", PATHS)
def test_a_path_that_is_no_file_is_refused_at_once(tmp_path, what):
    make, said = PATHS[what]
    with pytest.raises(DatasetError) as caught:
        dataset.read(make(tmp_path))  # reading one of them would wait forever
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "a").touch()
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    monkeypatch.setattr(os, "open", Mock(side_effect=denied))
    with pytest.raises(DatasetError, match="cannot be read: Permission denied"):
        dataset.read(tmp_path / "a")
