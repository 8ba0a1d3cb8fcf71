"""A file of stones: how it is read, that all or none of it is recorded, and the results."""

import csv
import gzip
import html
import io
import re
import time
import uuid
import zipfile
from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from openpyxl import Workbook

from ml.stones import CODES, EXAMPLES, GRADES, SCHEMES
from predictor.models import Activation, Prediction, PricedFile
from predictor.pages.price_file import stones, upload
from predictor.pages.price_file.columns import ADDED
from predictor.versions.live import registry

from .helpers import ENGLISH, POLISH, page

GRADED = SCHEMES["graded"]
ROWS = [
    [0.7, "Ideal", "G", "VS1", 61.5, 56, 5.73, 5.7, 3.51],
    [1.01, "Premium", "E", "SI1", 62.1, 58, 6.4, 6.36, 3.96],
    [0.31, "Very Good", "H", "VVS2", 61.8, 57, 4.35, 4.37, 2.69],
]


def table(rows=ROWS, columns=GRADED, separator=",", decimal="."):
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=separator)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(
            [str(cell).replace(".", decimal) if isinstance(cell, float) else cell for cell in row]
        )
    return lines.getvalue()


def send(client, content, name="stones.csv", headers=ENGLISH, whole=False):
    content = content.encode() if isinstance(content, str) else content
    sent = {"file": SimpleUploadedFile(name, content)} | ({"whole": "1"} if whole else {})
    return client.post("/file/", sent, headers=headers)


def price(client, content, **changes):
    """Submits the preview's form: the browser sends the table that the preview shows."""
    preview = send(client, content)
    assert preview.status_code == 200, page(preview)
    text = re.search(r'<textarea name="table"[^>]*>\n(.*?)</textarea>', page(preview), re.S)[1]
    fields = dict(
        re.findall(r'<input type="hidden" name="(name|separator)" value="(.)?', page(preview))
    )
    sent = {"table": text, "name": "stones.csv", "separator": fields["separator"], **changes}
    return client.post("/file/", sent, headers=ENGLISH)


def form_of(response):
    """The fields that the browser sends with a preview's form."""
    text = page(response)
    sent = {"table": re.search(r'<textarea name="table"[^>]*>\n(.*?)</textarea>', text, re.S)[1]}
    sent |= re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', text)
    for name, options in re.findall(
        r'<select id="[\w-]+" name="([\w-]+)">(.*?)</select>', text, re.S
    ):
        chosen = re.search(r'value="(\d*)" selected', options)
        sent[name] = chosen[1] if chosen else ""
    sent.pop("csrfmiddlewaretoken", None)
    return {name: html.unescape(value) for name, value in sent.items()}


def given_back(client, address, separator=","):
    response = client.get(f"{address}priced.csv")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = response.content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=separator))


def refusal(response):
    """The reason for which a file was refused."""
    return re.search(r'<p id="file-error">(.*?)</p>', page(response), re.S)[1]


def faults(response):
    return re.findall(r"<li>(Lines? .*?)</li>", page(response), re.S)


def test_a_file_is_shown_before_anything_is_priced(client, live_models):
    response = send(client, table())
    assert response.status_code == 200
    assert "<dd>3</dd>" in page(response)
    for cell in ("0.7", "Premium", "VVS2", "3.96"):
        assert f"<td>{cell}</td>" in page(response)
    assert not Prediction.objects.exists()
    assert not PricedFile.objects.exists()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_priced_file_is_recorded_and_comes_back_with_its_prices(client, live_models, scheme):
    stones = [list(stone.values()) for stone in EXAMPLES[scheme]]
    response = price(client, table(stones, SCHEMES[scheme]))
    kept, rows = PricedFile.objects.get(), list(Prediction.objects.order_by("id"))
    assert (response.status_code, response.url) == (302, f"/file/{kept.pk}/")
    assert [row.features for row in rows] == list(EXAMPLES[scheme])
    assert {(row.source, row.status) for row in rows} == {("batch", 200)}
    assert kept.predictions == [row.pk.hex for row in rows]
    head, *lines = given_back(client, response.url)
    assert head == [*SCHEMES[scheme], *ADDED]
    for line, row in zip(lines, rows, strict=True):
        cells = dict(zip(head, line, strict=True))
        assert cells["predicted_price"] == str(row.predicted_price)
        assert (cells["low"], cells["high"]) == (str(row.whole_low), str(row.whole_high))
        assert cells["quote"] == f"http://testserver{row.get_absolute_url()}"
        assert cells["carat"] == str(row.carat)


def test_the_prices_are_those_of_single_stones(client, live_models):
    price(client, table())
    for row in Prediction.objects.all():
        single = client.get("/api/predict", row.features).json()
        assert single["predicted_price"] == row.predicted_price


def test_the_summary_shows_totals_grades_and_warnings(client, live_models):
    odd = [*ROWS, [0.7, "Ideal", "G", "VS1", 66, 56, 5.73, 5.7, 3.51]]
    response = price(client, table(odd))
    text = page(client.get(response.url, headers=ENGLISH))
    prices = [row.predicted_price for row in Prediction.objects.all()]
    assert f'<p class="price">${sum(prices):,}</p>' in text
    ideal = [row.predicted_price for row in Prediction.objects.filter(cut="Ideal")]
    assert re.search(
        rf'Ideal</th><td class="figure">2</td><td class="figure">\${sum(ideal):,}', text
    )
    assert "Depth does not match the measurements</dt><dd>1</dd>" in text


PRICE_BUTTON = "Price and save all"

READABLE = [
    table(separator=";"),
    table(separator="\t"),
    table(separator=";", decimal=","),
    "\ufeff" + table(),
    table().replace("\n", "\r\n\r\n"),
    table(columns=[name.upper() for name in GRADED]),
    table(columns=[f" {name} " for name in GRADED]),
    table([[f" {cell} " for cell in row] for row in ROWS]),
    table().encode("utf-16"),
    table([["0,70 ct", "ideal", "g", "vs1", "61,5 %", "56%", "5,73 mm", "5.7", "3.51"], *ROWS[1:]]),
]


@pytest.mark.parametrize("content", READABLE)
def test_it_is_read_as_people_write_it(client, live_models, content):
    response = price(client, content)
    assert response.status_code == 302
    rows = Prediction.objects.order_by("id")
    assert [list(row.features.values()) for row in rows] == ROWS


def test_own_columns_come_back_in_their_code_page_and_order(client, live_models):
    rows = [["Łódź", *row, "=1+1"] for row in ROWS]
    content = table(rows, ["miasto", *GRADED, "uwagi"], ";").encode("cp1250")
    head, first, *_ = given_back(client, price(client, content).url, ";")
    assert head == ["miasto", *GRADED, "uwagi", *ADDED]
    assert (first[0], first[10]) == ("Łódź", "'=1+1")


def test_a_priced_file_that_is_priced_again_keeps_its_own_columns(client, live_models):
    own = ["=HYPERLINK(1)", "note", *GRADED]
    sent = table([["=x", "a;=b", *row] for row in ROWS], own)
    once = [line[: len(own)] for line in given_back(client, price(client, sent).url)]
    again = given_back(client, price(client, table(once[1:], once[0])).url)
    assert [line[: len(own)] for line in again] == once
    kept = PricedFile.objects.latest("created")
    assert kept.columns == own
    first = Prediction.objects.get(pk=kept.predictions[0]).request_object()
    assert (first["=HYPERLINK(1)"], first["note"]) == ("=x", "a;=b")


def test_a_depth_that_is_left_empty_is_worked_out_and_counted(client, live_models):
    rows = [[*ROWS[0][:4], "", *ROWS[0][5:]], *ROWS[1:]]
    preview = send(client, table(rows))
    assert "Stones whose depth was computed from the measurements</dt><dd>1</dd>" in page(preview)
    price(client, table(rows))
    assert Prediction.objects.order_by("id").first().depth == 61.4


REFUSED = [
    ("", "The file is empty."),
    ("\n \n", "The file is empty."),
    (
        "carat\n0.7\n",
        "Columns are missing. For grades by their names: cut, color, clarity, depth, table, x, y, z. "
        "For coded grades: cut, color, clarity, depth, table, volume.",
    ),
    (
        "carat,cut\n0.7,Ideal\n",
        "Columns are missing. For grades by their names: color, clarity, depth, "
        "table, x, y, z. For coded grades: color, clarity, depth, table, volume.",
    ),
    (",".join(GRADED) + "\n", "No rows below the header."),
    (
        table(ROWS[:1] * 10_001),
        "The file has more than 10,000 rows.",
    ),
    (
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        "The file is a PNG picture: save the table as CSV.",
    ),
    (
        b"\xff\xd8\xff\xe0" + bytes(100),
        "The file is a JPEG picture: save the table as CSV.",
    ),
    (b"PK\x03\x04" + bytes(100), "The zip file is cut short or damaged."),
    (b"PAR1" + bytes(100), "The file is a Parquet file: save the table as CSV."),
    (
        b"carat,cut\x00\n",
        "Line 1 contains a zero byte, so it is not text: save the table as CSV in UTF-8.",
    ),
    (b"carat,\x81\x83,\n", "The file is not text: save the table as CSV in UTF-8."),
    (
        table(columns=["carat", *GRADED[:-1]]),
        "Line 1: column carat appears twice, as number 1 and 2.",
    ),
    (
        table([[*row, 1] for row in ROWS], [*GRADED, "low"]),
        "The column low has the name of an added column: rename it.",
    ),
    (
        table(decimal=",").replace('"', ""),
        "Line 2: the header has 9 cells, this line 14: a separator too many or too few, or a decimal "
        "comma without quotes.",
    ),
    (
        table() + '0.7,"Ideal,G,VS1,61.5,56,5.73,5.7,3.51\n',
        "Line 5 is not valid CSV: a quotation mark is missing or there is one too many.",
    ),
    (
        table([[*row, *range(2000)] for row in ROWS], [*GRADED, *(f"c{n}" for n in range(2000))]),
        "The header has more than 2,000 columns.",
    ),
    (table() + "\n" * 1_500_000, "The file is larger than 1.5 MB."),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_what_is_not_a_table_of_stones_is_refused_and_leaves_no_record(
    client, live_models, content, message
):
    response = send(client, content)
    assert response.status_code == 400
    assert refusal(response) == message
    assert "Nothing was priced or saved." in page(response)
    assert not Prediction.objects.exists()


def test_a_missing_upload_is_reported(client, live_models):
    assert refusal(client.post("/file/", {}, headers=ENGLISH)) == "Choose a file first."
    assert refusal(client.post("/file/", {}, headers=POLISH)) == "Najpierw wybierz plik."


def test_a_file_of_fifty_megabytes_is_refused_before_it_is_read(client, live_models):
    response = client.post(
        "/file/",
        headers=ENGLISH,
        content_type="multipart/form-data; boundary=x",
        data=b"",
        CONTENT_LENGTH="50000000",
    )
    assert response.status_code == 413
    assert "The request is larger than 2 MB" in page(response)
    assert not Prediction.objects.exists()


FAULTY = [
    (0, "abc", "Line 3, column carat: “abc” is not a number: give a number from 0.05 to 30 ct."),
    (0, "", "Line 3, column carat: Empty: give a number from 0.05 to 30 ct."),
    (0, "=cmd", "Line 3, column carat: “=cmd” is not a number: give a number from 0.05 to 30 ct."),
    (
        0,
        "1,000.5",
        "Line 3, column carat: “1,000.5” is not a number: give a number from 0.05 to 30 ct.",
    ),
    (
        0,
        "9",
        "Line 3, column carat: 9 ct is impossible: solid diamond of this size weighs 2.84 ct.",
    ),
    (
        1,
        "Poor",
        "Line 3, column cut: The data has no stones of grade Poor; its grades are Fair (worst) to "
        "Ideal (best).",
    ),
    (
        2,
        "K",
        "Line 3, column color: The data has no stones of grade K; its grades are J (worst) to D (best).",
    ),
    (
        3,
        "pretty",
        "Line 3, column clarity: “pretty” is not a clarity grade: give one of I1, SI2, SI1, VS2, "
        "VS1, VVS2, VVS1, IF.",
    ),
    (6, "nan", "Line 3, column x: “nan” is not a finite number: give a number from 1 to 40 mm."),
]


@pytest.mark.parametrize(("place", "cell", "message"), FAULTY)
def test_a_wrong_cell_is_reported_by_line_and_column(client, live_models, place, cell, message):
    rows = [list(row) for row in ROWS]
    rows[1][place] = cell
    response = send(client, table(rows))
    assert response.status_code == 200
    assert faults(response) == [message]
    assert "Price and save the 2 without errors" in page(response)
    response = send(client, table(rows), whole=True)
    assert response.status_code == 400
    assert faults(response) == [message]
    assert "Price and save" not in page(response)
    assert not Prediction.objects.exists()


def test_wrong_cells_are_listed_by_reason(client, live_models):
    rows = [[f"abc{n}", *ROWS[0][1:]] for n in range(120)]
    rows += [[0.7, "Ideal", "G", letter, *ROWS[0][4:]] for letter in ("I2", "I3")]
    response = send(client, table(rows))
    assert response.status_code == 400
    assert faults(response) == [
        "Lines 2, 3, 4, 5, 6 and 115 more, column carat: “abc0” is not a number: give a number from "
        "0.05 to 30 ct.",
        "Lines 122, 123, column clarity: The data has no stones of grade I2; its grades are I1 "
        "(worst) to IF (best).",
    ]
    assert "(122)" in page(response)


def test_more_reasons_than_a_page_lists_are_counted(client, live_models, monkeypatch):
    monkeypatch.setattr(upload, "MOST_REASONS", 1)
    rows = [["abc", *ROWS[0][1:]], [0.7, "Ideal", "G", "x", *ROWS[0][4:]]]
    response = send(client, table(rows))
    assert len(faults(response)) == 1
    assert "And 1 more reasons." in page(response)


def test_the_grades_may_be_codes(client, live_models):
    columns = [name for name in GRADED if name != "x"]
    assert "Columns are missing" in refusal(send(client, table([row[:8] for row in ROWS], columns)))
    both = [*GRADED, "volume"]
    rows = [[0.37, 3, 0, 2, 59.2, 61.0, 4.7, 4.68, 2.77, 60.063]]
    response = send(client, table(rows, both))
    assert "Coded grades" in page(response)
    assert set(CODES) == set(GRADES)


def test_what_the_preview_sends_is_read_as_strictly(client, live_models):
    sent = {"table": table().replace("Ideal", "abc"), "whole": "1"}
    response = client.post("/file/", sent, headers=ENGLISH)
    assert response.status_code == 400
    assert len(faults(response)) == 1
    response = client.post("/file/", {"table": "x", "separator": "|"}, headers=ENGLISH)
    assert response.status_code == 400
    assert not Prediction.objects.exists()


def test_all_or_none_is_recorded_where_the_file_cannot_be_kept(client, live_models, monkeypatch):
    monkeypatch.setattr(PricedFile, "save", Mock(side_effect=OperationalError("the disk is full")))
    response = price(client, table())
    assert response.status_code == 503
    assert not Prediction.objects.exists()


def test_without_a_live_model_nothing_is_priced(client, live_models):
    Activation.objects.update(live=False)
    registry.refresh()
    response = send(client, table())
    assert "No model is active for this form" in page(response)
    assert PRICE_BUTTON not in page(response)


def test_a_file_whose_answers_are_partly_gone_says_so(client, live_models):
    address = price(client, table()).url
    kept = PricedFile.objects.get()
    kept.predictions[0] = uuid.uuid4().hex
    kept.save()
    assert "1 of its quotes have been deleted" in page(client.get(address, headers=ENGLISH))
    assert len(given_back(client, address)) == 3
    kept.predictions = [uuid.uuid4().hex]
    kept.save()
    assert "The quotes of this file have been deleted" in page(client.get(address, headers=ENGLISH))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_sample_file_can_be_sent(client, live_models, scheme):
    response = client.get(f"/file/sample-{scheme}.csv")
    assert f"sample-{scheme}.csv" in response["Content-Disposition"]
    assert price(client, response.content).status_code == 302
    assert Prediction.objects.filter(scheme=scheme).count() == 12


@pytest.mark.parametrize(
    "path",
    [
        "/file/sample-other.csv",
        "/file/00000000-0000-7000-8000-000000000000/",
        "/file/00000000-0000-7000-8000-000000000000/priced.csv",
    ],
)
def test_what_is_not_there_is_not_found(client, live_models, path):
    assert client.get(path).status_code == 404


def test_the_request_is_counted(client, live_models, settings):
    settings.API_THROTTLE = (1, 60)
    assert [send(client, table()).status_code for _ in range(2)] == [200, 429]


def in_trade_words(**names):
    return table(columns=[names.get(name, name) for name in GRADED])


def test_the_preview_shows_which_column_was_taken_for_what_and_lets_it_be_changed(
    client, live_models
):
    content = in_trade_words(carat="Weight", x="Width 1", y="Width 2", z="Height")
    preview = send(client, content)
    assert preview.status_code == 400
    assert refusal(preview).startswith("Columns are missing. For grades by their names: x, y.")
    assert PRICE_BUTTON not in page(preview)
    sent = form_of(preview)
    assert (sent["column-carat"], sent["column-x"], sent["column-z"]) == ("0", "", "8")
    again = client.post(
        "/file/", sent | {"column-x": "6", "column-y": "7", "again": "1"}, headers=ENGLISH
    )
    assert again.status_code == 200
    sent = form_of(again)
    assert (sent["column-x"], sent["shown-x"]) == ("6", "6")
    response = client.post("/file/", sent, headers=ENGLISH)
    assert response.status_code == 302
    rows = Prediction.objects.order_by("id")
    assert [list(row.features.values()) for row in rows] == ROWS
    head, *_ = given_back(client, response.url)
    assert head[:9] == ["Weight", *GRADED[1:6], "Width 1", "Width 2", "Height"]


def test_a_change_of_columns_is_shown_before_anything_is_priced(client, live_models):
    sent = form_of(send(client, table()))
    changed = sent | {"column-x": sent["column-y"], "column-y": sent["column-x"]}
    response = client.post("/file/", changed, headers=ENGLISH)
    assert response.status_code == 200
    assert not Prediction.objects.exists()
    response = client.post("/file/", form_of(response), headers=ENGLISH)
    assert response.status_code == 302
    first = Prediction.objects.order_by("id").first()
    assert (first.x, first.y) == (5.7, 5.73)


@pytest.mark.parametrize("place", ["9999", "-1", "²", "6", "x" * 1000])
def test_a_choice_that_is_none_is_refused_or_nothing(client, live_models, place):
    sent = form_of(send(client, table())) | {"column-x": place, "column-y": "6", "again": "1"}
    assert client.post("/file/", sent, headers=ENGLISH).status_code == 400
    assert not Prediction.objects.exists()


def test_the_priced_file_is_named_after_the_list(client, live_models):
    address = price(client, table()).url
    PricedFile.objects.update(name="Kamienie ze sklepu.xlsx")
    response = client.get(f"{address}priced.csv")
    assert response["Content-Disposition"] == 'attachment; filename="priced-Kamienie ze sklepu.csv"'


def test_what_was_priced_can_be_priced_again(client, live_models):
    first = client.get(f"{price(client, table()).url}priced.csv").content
    preview = send(client, first)
    assert "These columns of an earlier pricing will be replaced: predicted_price, low," in page(
        preview
    )
    again = client.get(f"{price(client, first).url}priced.csv").content
    plain = [
        [row[:-1] for row in csv.reader(io.StringIO(text.decode()))] for text in (first, again)
    ]
    assert plain[0] == plain[1]


def test_a_wide_row_is_kept_whole(client, live_models):
    link = "https://example.org/" + "x" * 400
    rows = [[*row, *([link] * 60)] for row in ROWS]
    columns = [*GRADED, *(f"link {n}" for n in range(60))]
    head, first, *_ = given_back(client, price(client, table(rows, columns)).url)
    assert head[:69] == columns
    assert first[9:69] == [link] * 60


def test_a_workbook_is_priced_and_others_are_bounded(client, live_models):
    book = Workbook()
    for row in [list(GRADED), *ROWS]:
        book.active.append(row)
    book.active["E2"].number_format = "0.0%"
    book.active["E2"] = 0.615
    book.create_sheet("second").append(["x"])
    target = io.BytesIO()
    book.save(target)
    preview = send(client, target.getvalue(), "stones.xlsx")
    assert "The sheet 'Sheet' is read; left out: 'second'." in html.unescape(page(preview))
    assert price(client, target.getvalue()).status_code == 302
    first = Prediction.objects.order_by("id").first()
    assert list(first.features.values()) == ROWS[0]


def test_a_packed_file_may_unpack_to_no_more_than_a_plain_one_holds(client, live_models):
    rows = [[*row, "x" * 2000] for row in ROWS] * 330
    response = send(client, gzip.compress(table(rows, [*GRADED, "note"]).encode()), "a.csv.gz")
    assert refusal(response) == "The file is larger than 1.5 MB."


def test_a_sentence_about_a_file_has_a_subject(client, live_models):
    response = send(client, gzip.compress(b"%PDF-1.7"), "a.csv.gz")
    assert refusal(response) == "The file contains a PDF document: save the table as CSV."


def bomb(**changed):
    """A workbook with some of its member files replaced."""
    book, target, source = Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(list(GRADED))
    book.save(source)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, changed.get(entry.filename, old.read(entry)))
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
START = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({SHEET: b" " * 50_000_000}, "The file is larger than 7.5 MB when unpacked."),
        ({SHEET: b"<worksheet"}, "The Excel workbook is damaged"),
        ({"xl/workbook.xml": b"x"}, "The Excel workbook is damaged"),
        (
            {
                SHEET: f'{START}<row r="1"><c><v>1</v></c></row>'
                '<row r="1048576"><c><v>1</v></c></row></sheetData></worksheet>'
            },
            "blank rows before it",
        ),
    ],
)
def test_a_workbook_takes_no_more_than_its_share(client, live_models, changed, message):
    begun = time.thread_time()
    assert message in refusal(send(client, bomb(**changed), "stones.xlsx"))
    assert time.thread_time() - begun < 5


def test_a_list_of_nothing_but_errors_is_refused_before_all_messages_are_written(
    client, live_models, monkeypatch
):
    monkeypatch.setattr(stones, "MOST_ERRORS", 20)
    response = send(client, table([["?"] * 9] * 5))
    said = "The file has more than 20 errors: check its columns. Line 4: "
    assert response.status_code == 400
    assert html.unescape(refusal(response)).startswith(said)
    assert send(client, table([["?"] * 9] * 2 + ROWS)).status_code == 200
    assert not Prediction.objects.exists()
