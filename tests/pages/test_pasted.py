"""A report's text pasted into the form: its values are filled in, or priced at once."""

import re
from urllib.parse import parse_qs

import pytest

from ml.tables.report import MOST_CHARACTERS
from predictor.models import Prediction
from tests.ml.tables.test_report import GIA

from .helpers import ENGLISH, control, error_at, page

VALUES = {"carat": "1.01", "x": "6.42", "y": "6.45", "z": "3.98", "depth": "61.8", "table": "57"}


def send(client, report, **fields):
    return client.post("/", {"scheme": "graded", "report": report, **fields}, headers=ENGLISH)


def told(response):
    """The text of the note on what was read."""
    found = re.search(r'<div class="note" role="status">(.*?)</div>', page(response), re.DOTALL)
    return found and " ".join(re.sub(r"<[^>]*>", " ", found[1]).split())


def test_the_button_fills_in_the_form_and_records_nothing(client, live_models):
    response = send(client, GIA, read="1", asking="7500")
    assert response.status_code == 200
    for name, value in {**VALUES, "asking": "7500"}.items():
        assert f'value="{value}"' in control(response, name)
    for grade in ("Excellent", "G", "VS1"):
        assert f'<option value="{grade}" selected>' in page(response)
    assert told(response) == (
        "Read from the report: Shape, Carat weight, Cut, Color, Clarity, Depth, Table, First diameter x, "
        "Second diameter y, Depth (height) z."
    )
    assert re.search(r'<textarea id="id_report"[^>]*></textarea>', page(response))
    assert not Prediction.objects.exists()


def test_what_is_not_in_it_is_named(client, live_models):
    text = GIA.replace("Table: 57 %", "").replace("Depth: 61.8 %", "").replace("VS1", "clean")
    response = send(client, text, read="1")
    assert told(response).split("Not found in it:")[1] == (
        " Clarity, Table. Not understood: Clarity, “clean”"
    )


def test_a_report_is_priced_at_once(client, live_models):
    response = send(client, GIA, asking="7500")
    row = Prediction.objects.get()
    assert response.url == row.get_absolute_url()
    assert {name: str(getattr(row, name)) for name in ("carat", "x", "y", "z", "depth")} == {
        name: VALUES[name] for name in ("carat", "x", "y", "z", "depth")
    }
    assert (row.cut, row.color, row.clarity, row.table, row.asking) == (
        "Ideal",
        "G",
        "VS1",
        57,
        7500,
    )
    assert row.assumed[0]["sent"] == "Excellent"
    sent = parse_qs(row.request)
    assert sent["report"] == [GIA.strip()]
    assert (sent["carat"], sent["cut"]) == (["1.01"], ["Excellent"])


def test_what_was_typed_beside_it_completes_it(client, live_models):
    send(client, GIA.replace("Table: 57 %", ""), table="58", carat="2")
    row = Prediction.objects.get()
    assert (row.table, row.carat) == (58, 1.01)


def test_an_incomplete_report_says_what_is_missing_and_stays_filled_in(client, live_models):
    response = send(client, GIA.replace("Table: 57 %", ""))
    assert response.status_code == 400
    assert error_at(response, "table") == ["Empty: give a number from 30 to 100%."]
    assert 'value="1.01"' in control(response, "carat")
    assert Prediction.objects.get().error.keys() == {"table"}


WRONG = [
    (
        "x" * (MOST_CHARACTERS + 1),
        "The text is over 10,000 characters: paste only the report.",
    ),
    (
        "Laboratory-Grown Diamond\n" + GIA.replace("NATURAL DIAMOND", ""),
        "The report is of a laboratory-grown diamond. The data has only natural diamonds, so it has no "
        "price for this one.",
    ),
    (
        "a letter",
        "Nothing in this text was understood: paste the lines of the report, such as “Carat Weight: 1.01 "
        "carat”.",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
@pytest.mark.parametrize("read", [{}, {"read": "1"}])
def test_a_text_that_cannot_be_used_says_so_and_stays(client, live_models, text, message, read):
    response = send(client, text, **read)
    assert response.status_code == 400
    assert f'<p class="errorlist" id="report-told">{message}</p>' in page(response)
    assert text[:20] in page(response)
    assert Prediction.objects.count() == (0 if read else 1)
    if not read:
        assert Prediction.objects.get().error["report"] == [message]


def test_a_value_that_is_not_understood_replaces_what_was_typed(client, live_models):
    response = send(client, GIA.replace("Color Grade: G", "Color Grade: W-X"), color="D")
    assert response.status_code == 400
    assert Prediction.objects.get().status == 400
    assert "color" in Prediction.objects.get().error


@pytest.mark.parametrize(
    "shape", ["Square Modified Brilliant", "Cut-Cornered Rectangular Brilliant"]
)
def test_a_shape_that_is_not_known_is_refused(client, live_models, shape):
    response = send(client, GIA.replace("Round Brilliant", shape))
    assert response.status_code == 400
    assert "shape" in Prediction.objects.get().error


def test_another_shape_is_refused(client, live_models):
    response = send(client, GIA.replace("Round Brilliant", "Oval Brilliant"))
    assert error_at(response, "shape") == [
        "The data has no stones of this shape (Oval): all of them are round."
    ]


def test_the_estimate_while_typing_reads_it(client, live_models):
    response = client.post(
        "/preview/", {"scheme": "graded", "report": GIA, "asking": "90000"}, headers=ENGLISH
    )
    assert "Far above" in page(response)
    assert "Excellent is priced as Ideal." in page(response)
    wrong = client.post("/preview/", {"scheme": "graded", "report": "a letter"}, headers=ENGLISH)
    assert "Nothing in this text was understood" in page(wrong)
    assert not Prediction.objects.exists()


def test_the_language_switch_takes_along_what_it_says(client, live_models):
    sent = {"scheme": "graded", "report": GIA, "next": "/", "language": "pl"}
    response = client.post("/i18n/setlang/", sent)
    assert "carat=1.01" in response.url
    assert "cut=Excellent" in response.url
