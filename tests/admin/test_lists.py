"""The admin's lists: dates and times, clients, counts, and the reason of each refusal."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import translation

from ml.stones import EXAMPLES
from predictor.admin.predictions.refusals import reason, wrong_rows
from predictor.models import Prediction

LIST = reverse("admin:predictor_prediction_changelist")
CODED = EXAMPLES["coded"][0]
MOMENTS = (
    "2026-11-24T23:59:59.9",
    "2026-11-25T00:00:00",
    "2026-11-25T09:30:00",
    "2026-11-25T23:59:59.9",
    "2026-11-26T00:00:00",
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(db):
    """A refused request at each of MOMENTS."""
    for moment in MOMENTS:
        created = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        Prediction.objects.create(
            source="api",
            status=400,
            request="",
            latency_ms=1,
            error={},
            created=created,
            client=f"client {created.day}",
        )


def shown(page):
    rows = page.context["cl"].result_list
    return sorted(row.created.replace(tzinfo=None).isoformat()[:21] for row in rows)


def ranged(reviewer, **sent):
    query = {f"created__range__{name}": value for name, value in sent.items()}
    return reviewer.get(LIST, query)


@pytest.mark.parametrize(
    ("sent", "first", "last"),
    [
        ({"gte_0": "2026-11-25"}, 1, 5),
        ({"lte_0": "2026-11-25"}, 0, 4),
        ({"gte_0": "2026-11-25", "lte_0": "2026-11-25"}, 1, 4),
        ({"gte_0": "2026-11-25", "gte_1": "", "lte_0": "2026-11-25", "lte_1": ""}, 1, 4),
        ({"gte_0": "2026-11-25", "gte_1": "09:00"}, 2, 5),
        ({"lte_0": "2026-11-25", "lte_1": "09:30:00"}, 0, 3),
        ({"gte_0": "", "lte_0": ""}, 0, 5),
    ],
)
def test_a_day_without_a_time_is_the_whole_day(reviewer, history, sent, first, last):
    page = ranged(reviewer, **sent)
    assert shown(page) == sorted(moment[:21] for moment in MOMENTS[first:last])


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("created__range__gte_0=yesterday", "Enter a valid date."),
        ("created__range__gte_0=2026-02-30", "Enter a valid date."),
        ("created__range__gte_0=2026-11-25&created__range__gte_1=noon", "Enter a valid time."),
        ("created__range__lte_1=10:00", "Enter a valid date."),
        ("price__range__gte=much", "Enter a number."),
        ("carat__range__lte=1,5x", "Enter a number."),
        ("carat__range__gte=2&carat__range__lte=1", "The end is before the start."),
        (
            "created__range__gte_0=2026-11-25&created__range__lte_0=2026-11-24",
            "The end is before the start.",
        ),
    ],
)
def test_an_invalid_range_is_reported_and_finds_nothing(reviewer, history, query, told):
    page = reviewer.get(f"{LIST}?{query}")
    assert page.status_code == 200
    assert told in page.text
    assert shown(page) == []


@pytest.mark.parametrize("query", ["status=9", "cut=Best"])
def test_a_choice_that_is_not_there_finds_nothing(reviewer, history, query):
    assert shown(reviewer.get(f"{LIST}?{query}")) == []


def test_a_client_is_listed_and_found_by_its_whole_name(
    reviewer, history, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12) as queries:
        page = reviewer.get(LIST, {"client": " client 24 ", "status": "400"})
    assert shown(page) == [MOMENTS[0][:21]]
    assert (
        '<td class="field-client_link"><a href="?client=client+24">client 24</a></td>' in page.text
    )
    assert '<input type="hidden" name="status" value="400">' in page.text
    assert not any("DISTINCT" in query["sql"] for query in queries)


def test_a_page_says_how_many_it_shows_and_counts_no_more(reviewer, history):
    page = reviewer.get(LIST)
    assert re.sub(r"\s+", " ", re.search(r'class="paginator">(.*?)</p>', page.text, re.S)[1]) == (
        " Predictions: 5 "
    )
    assert "showall" not in page.text


def test_a_refusal_shows_its_reason_in_the_list(reviewer, client, live_models):
    client.get("/api/predict?carat=abc&volume=3&cut=1")
    client.post("/api/predict", [CODED, {**CODED, "carat": "x"}], "application/json")
    text = reviewer.get(LIST).text
    assert "carat: “abc” is not a number" in text
    assert "row 1, carat: “x” is not a number" in text


def test_the_page_of_a_refused_list_shows_the_wrong_rows_only(reviewer, client, live_models):
    stones = [{**CODED, "carat": "x"} if place in (267, 999) else CODED for place in range(1000)]
    assert client.post("/api/predict", stones, "application/json").status_code == 400
    row = Prediction.objects.get()
    page = reviewer.get(reverse("admin:predictor_prediction_change", args=[row.pk])).text
    assert re.findall(r"<tr><td>(\d+)</td><td>carat</td>", page) == ["267", "999"]
    assert "View on site" not in page


def test_an_answer_has_its_place_on_the_site(reviewer, client, live_models):
    client.get("/api/predict", CODED)
    row = Prediction.objects.get()
    page = reviewer.get(reverse("admin:predictor_prediction_change", args=[row.pk])).text
    assert f'<a href="{row.get_absolute_url()}" class="viewsitelink">' in page


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"carat": ["Missing."], "cut": ["x"]}, "carat: Missing."),
        ({"non_field_errors": ["Too “many”."]}, "Too “many”."),
        ([{"row": 3, "non_field_errors": ["No."]}, {"row": 4, "x": ["y"]}], "row 3: No."),
        ([{}, {"carat": ["old"]}], "carat: old"),
        ("No model is live.", "No model is live."),
        ({}, ""),
        (None, ""),
        ({"carat": ["a" * 2000]}, "carat: " + "a" * 113),
    ],
)
def test_the_reason_is_the_first_message(error, told):
    with translation.override("en"):
        assert reason(json.dumps(error)[:1000]) == told


def test_the_wrong_rows_of_an_error_of_any_shape():
    assert wrong_rows({"a": ["1", "2"]}) == [(None, "a", "1"), (None, "a", "2")]
    assert wrong_rows("Away.") == [(None, "", "Away.")]
    assert wrong_rows([{"row": 7, "a": ["1"]}]) == [(7, "a", "1")]
    assert wrong_rows([{}, {"non_field_errors": ["1"]}, {}]) == [(1, "", "1")]


@pytest.mark.parametrize("language", ["pl", "en"])
def test_times_have_no_microseconds_and_figures_the_readers_decimal_sign(
    reviewer, client, live_models, language
):
    client.get("/api/predict", CODED)
    headers = {"accept-language": language}
    record = reverse("admin:predictor_prediction_change", args=[Prediction.objects.get().pk])
    latency = re.search(
        r'field-latency.*?readonly">(.*?)<', reviewer.get(record, headers=headers).text, re.S
    )[1]
    assert ("," if language == "pl" else ".") in latency
    pages = [
        LIST,
        reverse("admin:predictor_modelversion_changelist"),
        reverse("admin:predictor_activation_changelist"),
        record,
    ]
    for page in pages:
        assert not re.search(r"\d\d:\d\d\.\d{3}", reviewer.get(page, headers=headers).text)


def test_the_admin_has_a_language_switch(reviewer, client):
    for asked in (reviewer, client):
        page = asked.get("/admin/", follow=True)
        assert 'action="/i18n/setlang/"' in page.text
    page = reviewer.post("/i18n/setlang/", {"language": "pl", "next": f"{LIST}?status=400"})
    assert page.url == f"{LIST}?status=400"
    assert "<h1>Wyceny</h1>" in reviewer.get(page.url).text
