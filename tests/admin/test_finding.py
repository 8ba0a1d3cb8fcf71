"""The search box of the predictions: what it finds, by which index, and what it says of an empty search."""

import re

import pytest
from django.db import connection
from django.urls import reverse

from predictor.admin.predictions import keyset
from predictor.admin.predictions.finding import WORDS_INDEX, search_of
from predictor.admin.predictions.keyset import FEW
from predictor.history import searching
from predictor.models import Prediction
from predictor.models.ids import uuid7

LIST = reverse("admin:predictor_prediction_changelist")
pytestmark = pytest.mark.django_db


def found(reviewer, query):
    page = reviewer.get(LIST, {"q": query})
    assert page.status_code == 200
    return {row.pk for row in page.context["cl"].result_list}, re.sub(r"\s+", " ", page.text)


@pytest.fixture
def typed(answers):
    """What finds the second of three answers, in each way."""
    whole = str(answers[1].pk)
    price = answers[1].predicted_price
    return {
        "id": whole,
        "without dashes": whole.replace("-", "").upper(),
        "beginning": whole[:-1],
        "price": str(price),
        "as shown": f" ${price:,} ",
        "words": "CARAT=0.76 clarity=vs1",
    }


@pytest.mark.parametrize("how", ["id", "without dashes", "beginning", "price", "as shown", "words"])
def test_a_prediction_is_found(reviewer, answers, typed, how):
    rows, _ = found(reviewer, typed[how])
    alike = {one.pk for one in answers if one.predicted_price == answers[1].predicted_price}
    assert rows == (alike if how in ("price", "as shown") else {answers[1].pk})


def test_eight_digits_of_an_id_find_all_of_about_a_minute(reviewer, answers):
    rows, text = found(reviewer, str(answers[1].pk)[:8])
    assert {one.pk for one in answers} <= rows
    assert "search: <strong>" in text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("00000000", "whose ID begins with “00000000”"),
        ("999,999", "whose price is 999,999"),
        ("none such  50%_", "whose request has “none such 50%_”"),
        ("a' OR 1=1 --", "whose request has “a&#x27; OR 1=1 --”"),
        ("x" * 5_000, "whose request has “xxx"),
    ],
)
def test_nothing_found_says_which_rows_were_searched(reviewer, answers, query, says):
    rows, text = found(reviewer, query)
    assert rows == set()
    assert "Nothing was found among all predictions from 20" in text
    assert says in text


def test_a_client_comes_before_words(reviewer, answers):
    [made] = Prediction.objects.filter(pk=answers[0].pk)
    made.pk, made.client = uuid7(), "carat"
    made.save(force_insert=True)
    assert found(reviewer, "carat")[0] == {made.pk}


def test_a_long_history_is_searched_in_parts(reviewer, answers, monkeypatch):
    monkeypatch.setattr(searching, "PART", 1)
    monkeypatch.setattr(keyset, "SECONDS", 0)
    rows, text = found(reviewer, "carat=0.75")
    assert rows == set()
    assert "Searched back to" in text
    assert '<meta http-equiv="refresh"' in text


# By which index


def plan_of(query):
    search = search_of(query, Prediction.objects)
    assert search.has_index()
    rows = search.rows(Prediction.objects.order_by()).values_list("pk", flat=True)
    return rows[: FEW + 1].explain()


@pytest.mark.parametrize(
    ("query", "index"),
    [("01234567", "p"), ("otto", "prediction_client"), ("851", "prediction_price")],
)
def test_the_database_takes_the_declared_index(planned, answers, query, index):
    Prediction.objects.create(client="otto", source="api", status=400, request="", latency_ms=1)
    if index == "prediction_price" and connection.vendor == "sqlite":
        assert not search_of(query, Prediction.objects).has_index()
        return
    plan = plan_of(query)
    assert "SCAN predictor_prediction" not in plan
    assert "Seq Scan" not in plan
    assert index in plan


@pytest.mark.postgresql
def test_words_take_a_trigram_index_if_there_is_one(planned, answers, reviewer):
    assert not search_of("carat=0.76", Prediction.objects).has_index()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = on")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        cursor.execute(
            f"CREATE INDEX {WORDS_INDEX} ON predictor_prediction "
            "USING gin (upper(request) gin_trgm_ops)"
        )
    assert WORDS_INDEX in plan_of("carat=0.76")
    assert found(reviewer, "carat=0.76")[0] == {answers[1].pk}


# Filters above the list


def test_each_active_filter_has_a_name_and_a_link_that_removes_it(reviewer, answers):
    query = "warning=outside_training_range&carat__range__gte=0.7&scheme__exact=graded&q=carat"
    page = reviewer.get(f"{LIST}?{query}")
    shown = page.context["cl"].active_filters
    assert [(title, chosen) for title, chosen, _ in shown] == [
        ("search", "carat"),
        ("warning", "outside the training data"),
        ("scheme", "graded"),
        ("carat (ct)", "0.7 – "),
    ]
    for place, name in enumerate(("q=", "warning=", "scheme__exact=", "carat__range__gte=")):
        assert name not in shown[place][2]
        assert shown[place][2].count("=") == 3
    assert "outside_training_range<" not in page.text


def test_no_filter_shows_a_code(reviewer):
    view = reviewer.get(LIST).context["cl"]
    shown = [
        str(choice["display"])
        for spec in view.filter_specs
        for choice in spec.choices(view)
        if "display" in choice
    ]
    assert [text for text in shown if "_" in text] == []
