"""Invalid queries, ids and forms sent to the admin never answer with a 500, on either database."""

import itertools
import logging
from random import Random
from unittest.mock import Mock

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import DataError
from django.forms import ModelForm
from django.urls import reverse
from hypothesis import settings as profile
from rest_framework.authtoken.models import TokenProxy

from predictor.admin import bad_requests as nonsense
from predictor.models import SavedView

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime"),
]

WORST = ["\x00", "9" * 20, "9" * 400, "1," + "9" * 30, "abc", "-1"]
VALUES = [
    *WORST,
    "",
    "a\x00b",
    "1e400",
    "nan",
    "1.5",
    "null",
    "[]",
    "{",
    "(",
    "2020-13-45",
    "99999-01-01",
    "True",
    "%",
    "⁵",
    "a" * 3000,
    "00000000-0000-0000-0000-000000000000",
    "1,\x00",
]
LOOKUPS = [
    "",
    "in",
    "gte",
    "range",
    "isnull",
    "year",
    "date",
    "regex",
    "icontains",
    "foo",
    "exact__foo",
]
CONTROLS = ["o", "p", "all", "q", "e", "_facets", "_popup", "_to_field", "_changelist_filters"]

ADMINS = admin.site._registry
MODELS = pytest.mark.parametrize("model", ADMINS, ids=lambda model: model._meta.label)


@pytest.fixture
def visitor(admin_client, live_models):
    """A superuser whose client returns a 500 instead of raising; each model edited by hand has a row."""
    user = User.objects.create_user("anna")
    user.groups.add(Group.objects.create(name="readers"))
    TokenProxy.objects.create(user=user)
    admin_client.raise_request_exception = False
    return admin_client


def address(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def names(model):
    """The names a list can be filtered by: fields, fields of related models, the filters' parameters."""
    fields = model._meta.get_fields()
    related = [
        f"{field.name}__{other.name}"
        for field in fields
        if field.related_model
        for other in field.related_model._meta.get_fields()[-2:]
    ]
    filters = [
        getattr(one, "parameter_name", None) or one for one in ADMINS[model].get_list_filter(None)
    ]
    filters = [one if isinstance(one, str) else one[0] for one in filters]
    ranges = [
        f"{name}__range__{end}" for name in filters for end in ("gte", "lte", "gte_0", "lte_1")
    ]
    return list(dict.fromkeys([*(field.name for field in fields), *related, *filters, *ranges]))


def hostile_queries(model):
    """Queries that combine each name with lookups and invalid values; then the list's own controls.

    `make test` sends a hundred of them to each list, `make fuzz` sends all.
    """
    values, lookups = itertools.cycle(VALUES), itertools.cycle(LOOKUPS)
    for name in names(model):
        for lookup in itertools.islice(lookups, 5):
            yield {f"{name}__{lookup}".removesuffix("__"): next(values)}
        for worst, lookup in itertools.product(WORST[:3], ("exact", "in")):
            yield {f"{name}__{lookup}": worst}
    for control, value in itertools.product(CONTROLS, WORST):
        yield {control: value}


@pytest.mark.fuzz
@MODELS
def test_no_query_of_a_list_is_a_500(visitor, model):
    page, queries = address(model, "changelist"), [*hostile_queries(model)]
    queries = Random(0).sample(queries, min(len(queries), profile().max_examples // 2))
    got = {str(query): visitor.get(page, query).status_code for query in queries}
    assert {query: status for query, status in got.items() if status not in (200, 302, 400)} == {}
    assert visitor.get(page, {"e": "1"}).status_code == 200


@MODELS
def test_no_id_of_a_page_is_a_500(visitor, model):
    for view, value in itertools.product(("change", "delete", "history"), WORST):
        status = visitor.get(address(model, view, value)).status_code
        assert status in (200, 302, 400, 403, 404), (view, value)


@MODELS
def test_no_row_to_show_on_the_site_is_a_500(visitor, model):
    kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
    for value in [*WORST, "0"]:
        page = reverse("admin:view_on_site", args=[kind.pk, value])
        assert visitor.get(page).status_code in (302, 400, 404)


@MODELS
def test_no_form_is_a_500(visitor, model):
    row = model.objects.first()
    pages = [address(model, "add"), address(model, "change", row.pk if row else 1)]
    for page in [*pages, address(model, "delete", 1), address(model, "changelist")]:
        shown = visitor.get(page)
        form = getattr(shown.context and shown.context.get("adminform"), "form", None)
        known = (
            list(form.fields)
            if form
            else ["action", "_selected_action", "index", "form-TOTAL_FORMS"]
        )
        for name, value in itertools.product(known, WORST):
            data = {**dict.fromkeys(known, "1"), "action": "delete_selected", name: value}
            assert visitor.post(page, data).status_code in (200, 302, 400, 403, 404), (
                page,
                name,
                value,
            )


def test_no_groups_of_a_user_are_a_500(visitor):
    anna = User.objects.get(username="anna")
    data = {"username": "anna", "is_active": "on"}
    data |= {"date_joined_0": "2024-01-01", "date_joined_1": "00:00:00"}
    for value in VALUES:
        sent = {**data, "groups": [value], "user_permissions": [value]}
        response = visitor.post(address(User, "change", anna.pk), sent)
        assert response.status_code in (200, 400), value
        assert [group.name for group in anna.groups.all()] == ["readers"]


def test_no_log_in_is_a_500(client):
    client.raise_request_exception = False
    page = reverse("admin:login")
    for value in VALUES:
        for data in ({"username": value, "password": "x"}, {"username": "x", "password": value}):
            response = client.post(page, data, query_params={"next": value})
            assert response.status_code in (200, 302, 400, 429), (data, value)


def test_a_list_goes_back_to_all_rows_and_the_log_says_why(visitor, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger(nonsense.__name__), "disabled", False)
    page = address(User, "changelist")
    with caplog.at_level("WARNING", nonsense.__name__):
        response = visitor.get(page, {"username__range": "9"})
    assert (response.status_code, response["Location"]) == (302, f"{page}?e=1")
    [line] = [record.getMessage() for record in caplog.records if record.name == nonsense.__name__]
    assert line.startswith("the admin received an invalid request (")


def test_an_invalid_form_gets_an_error_page(visitor, monkeypatch):
    monkeypatch.setattr(
        ADMINS[User], "get_object", Mock(side_effect=DataError("integer out of range"))
    )
    response = visitor.post(address(User, "change", 1), {"username": "anna"})
    assert response.status_code == 400
    assert "<html" in response.text


def test_a_fault_of_our_own_stays_a_500(visitor, monkeypatch):
    monkeypatch.setattr(ADMINS[User], "get_queryset", lambda request: [][1])
    assert visitor.get(address(User, "changelist")).status_code == 500


@pytest.mark.parametrize("path", ["/", "/api/predict"])
def test_elsewhere_an_error_stays_a_500(visitor, monkeypatch, path):
    monkeypatch.setattr("predictor.web.access.settings", None)
    monkeypatch.setattr("predictor.pages.stone_form.home.StoneForm", None)
    monkeypatch.setattr("predictor.api.views.parameters", None)
    assert visitor.get(f"{path}?carat=x").status_code == 500


def test_what_somebody_saved_a_moment_ago_is_shown(reviewer, monkeypatch):
    """Both forms were validated before either was saved."""
    SavedView.objects.create(name="refused", query="status=400")
    monkeypatch.setattr(SavedView, "validate_unique", lambda self, exclude=None: None)
    monkeypatch.setattr(ModelForm, "validate_unique", lambda self: None)
    add = reverse("admin:predictor_savedview_add")
    page = reviewer.post(add, {"name": "refused", "query": "status=503"}, follow=True)
    assert page.redirect_chain == [(reverse("admin:predictor_savedview_changelist"), 302)]
    assert "Nothing was saved: someone saved the same a moment ago." in page.text
    assert SavedView.objects.get().query == "status=400"
