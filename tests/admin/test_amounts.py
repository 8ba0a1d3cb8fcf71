"""Actual prices typed or uploaded by reviewers: both ways accept and refuse the same amounts."""

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ml.stones import LONGEST
from predictor.models import ModelVersion, Prediction, Review
from tests.amounts import ASKED_BACK, REFUSED, TAKEN, question

PRICES = reverse("admin:prediction-prices")
LIST = reverse("admin:predictor_prediction_changelist")
GRADED = "cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56.0&x=5.73&y=5.7&z=3.51"
ENGLISH = {"accept-language": "en"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def rita(someone):
    return someone("rita", "reviewer")


@pytest.fixture
def answers(client, live_models):
    """Three answers of about 2,800 USD."""
    for carat in (0.7, 0.71, 0.72):
        client.get(f"/api/predict?{GRADED}&carat={carat}")
    return [*Prediction.objects.order_by("pk")]


def judge(client, prediction, query="", **said):
    address = reverse("admin:prediction-judge", args=[prediction.pk]) + query
    return client.post(address, {"state": "checked", **said}, follow=True, headers=ENGLISH)


def upload(client, answers, *prices):
    lines = [f'{row.pk};"{text}"' for row, text in zip(answers, prices, strict=False)]
    content = "\n".join(["id;price", *lines]).replace(";", ",").encode()
    file = SimpleUploadedFile("prices.csv", content)
    return client.post(PRICES, {"file": file}, follow=True, headers=ENGLISH)


def kept():
    return [*Review.objects.order_by("prediction_id").values_list("actual_price", flat=True)]


@pytest.mark.parametrize(("text", "amount"), TAKEN.items())
def test_an_actual_price_is_kept_as_it_is_meant(rita, answers, text, amount):
    assert judge(rita, answers[0], actual_price=text).status_code == 200
    assert kept() == [amount]
    assert "1 actual prices were saved." in upload(rita, answers[1:], text).text
    assert kept() == [amount, amount]


def test_what_is_not_understood_whole_is_refused_and_not_kept(rita, answers):
    too_long = f"Ensure this value has at most {LONGEST} characters"  # the form field's own message
    for text, message in REFUSED.items():
        said = too_long if len(text) > LONGEST else message
        assert said in html.unescape(judge(rita, answers[0], actual_price=text).text)
        page = html.unescape(upload(rita, answers, "2900", text).text)
        assert f"<tr><td>3</td><td>price</td><td>{message}</td></tr>" in page
        assert kept() == [], text


@pytest.mark.parametrize(("text", "both"), ASKED_BACK.items())
def test_what_may_mean_either_is_asked_back_and_not_kept(rita, answers, text, both):
    page = judge(rita, answers[0], actual_price=text, note="cash")
    assert f'id="question">{question(text)}</p>' in html.unescape(page.text)
    for one in both:
        assert f'<button name="actual_price" value="{one}"' in page.text
    file = html.unescape(upload(rita, answers, "2900", text).text)
    assert f"<tr><td>3</td><td>price</td><td>{question(text)}</td></tr>" in file
    assert kept() == []


def test_one_tap_answers_with_all_else_as_it_was_typed_and_goes_on(rita, answers):
    view = "?_changelist_filters=scheme__exact%3Dgraded"
    page = judge(rita, answers[2], view, actual_price="90,000", note="cash", next="1")
    question = page.text.partition('<form class="question')[2].partition("</form>")[0]
    sent = {
        name: value
        for name in ("state", "note", "source", "sold_on", "next")
        for value in _values(question, name)
    }
    assert sent == {"state": "checked", "note": "cash", "next": "1"}
    after = judge(rita, answers[2], view, actual_price="90000", **sent)
    review = Review.objects.get()
    assert (review.actual_price, review.note) == (90_000, "cash")
    assert after.context["original"] == answers[1]


def _values(text, name):
    return [part.partition('"')[0] for part in text.split(f'name="{name}" value="')[1:]]


def test_a_column_settles_what_its_amounts_mean(rita, answers):
    upload(rita, answers, "90,000", "3,100.50", "3.1005")
    assert kept() == []  # 3.1005 is too far from its answer
    upload(rita, answers, "90,000", "3,100.50")
    assert kept() == [90_000, 3100.5]


def test_a_column_of_decimal_commas_does_not_make_thousands_of_a_price_near_the_answer(
    rita, answers
):
    page = html.unescape(upload(rita, answers, "2900,5", "3,100").text)
    told = "“3,100” can mean 3100 or 3.10: write the one that is meant."
    assert f"<td>3</td><td>price</td><td>{told}</td>" in page
    assert kept() == []


@pytest.mark.parametrize("text", ["3.1", "3,10"])
def test_a_thousandth_of_the_answer_is_not_an_actual_price(rita, answers, text):
    told = "It is too far from the predicted price to be the price of this stone."
    assert told in html.unescape(judge(rita, answers[0], actual_price=text).text)
    assert told in html.unescape(upload(rita, answers, text).text)
    assert kept() == []


def test_a_price_kept_as_a_thousandth_before_is_found_by_the_filter_of_large_errors(rita, answers):
    Review.objects.create(prediction=answers[1], by=rita.user, actual_price=3.1)
    page = rita.get(LIST, {"risk": "far"})
    assert [*page.context["cl"].queryset] == [answers[1]]


def test_the_currency_is_that_of_the_version_that_answered(rita, answers):
    ModelVersion.objects.update(currency="PLN")
    told = "“$3100” is in USD/CAD/AUD; this version’s prices are in PLN."
    assert told in html.unescape(judge(rita, answers[0], actual_price="$3100").text)
    assert told in html.unescape(upload(rita, answers, "$3100").text)
    assert kept() == []
    judge(rita, answers[0], actual_price="3100 zł")
    upload(rita, answers[1:], "3.100 PLN")
    assert kept() == [3100, 3100]


def test_it_is_in_polish(rita, answers):
    address = reverse("admin:prediction-judge", args=[answers[0].pk])
    said = {"state": "checked", "actual_price": "31 900 zł"}
    page = rita.post(address, said, follow=True, headers={"accept-language": "pl"})
    assert "Kwota „31 900 zł” jest w PLN, a ceny tej wersji są w USD." in page.text
