"""Each filter of the predictions declares the index it uses, and the database uses that index."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.urls import reverse

from predictor.admin.predictions.filters import PRIMARY_KEY, SEARCHED, Index
from predictor.admin.predictions.keyset import FEW, ids_of
from predictor.models import Prediction

LIST = reverse("admin:predictor_prediction_changelist")
FILTERS = admin.site.get_model_admin(Prediction).get_list_filter(None)
IN_USE = [
    "status=400",
    "status=503",
    "source__exact=batch",
    "client=anna",
    "version__id__exact=1",
    "created__range__gte_0=2020-01-01&created__range__lte_0=2020-01-02",
    "price__range__gte=5000&price__range__lte=5001",
    "carat__range__gte=5&carat__range__lte=5.1",
    "review=checked",
    "review=disputed",
    "review=priced",
    "risk=far",
    "risk=drawn",
    "sample=1",
]
"""Queries of the list that use the declared indexes."""

SEARCHED_FOR = [
    "status=200",
    "source__exact=api",
    "scheme__exact=coded",
    "cut=Ideal",
    "color=J",
    "clarity=IF",
    "warning=extrapolated",
    "refused=carat",
    "review=none",
    "risk=beyond",
    "risk=wide",
]
pytestmark = pytest.mark.django_db


def class_of(entry):
    return entry[1] if isinstance(entry, tuple) else entry


@pytest.mark.parametrize("entry", FILTERS, ids=str)
def test_a_filter_says_which_index_finds_its_rows_or_that_they_are_searched_for(entry):
    declared = getattr(class_of(entry), "index", "nothing")
    assert declared is SEARCHED or isinstance(declared, Index), (
        f"{entry}: declare `index`, an Index or SEARCHED (predictor/admin/predictions/filters.py)"
    )


def specs_of(reviewer, query):
    """The changelist of a query, and the filters that the query sets."""
    view = reviewer.get(f"{LIST}?{query}").context["cl"]
    return view, [spec for spec in view.filter_specs if spec.used_parameters]


def dated():
    """A row of 2020: a range of days without any rows needs no index."""
    Prediction.objects.create(
        source="api", status=400, request="", latency_ms=1, created="2020-01-01T12:00:00Z"
    )


@pytest.mark.parametrize("query", IN_USE)
def test_the_database_takes_the_declared_index(reviewer, planned, live_models, query):
    dated()
    _, [spec] = specs_of(reviewer, query)
    if spec.index.only_on not in ("", connection.vendor):
        assert not spec.index.serves(spec)
        return
    assert spec.index.serves(spec)
    plan = ids_of(spec, Prediction.objects.order_by())[: FEW + 1].explain()
    table = "predictor_prediction"
    assert f"SCAN {table}" not in plan
    assert f"Seq Scan on {table}" not in plan
    assert spec.index.name in plan or spec.index.name == PRIMARY_KEY, plan


@pytest.mark.parametrize("query", SEARCHED_FOR)
def test_other_filters_are_searched_for(reviewer, live_models, query):
    view, [spec] = specs_of(reviewer, query)
    assert not (spec.index and spec.index.serves(spec))
    assert view.few is None


def test_every_filter_is_tried_here(reviewer, live_models):
    view, _ = specs_of(reviewer, "status=400")
    tried = {query.split("=")[0].removesuffix("_0") for query in [*IN_USE, *SEARCHED_FOR]}
    for spec in view.filter_specs:
        names = {name.removesuffix("_0") for name in spec.expected_parameters()}
        assert names & tried, spec.title


def test_the_history_page_of_an_object_uses_an_index(planned, live_models):
    rows = LogEntry.objects.filter(object_id="7", content_type=ContentType.objects.first())
    assert "predictor_admin_log" in rows.order_by("action_time").explain()
