"""503 in JSON with Retry-After: no price without its record, and no partial record."""

from unittest.mock import Mock
from uuid import UUID

import pytest
from django.conf import settings as site
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.test import override_settings

from ml.stones import EXAMPLES
from predictor.history.record import record
from predictor.models import Activation, Prediction
from predictor.pricing import services
from predictor.pricing.services import _new_prediction
from predictor.versions.live import registry
from tests.posting import post

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
NO_FOREST = {"detail": "No model of this scheme is active. Try again later."}
NO_HISTORY = {"detail": "The price could not be recorded, so it is not shown. Try again later."}
NO_DATABASE = {"detail": "The database is not available. Try again later."}

pytestmark = pytest.mark.django_db


def assert_unavailable(response, detail):
    """A 503 in JSON with Retry-After and no price."""
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert response["Content-Type"] == "application/json"
    assert response.json() == detail


@pytest.fixture(params=[OperationalError, InterfaceError])
def unwritable(request, monkeypatch):
    """The history raises an error, as with a full disk or a broken connection."""
    monkeypatch.setattr(services, "record", Mock(side_effect=request.param("no")))


@pytest.mark.usefixtures("fresh_registry")
@pytest.mark.parametrize("stone", [CODED, GRADED])
def test_a_valid_stone_without_a_live_forest_is_recorded_as_503(client, stone):
    assert_unavailable(client.get("/api/predict", stone), NO_FOREST)
    row = Prediction.objects.get()
    assert (row.status, row.source, row.price, row.version) == (503, "api", None, None)
    assert row.error == NO_FOREST["detail"]
    assert row.request.startswith("carat=")


@pytest.mark.usefixtures("fresh_registry")
def test_a_list_without_a_live_forest_is_recorded_as_one_503(client):
    assert_unavailable(post(client, [CODED, GRADED]), NO_FOREST)
    row = Prediction.objects.get()
    assert (row.status, row.source) == (503, "batch")


def test_a_list_of_which_one_scheme_is_not_live_is_not_answered_in_part(client, live_models):
    Activation.objects.filter(scheme="graded").delete()
    registry.refresh()
    assert_unavailable(post(client, [CODED, GRADED, CODED]), NO_FOREST)
    assert [row.status for row in Prediction.objects.all()] == [503]
    assert client.get("/api/predict", CODED).status_code == 200


@pytest.mark.usefixtures("fresh_registry")
def test_a_bad_stone_is_reported_even_without_a_live_forest(client):
    assert client.get("/api/predict", {**CODED, "carat": "x"}).status_code == 400
    assert Prediction.objects.get().status == 400


@pytest.mark.usefixtures("live_models", "unwritable")
@pytest.mark.parametrize(
    "content", [CODED, GRADED, [CODED], [GRADED, CODED], {}, [{}], {**CODED, "carat": -1}]
)
def test_neither_a_price_nor_a_refusal_is_given_that_cannot_be_recorded(client, content):
    response = post(client, content)
    assert_unavailable(response, NO_HISTORY)
    assert b'price"' not in response.content
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("path", ["/api/predict?volume=60.063&", "/api/model"])
def test_a_database_that_never_answered_is_unavailable(
    client, monkeypatch, fresh_registry, error, path
):
    monkeypatch.setattr(fresh_registry, "refresh", Mock(side_effect=error("no")))
    query = "&".join(f"{name}={value}" for name, value in CODED.items() if name != "volume")
    response = client.get(path + (query if "predict" in path else ""))
    assert_unavailable(response, NO_DATABASE)
    assert not Prediction.objects.exists()


@pytest.mark.usefixtures("live_models")
@pytest.mark.parametrize("stone", [CODED, GRADED])
def test_a_list_that_fails_midway_leaves_no_row_of_it(client, monkeypatch, stone):
    before = client.get("/api/predict", CODED)

    def with_one_id_taken(predictions, key):
        predictions[700].id = UUID(before.json()["id"])
        record(predictions, key)

    monkeypatch.setattr(services, "record", with_one_id_taken)
    assert_unavailable(post(client, [stone] * 1000), NO_HISTORY)
    assert str(Prediction.objects.get().id) == before.json()["id"]


@pytest.mark.usefixtures("live_models")
def test_a_row_that_the_database_refuses_takes_its_whole_list_with_it(client, monkeypatch):
    make = _new_prediction

    def with_a_price_below_its_range(model, features, *args):
        prediction = make(model, features, *args)
        if features["table"] == 61.5:
            prediction.price = prediction.low / 2
        return prediction

    monkeypatch.setattr(services, "_new_prediction", with_a_price_below_its_range)
    stones = [CODED] * 700 + [{**CODED, "table": 61.5}] + [CODED] * 10
    assert_unavailable(post(client, stones), NO_HISTORY)
    assert not Prediction.objects.exists()


@pytest.mark.usefixtures("live_models", "unwritable")
def test_the_home_page_says_so_in_a_page(client):
    response = client.post("/", {**GRADED, "scheme": "graded"})
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.usefixtures("live_models")
def test_an_unknown_error_stays_a_500_without_a_price(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr(services, "warnings_of", Mock(side_effect=RuntimeError("no")))
    with override_settings(DEBUG=False):
        response = client.get("/api/predict", CODED)
    assert response.status_code == 500
    assert not Prediction.objects.exists()


class Away:
    """Middleware that raises a database error, as the session middleware may."""

    def __init__(self, get_response):
        pass

    def __call__(self, request):
        raise OperationalError("could not connect")


def failing(error):
    """Makes every database query fail."""
    return connection.execute_wrapper(Mock(side_effect=error("no")))


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_pages_say_so_where_a_read_fails(client, admin_client, live_models, error):
    quote = client.get("/api/predict", CODED).json()["url"]
    for page in (quote, "/models/coded/1/", "/admin/predictor/prediction/"):
        with failing(error):
            response = admin_client.get(page, headers={"Accept-Language": "en"})
        assert (response.status_code, response["Retry-After"]) == (503, "2")
        assert response["Content-Type"].startswith("text/html")
        assert NO_DATABASE["detail"] in response.content.decode()
        assert admin_client.get(page).status_code == 200


def test_a_mistake_in_a_query_stays_a_500(client, live_models):
    quote = client.get("/api/predict", CODED).json()["url"]
    client.raise_request_exception = False
    with failing(ProgrammingError):
        assert client.get(quote).status_code == 500


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/api/predict", "application/json"), ("/api/model", "application/json")],
)
def test_middleware_that_meets_it_is_answered_for_too(client, path, kind):
    client.raise_request_exception = False
    away = site.MIDDLEWARE.copy()
    away.insert(1 if "api" in path else len(away), f"{__name__}.Away")  # the API skips the last one
    with override_settings(MIDDLEWARE=away):
        response = client.get(path, headers={"Accept-Language": "en"})
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert response["Content-Type"].startswith(kind)
    assert NO_DATABASE["detail"] in response.content.decode()
