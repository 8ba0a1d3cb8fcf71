"""Paging the list of predictions by id: each row appears once, and rare rows are found in steps."""

import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from predictor.admin.predictions import keyset
from predictor.admin.predictions.model_admin import PredictionAdmin
from predictor.history import searching
from predictor.models import Prediction

LIST = reverse("admin:predictor_prediction_changelist")
pytestmark = pytest.mark.django_db


def id_of(moment):
    """The smallest id of a prediction made at this moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


@pytest.fixture
def history(db, monkeypatch):
    """Twelve refusals, five a page; every fourth is by the client anna, only the oldest has a cut grade."""
    monkeypatch.setattr(PredictionAdmin, "list_per_page", 5)
    now = timezone.now()
    return [
        Prediction.objects.create(
            source="api",
            status=400,
            request="",
            latency_ms=1,
            error={},
            carat=place,
            client="" if place % 4 else "anna",
            cut="" if place else "Fair",
            created=now - timedelta(days=12 - place),
            id=id_of(now - timedelta(days=12 - place)),
        )
        for place in range(12)
    ]


def shown(page):
    return [int(row.carat) for row in page.context["cl"].result_list]


def link(page, rel):
    """The address that a paging link leads to; None if the page does not have the link."""
    found = re.search(rf'<a href="([^"]*)" rel="{rel}">', page.text)
    return found and LIST + found[1].replace("&amp;", "&")


def walk(reviewer, query=""):
    """The rows of each page, following the links from the newest page."""
    address, pages = LIST + query, []
    while address:
        page = reviewer.get(address)
        pages.append(shown(page))
        address = link(page, "next")
    return pages


def test_the_pages_hold_every_row_once_the_newest_first(reviewer, history):
    assert walk(reviewer) == [[11, 10, 9, 8, 7], [6, 5, 4, 3, 2], [1, 0]]


def test_the_way_back_leads_over_the_same_pages(reviewer, history):
    last = reviewer.get(link(reviewer.get(link(reviewer.get(LIST), "next")), "next"))
    before = reviewer.get(link(last, "prev"))
    assert shown(before) == [6, 5, 4, 3, 2]
    first = reviewer.get(link(before, "prev"))
    assert shown(first) == [11, 10, 9, 8, 7]
    assert link(first, "prev") is None


def test_rows_that_come_meanwhile_move_no_page(reviewer, history):
    second = link(reviewer.get(LIST), "next")
    Prediction.objects.create(
        source="api", status=400, request="", latency_ms=1, error={}, carat=99
    )
    assert shown(reviewer.get(second)) == [6, 5, 4, 3, 2]


def test_a_filter_stays_from_page_to_page(reviewer, history):
    assert walk(reviewer, "?client=anna") == [[8, 4, 0]]
    assert walk(reviewer, "?status=400&carat__range__gte=1")[-1] == [1]


@pytest.fixture
def small_steps(monkeypatch):
    """A page reads at most four rows."""
    monkeypatch.setattr(searching, "PART", 4)
    monkeypatch.setattr(keyset, "SECONDS", 0)


def test_a_rare_row_is_found_by_one_search_in_parts(reviewer, history, monkeypatch):
    monkeypatch.setattr(searching, "PART", 4)
    assert walk(reviewer, "?cut=Fair") == [[0]]


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("Searched back to", "The search continues automatically.", "Stop")),
        ("pl", ("Przeszukano wstecz do", "Wyszukiwanie trwa dalej automatycznie.", "Zatrzymaj")),
    ],
)
def test_a_search_that_takes_longer_goes_on_by_itself_and_says_how_far_it_is(
    reviewer, history, small_steps, language, texts
):
    address, shares = f"{LIST}?cut=Fair", []
    while True:
        page = reviewer.get(address, headers={"accept-language": language})
        goes_on = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', page.text)
        if not goes_on:
            break
        assert shown(page) == []
        assert all(text in page.text for text in texts)
        shares.append(int(re.search(r"\((\d+)\s?%", page.text)[1]))
        address = LIST + goes_on[1].replace("&amp;", "&")
    assert shares == [27, 64]
    assert shown(page) == [0]


def test_a_search_is_stopped_and_continued_by_hand(reviewer, history, small_steps):
    page = reviewer.get(f"{LIST}?cut=Fair&stop=1")
    assert "http-equiv" not in page.text
    assert shown(reviewer.get(link(reviewer.get(link(page, "next") + "&stop=1"), "next"))) == [0]


def test_a_search_that_has_found_something_waits(reviewer, history, small_steps):
    page = reviewer.get(f"{LIST}?carat__gte=11")
    assert shown(page) == [11]
    assert "http-equiv" not in page.text
    assert "Continue the search" in page.text


def test_newer_rows_are_searched_for_too(reviewer, history, small_steps):
    pages, address = [], f"{LIST}?carat__gte=11&newer={history[0].pk}"
    while address:
        page = reviewer.get(address)
        pages.append(shown(page))
        going_on = page.context["cl"].searching
        address = going_on and LIST + going_on.address
    assert pages == [[], [], [11]]


def test_a_range_of_days_is_searched_no_further_than_its_first(reviewer, history, small_steps):
    days = f"created__range__gte_0={history[8].created.date()}"
    assert walk(reviewer, f"?{days}&cut=Fair") == [[]]


def test_an_indexed_filter_finds_it_at_once(reviewer, history, small_steps):
    assert walk(reviewer, "?client=anna") == [[8, 4, 0]]


def test_where_an_indexed_filter_finds_many_they_are_searched_for_too(
    reviewer, history, small_steps, monkeypatch
):
    monkeypatch.setattr(keyset, "FEW", 2)
    assert [row for page in walk(reviewer, "?client=anna") for row in page] == [8, 4, 0]


def test_a_day_of_long_ago_is_found_at_once(reviewer, history, small_steps):
    day = history[2].created.date()
    query = f"?created__range__gte_0={day}&created__range__lte_0={day}"
    assert walk(reviewer, query)[0] == [2]


@pytest.mark.parametrize("query", ["older=1", "older=x", "newer=%00", "older=" + "9" * 400])
def test_a_page_that_is_none_leads_to_the_whole_list_and_says_so(reviewer, history, query):
    page = reviewer.get(f"{LIST}?{query}", follow=True)
    assert page.redirect_chain
    assert "The address was invalid. All predictions are shown." in page.text
    assert shown(page) == [11, 10, 9, 8, 7]


@pytest.mark.parametrize("query", ["o=1", "o=-6.2", "o=x", "p=7", "all="])
def test_no_other_order_and_no_numbered_page(reviewer, history, query):
    assert shown(reviewer.get(f"{LIST}?{query}", follow=True)) == [11, 10, 9, 8, 7]


def test_nothing_is_counted_and_no_row_costs_a_query(
    reviewer, history, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12) as captured:
        reviewer.get(f"{LIST}?cut=Fair")
    asked = [query["sql"] for query in captured if "predictor_prediction" in query["sql"]]
    assert not any("COUNT(" in sql or "OFFSET" in sql.replace("OFFSET 19999", "") for sql in asked)
    assert all("LIMIT" in sql for sql in asked)


def test_an_export_of_rows_that_are_not_found_at_once_is_a_job(
    reviewer, history, small_steps, worker
):
    """The page's search stops; the job reads a part of the history at a time, to its end."""
    address = reverse("admin:prediction-export", args=["jsonl"])
    assert reviewer.get(f"{address}?cut=Fair").status_code == 302
    job = worker.one()
    assert (job.state, job.rows, job.arguments["query"]) == ("done", 1, "cut=Fair")
    with default_storage.open(job.file) as file:
        assert [json.loads(line)["carat"] for line in file] == [0]
    both = b"".join(reviewer.get(f"{address}?client=anna").streaming_content)
    assert [json.loads(line)["carat"] for line in both.splitlines()] == [0, 4, 8]
