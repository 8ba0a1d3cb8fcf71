"""The client in clients/python, on the served product and against failures; its models match the schema."""

import sys
from datetime import date

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from ml.vocabulary import OPTIONAL
from predictor.models import IdempotencyKey, Outcome, Prediction
from tests.own_stones import OVAL, OWN

sys.path.insert(0, str(settings.BASE_DIR / "clients/python"))

import diamond_prices as client
from diamond_prices import client as internals
from diamond_prices import models

CODED = client.CodedStone(**EXAMPLES["coded"][0])
GRADED = client.GradedStone(**EXAMPLES["graded"][0])

SCHEMAS = {
    "GradedStone": models.GradedStone,
    "CodedStone": models.CodedStone,
    "PriceRange": models.PriceRange,
    "AnsweringModel": models.AnsweringModel,
    "Asking": models.Asking,
    "AssumedGrade": models.AssumedGrade,
    "RecordedListing": models.RecordedListing,
    "Comparable": models.Comparable,
    "Quote": models.Quote,
    "OutcomeOfAnswer": models.Outcome,
    "ReportedOutcome": models.ReportedOutcome,
}
"""{the name of a schema: its model}."""


@pytest.mark.once
@pytest.mark.django_db
def test_the_models_match_the_schema(admin_client):
    published = admin_client.get("/api/schema").json()["components"]["schemas"]
    for name, model in SCHEMAS.items():
        own = model.model_json_schema()
        optional = OPTIONAL.keys() if name == "GradedStone" else set()
        assert own["properties"].keys() - optional == published[name]["properties"].keys(), name
        assert set(own["required"]) == set(published[name]["required"]), name
    warning = models.StoneWarning.model_json_schema()
    assert set(warning["required"]) == set(published["StoneWarning"]["required"])


@pytest.fixture
def api(live_server, live_models, transactional_db):
    """A client with a token that may report prices."""
    user = User.objects.create(username="shop")
    user.user_permissions.add(Permission.objects.get(codename="add_outcome"))
    with client.DiamondPrices(live_server.url, Token.objects.create(user=user).key) as api:
        yield api


@pytest.mark.django_db(transaction=True)
def test_it_prices_reports_and_reads_again(api, monkeypatch):
    quote = api.price(GRADED, version=1, comparables=3, asking=3000, receipt=True)
    row = Prediction.objects.get()
    assert (quote.id, quote.predicted_price, row.client) == (row.pk, row.predicted_price, "shop")
    assert (len(quote.comparables), quote.asking.price, quote.model.version) == (3, 3000, 1)
    assert quote.receipt.count(".") == 2
    left_out = {"comparables": None, "receipt": None}
    assert api.recorded(quote.id) == quote.model_copy(update=left_out)
    outcome = client.Outcome(id=quote.id, amount=2750, kind="paid", when=date(2026, 11, 20))
    assert api.report(outcome).state == "waiting"
    [reported] = api.report_all([outcome])
    assert (reported.amount, reported.by) == (2750, "shop")
    assert Outcome.objects.get().sold_on == date(2026, 11, 20)
    monkeypatch.setattr(internals, "AT_ONCE", 2)
    quotes = list(api.prices([GRADED, CODED, GRADED]))
    assert [one.model.scheme for one in quotes] == ["graded", "coded", "graded"]
    assert Prediction.objects.count() == 4
    assert IdempotencyKey.objects.count() == 3
    with pytest.raises(client.Refused) as refused:
        api.price(GRADED.model_copy(update={"cut": "Best"}))
    assert list(refused.value.detail) == ["cut"]


def answered(*replies):
    """A client whose requests get these replies in turn, and the list of the requests."""
    seen, left = [], list(replies)

    def reply(request):
        seen.append(request)
        if isinstance(left[0], Exception):
            raise left.pop(0)
        status, headers = left.pop(0)
        return httpx.Response(status, headers=headers, json={"detail": "…"})

    api = client.DiamondPrices("http://test", transport=httpx.MockTransport(reply), attempts=3)
    return api, seen


@pytest.fixture
def waits(monkeypatch):
    """The seconds that the client waits, which do not pass."""
    waits = []
    monkeypatch.setattr(internals.time, "sleep", waits.append)
    return waits


@pytest.mark.once
def test_it_sends_a_request_again_with_the_same_key(waits):
    lost = httpx.ReadTimeout("no answer")
    api, seen = answered((503, {"Retry-After": "2"}), lost, (404, {}))
    with pytest.raises(client.ApiError) as error:
        api.recorded("x")
    assert (error.value.status, error.value.detail) == (404, {"detail": "…"})
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert waits[0] == 2
    assert 0.5 <= waits[1] <= 1


@pytest.mark.once
@pytest.mark.parametrize("failure", [(429, {}), (409, {"Retry-After": "1"}), (502, {})])
def test_it_gives_up_after_some_attempts(waits, failure):
    api, seen = answered(*[failure] * 3)
    with pytest.raises(client.Unavailable) as error:
        api.price(CODED)
    assert (error.value.status, len(seen), len(waits)) == (failure[0], 3, 2)


@pytest.mark.once
@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 500])
def test_other_errors_are_not_tried_again(waits, status):
    api, seen = answered((status, {}))
    with pytest.raises(client.ApiError):
        api.price(CODED)
    assert (len(seen), waits) == (1, [])


@pytest.mark.django_db(transaction=True)
def test_answers_of_an_own_lists_version_are_read(api, own_live):
    quote = api.price(client.GradedStone(**{**OVAL, "color": "M"}), comparables=2)
    [warning] = [one for one in quote.warnings if one.code == "few_of_grade"]
    assert warning.value == "M"
    assert quote.comparables[0].stone.keys() <= {*OWN.public}


@pytest.mark.once
def test_no_stone_is_left_out(waits):
    """A number of comparables that the service refuses is sent to it."""
    api, seen = answered((400, {}))
    with pytest.raises(client.Refused):
        list(api.prices([CODED], comparables=6000))
    assert len(seen) == 1
