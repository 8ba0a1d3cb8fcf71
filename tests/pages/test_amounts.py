"""Asking prices as people type them: a quote and the comparison accept and refuse the same amounts."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ml.tables.amounts import read_measure
from predictor.models import ModelVersion, Prediction
from predictor.pages.stone_form.parsing import marks_of
from tests.amounts import ASKED_BACK, REFUSED, TAKEN, question

from .helpers import ENGLISH, POLISH, SCOPE, STONES, page, submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_models")]


@pytest.fixture
def rows(client):
    """Two recorded quotes of about 2,800 USD."""
    for color in "GD":
        submit(client, color=color)
    found = [*Prediction.objects.order_by("pk")]
    assert all(1900 < row.price < 4000 for row in found)
    return found


def ask(client, row, text, headers=ENGLISH):
    return client.get(row.get_absolute_url(), {"asking": text}, headers=headers)


def compare(client, rows, *asking, headers=ENGLISH):
    data = {"id": [row.pk for row in rows], "asking": asking}
    return client.get("/quotes/compare/", data, headers=headers)


def test_an_asking_price_is_read_as_it_is_meant(client, rows):
    for text, amount in TAKEN.items():
        quote = ask(client, rows[0], text)
        assert quote.status_code == 200
        assert f"The asking price of ${amount:,.0f} is" in page(quote), text
        compared = compare(client, rows, text, "2800")
        assert compared.status_code == 200
        cells = re.sub(r' class="best"| <small>.*?</small>', "", page(compared))
        assert f"<td>${amount:,.0f}</td>" in cells, text
    assert [*Prediction.objects.values_list("asking", flat=True)] == [None, None]


def test_what_is_not_understood_whole_is_refused(client, rows):
    for text, message in REFUSED.items():
        message += f" {SCOPE}" if "this version’s prices" in message else ""
        quote = page(ask(client, rows[0], text))
        assert f'<p class="errorlist" id="asking-told">{message}</p>' in quote
        assert "The asking price of" not in quote
        response = compare(client, rows, text, "2800")
        assert response.status_code == 400
        assert f'id="asking-1-error">{message}</p>' in page(response)
        assert "Correct the asking price below to see which" in page(response)
        assert "Best buy: " not in page(response)


@pytest.mark.parametrize(("text", "both"), ASKED_BACK.items())
def test_what_may_mean_either_is_asked_back(client, rows, text, both):
    quote = page(ask(client, rows[0], text))
    assert f'id="asking-told">{question(text)}</p>' in quote
    assert "The asking price of" not in quote
    for one in both:
        assert f'name="asking" value="{one}">{one}\xa0USD</button>' in quote


def test_a_choice_on_the_quote_answers_it(client, rows):
    response = client.get(
        rows[0].get_absolute_url(), {"asking": ["90,000", "90000"]}, headers=ENGLISH
    )
    assert "The asking price of $90,000 is above the range." in page(response)


@pytest.mark.parametrize(("place", "amount"), [(0, "$90,000"), (1, "$90")])
def test_a_choice_in_the_comparison_answers_it_and_keeps_the_other_price(
    client, rows, place, amount
):
    response = compare(client, rows, "90,000", "2800")
    assert response.status_code == 400
    choices = re.findall(r'<a class="button" href="(/quotes/compare/[^"]*)">', page(response))
    assert len(choices) == 2
    answered = client.get(choices[place], headers=ENGLISH)
    assert answered.status_code == 200
    assert f">{amount}" in page(answered)
    assert ">$2,800" in page(answered)
    assert "Best buy: " in page(answered)


def test_a_stone_whose_asking_price_is_not_understood_is_not_a_best_buy(client, rows):
    other = submit(client, table="60").url.split("/")[-2]
    same = [rows[0], Prediction.objects.get(pk=other)]
    assert "Best buy: " in page(compare(client, same))
    for text in ("31 900 zł", "90,000"):
        response = compare(client, same, text)
        assert response.status_code == 400
        assert "Best buy: " not in page(response)


def test_it_is_in_polish(client, rows):
    text = page(ask(client, rows[0], "31 900 zł", POLISH))
    assert "Kwota „31 900 zł” jest w PLN, a ceny tej wersji są w USD." in text
    text = page(ask(client, rows[0], "90,000", POLISH))
    assert "„90,000” może znaczyć 90000 lub 90,00: wpisz tę liczbę, o którą chodzi." in text
    assert 'value="90.00">90,00\xa0USD</button>' in text


def test_the_currency_is_that_of_the_version_that_answered(client, rows):
    ModelVersion.objects.update(currency="PLN")
    assert "The asking price of PLN\xa03,100 is" in page(ask(client, rows[0], "3100 zł"))
    message = "“$3100” is in USD/CAD/AUD; this version’s prices are in PLN."
    assert message in page(ask(client, rows[0], "$3100"))


@pytest.mark.parametrize("text", ["5e0", "+5.7", "٥.٧"])
def test_a_measure_is_written_in_plain_digits(client, text):
    response = submit(client, x=text)
    message = f"“{text}” is not a number: give a number from 1 to 40 mm."
    assert response.status_code == 400
    assert message in page(response)
    row = Prediction.objects.get()
    assert (row.status, row.error, row.price) == (400, {"x": [message]}, None)


def test_a_volume_that_may_be_either_is_asked_back_and_a_tap_answers(client):
    response = submit(client, "coded", volume="9,123")
    message = "“9,123” can mean 9123 or 9.1230: write the one that is meant."
    assert message in page(response)
    assert 'name="volume" value="9.1230">Price it as 9.1230</button>' in page(response)
    assert Prediction.objects.get().error == {"volume": [message]}
    sent = {"scheme": "coded", **STONES["coded"], "carat": "0.06", "volume": ["9,123", "9.1230"]}
    assert client.post("/", sent).status_code == 302
    assert Prediction.objects.first().volume == 9.123


CODED = "carat,cut,color,clarity,depth,table,volume\n0.06,3,0,2,59.2,61,{}\n0.37,3,0,2,59.2,61,{}\n"


def send(client, *volumes):
    content = CODED.format(*(f'"{one}"' for one in volumes)).encode()
    sent = {"file": SimpleUploadedFile("stones.csv", content)}
    return client.post("/file/", sent, headers=ENGLISH)


@pytest.mark.parametrize(
    ("volumes", "read"),
    [
        (("9,123", "60,1"), ["9.123", "60.1"]),
        (("9,123", "1,060.5"), ["9123", "1060.5"]),
        (("9.123", "60.1"), ["9.123", "60.1"]),
    ],
)
def test_a_column_of_a_file_settles_its_volumes(client, volumes, read):
    columns = {"volume": volumes}
    marks = marks_of(columns)
    assert [read_measure("volume", one, marks["volume"]) for one in volumes] == read
    assert "can mean" not in page(send(client, *volumes))


def test_a_row_that_nothing_settles_is_an_error_with_its_line_and_column(client):
    response = send(client, "9,123", "60,063")
    message = "“9,123” can mean 9123 or 9.1230: write the one that is meant."
    assert response.status_code == 200
    assert f"<li>Line 2, column volume: {message}</li>" in page(response)
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("price_from", "500 zł", REFUSED["€9000"].replace("€9000", "500 zł").replace("EUR", "PLN")),
        ("price_to", "12abc", REFUSED["12abc"]),
        ("carat_from", "1e0", "“1e0” is not a weight in carats."),
        ("carat_from", "-1", "“-1” is not a weight in carats."),
    ],
)
def test_the_filter_of_the_recorded_stones_refuses_alike(client, field, text, message):
    response = client.get("/stones/", {field: text}, headers=ENGLISH)
    assert f'id="{field}-error">{message}</p>' in page(response)


def test_the_filter_reads_thousands_where_the_data_has_such_prices(client):
    def count(text):
        found = page(client.get("/stones/", {"price_from": text}, headers=ENGLISH))
        return re.search(r"([\d,]+) of [\d,]+", found)[0]

    assert count("3,100") == count("3.100") == count("$3 100") == count("3100") != count("3.10")
