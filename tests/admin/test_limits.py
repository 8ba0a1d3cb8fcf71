"""The admin's limits: a time limit for each query, half of a worker's threads, no counts beside filters."""

import threading
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.db import OperationalError, connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.urls import reverse

from diamondsite.admin import DiamondsAdminSite, LoginForm
from ml.stones import LONGEST
from predictor.admin import limits
from predictor.admin.limits import AdminLimits, Places
from predictor.admin.predictions.model_admin import PredictionAdmin
from predictor.history import time_limits
from predictor.history.commits import shared
from predictor.history.time_limits import limited_queries
from tests.waiting import wait_for

LIST = reverse("admin:predictor_prediction_changelist")
FOR_EVER = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000)
    SELECT max(i) FROM n"""
pytestmark = pytest.mark.django_db


ON_SQLITE = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL limits it itself")


@pytest.fixture
def short(monkeypatch):
    """Sets the time limit of a query to 50 ms."""
    monkeypatch.setattr(time_limits, "SECONDS", 0.05)
    if connection.vendor == "sqlite":
        yield
        return
    with connection.cursor() as cursor:  # as history/connections.py does for a server
        cursor.execute("SET statement_timeout = 50")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


@pytest.fixture
def slow(monkeypatch, short):
    """The predictions, the index and the log-in each run a query that does not end."""

    def query(self, *args):
        with connection.cursor() as cursor:
            cursor.execute(FOR_EVER)

    for page, name in (
        (PredictionAdmin, "get_queryset"),
        (DiamondsAdminSite, "summary"),
        (LoginForm, "clean"),
    ):
        monkeypatch.setattr(page, name, query)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Narrow the filter, for example by days."), ("pl", "Zawęź filtr, na przykład")],
)
@pytest.mark.django_db(transaction=True)
def test_a_query_that_takes_too_long_is_stopped_and_the_admin_says_so(
    transactional_db, admin_client, slow, language, text
):
    page = admin_client.get(f"{LIST}?color=J", headers={"accept-language": language})
    assert page.status_code == 503
    assert text in page.text
    assert 'id="header"' in page.text
    assert f'<a href="{LIST}?color=J">' in page.text


@pytest.mark.parametrize(
    "address",
    [
        reverse("admin:index"),
        reverse("admin:predictor_prediction_history", args=[UUID(int=1)]),
        reverse("admin:predictor_prediction_change", args=[UUID(int=1)]),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_query_of_any_page_is_stopped(transactional_db, admin_client, slow, address):
    page = admin_client.get(address, headers={"accept-language": "en"})
    assert (page.status_code, "Search stopped" in page.text) == (503, True)


@pytest.mark.django_db(transaction=True)
def test_a_query_of_the_log_in_is_stopped(transactional_db, client, slow):
    sent = {"username": "u", "password": "p"}
    page = client.post(reverse("admin:login"), sent, headers={"accept-language": "en"})
    assert (page.status_code, "Search stopped" in page.text) == (503, True)


@ON_SQLITE
@pytest.mark.once
def test_on_sqlite_the_limit_ends_with_the_request(short):
    count = FOR_EVER.replace("000000000000", "000000")
    with limited_queries(), connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute(FOR_EVER)
    with connection.cursor() as cursor:
        cursor.execute(count)
        assert cursor.fetchone() == (1_000_000,)


@ON_SQLITE
@pytest.mark.once
def test_on_sqlite_reading_the_rows_is_limited_too(short):
    rows = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT i FROM n WHERE i % 1000000000000 = 1"""
    with limited_queries(), connection.cursor() as cursor:
        cursor.execute(rows)
        with pytest.raises(OperationalError):
            cursor.fetchall()


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_no_list_counts_beside_its_filters(admin_client, model):
    assert admin.site.get_model_admin(model).show_facets is ShowFacets.NEVER
    assert admin.site.get_model_admin(model).date_hierarchy is None
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    shown = admin_client.get(page, {"_facets": "True"}, follow=True)
    assert "cl" not in shown.context or not shown.context["cl"].add_facets


@pytest.mark.parametrize("lookup", ["request__regex", "client__iregex", "version__scheme__regex"])
def test_no_regular_expression_is_matched(reviewer, lookup):
    assert reviewer.get(LIST, {lookup: "(a+)+$"}).status_code == 400


@pytest.mark.parametrize("name", ["auth_user", "axes_accessattempt", "predictor_scoringrun"])
@pytest.mark.parametrize("text", ["z " * (LONGEST // 2), "z " * LONGEST, "+a" * 3000, '"' * 9000])
def test_a_search_is_for_no_more_words_than_a_database_takes(reviewer, name, text):
    page = reviewer.get(reverse(f"admin:{name}_changelist"), {"q": text})
    assert page.status_code == 200
    assert not page.context["cl"].result_list


# Concurrent requests


@pytest.fixture
def four_threads(monkeypatch):
    monkeypatch.setattr(shared, "threads", 4)
    monkeypatch.setattr(limits, "PATIENCE", 0.05)


def test_two_requests_of_four_threads_are_served_and_others_get_retry_after(four_threads):
    places = Places()
    assert [places.take() for _ in range(4)] == [True, True, False, False]
    places.leave()
    assert [places.take() for _ in range(2)] == [True, False]


def test_one_more_waits_for_a_place_and_the_next_does_not(four_threads, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 30)
    places, got = Places(), []
    assert places.take()
    assert places.take()
    waiting = threading.Thread(target=lambda: got.append(places.take()))
    waiting.start()
    wait_for(lambda: places.inside == 3)
    assert not places.take()
    places.leave()
    waiting.join()
    assert got == [True]


def answered(response, path="/admin/"):
    """AdminLimits around a view that returns this response, and its answer to a request."""
    request = RequestFactory().get(path)
    request.user = SimpleNamespace(is_active=False, is_staff=False, is_anonymous=True)
    middleware = AdminLimits(lambda request: response)
    return middleware, middleware(request)


def test_a_place_is_given_back_with_the_answer(four_threads):
    middleware, _ = answered(HttpResponse())
    assert middleware.places.served == middleware.places.inside == 0


def test_a_streamed_answer_keeps_its_place_to_its_end(four_threads):
    middleware, response = answered(StreamingHttpResponse([b"1", b"2"]))
    assert middleware.places.served == 1
    assert b"".join(response) == b"12"
    response.close()
    response.close()
    assert middleware.places.served == middleware.places.inside == 0


def test_one_too_many_gets_retry_after(four_threads, monkeypatch, client, live_models):
    monkeypatch.setattr(Places, "take", lambda self: False)
    page = client.get("/admin/login/", headers={"accept-language": "en"})
    assert page.status_code == 503
    assert page["Retry-After"] == "0.05"
    assert "Try again in a moment." in page.text
    assert client.get("/").status_code == 200
