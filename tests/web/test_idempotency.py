"""Idempotency-Key: a request sent again gets the same bytes, and no second record."""

import gzip
import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from predictor.history import idempotency as keys
from predictor.history import record as recording
from predictor.history.idempotency import LIFETIME, KeyTaken
from predictor.models import IdempotencyKey, Prediction
from predictor.models.ids import uuid7
from predictor.pricing import services
from predictor.web.idempotency import ACCEPTED, read_key
from tests.posting import post

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
OTHER = EXAMPLES["coded"][1]
KEY = {"Idempotency-Key": "order-17"}
REUSED = {"detail": "This Idempotency-Key was used for another request. Send a new one."}

pytestmark = pytest.mark.usefixtures("live_models")
in_database = pytest.mark.django_db


def get(client, stone=CODED, **headers):
    return client.get("/api/predict", stone, headers=KEY | headers)


def inputs(stone):
    """A stone as tensors of the Open Inference Protocol."""
    return {
        "inputs": [
            {
                "name": name,
                "shape": [1],
                "datatype": "BYTES" if isinstance(value, str) else "FP64",
                "data": [value],
            }
            for name, value in stone.items()
        ]
    }


def infer(client, content, path="/v2/models/graded/infer", **headers):
    return client.post(path, content, "application/json", headers=KEY | headers)


ASKED = {
    "GET": get,
    "POST": lambda client: post(client, GRADED, headers=KEY),
    "a list": lambda client: post(client, [CODED, GRADED], headers=KEY),
    "comparables": lambda client: get(client, {**GRADED, "include": "comparables"}),
    "gzip": lambda client: client.post(
        "/api/predict",
        gzip.compress(json.dumps(CODED).encode(), mtime=0),
        "application/json",
        headers=KEY | {"Content-Encoding": "gzip"},
    ),
    "infer": lambda client: infer(client, inputs(GRADED)),
    "infer, in bytes": lambda client: infer(
        client, {**inputs(GRADED), "parameters": {"binary_data_output": True}}
    ),
}


@in_database
@pytest.mark.parametrize("kind", ASKED)
def test_a_request_sent_again_gets_the_same_bytes(client, kind):
    first = ASKED[kind](client)
    assert (first.status_code, "Idempotent-Replayed" in first) == (200, False)
    count = Prediction.objects.count()
    again = ASKED[kind](client)
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert again.content == first.content
    for name in ("Content-Type", "Content-Length", "Inference-Header-Content-Length"):
        assert again.headers.get(name) == first.headers.get(name)
    assert Prediction.objects.count() == count
    assert IdempotencyKey.objects.count() == 1


@in_database
def test_without_the_header_nothing_is_kept(client):
    assert (
        client.get("/api/predict", CODED).json()["id"]
        != (client.get("/api/predict", CODED).json()["id"])
    )
    assert not IdempotencyKey.objects.exists()


@in_database
@pytest.mark.parametrize(
    "other",
    [
        lambda client: get(client, OTHER),
        lambda client: get(client, {**CODED, "asking": "900"}),
        lambda client: post(client, CODED, headers=KEY),
        lambda client: client.head("/api/predict", CODED, headers=KEY),
    ],
)
def test_another_request_under_the_same_key_is_refused(client, other):
    get(client)
    response = other(client)
    assert response.status_code == 422
    assert response.content in (b"", json.dumps(REUSED, separators=(",", ":")).encode())
    assert Prediction.objects.count() == 1


@in_database
def test_the_protocol_words_the_refusal_in_its_own_form(client):
    get(client)
    response = infer(client, inputs(GRADED))
    assert (response.status_code, response.json()) == (422, {"error": REUSED["detail"]})


@in_database
def test_keys_belong_to_a_client(client):
    tokens = [Token.objects.create(user=User.objects.create(username=name)) for name in "ab"]
    bearers = [{"Authorization": f"Bearer {token.key}"} for token in tokens]
    ids = {get(client, **headers).json()["id"] for headers in [{}, *bearers, *bearers]}
    ids.add(client.get("/api/predict", CODED, headers=KEY, REMOTE_ADDR="192.0.2.7").json()["id"])
    assert len(ids) == Prediction.objects.count() == 4


@in_database
def test_a_refused_request_may_be_corrected_under_the_same_key(client):
    assert get(client, {**CODED, "carat": "x"}).status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert get(client).status_code == 200
    assert [*Prediction.objects.order_by("pk").values_list("status", flat=True)] == [400, 200]


@in_database
def test_an_unavailable_history_keeps_no_key(client, monkeypatch):
    def fail(*_):
        raise services.DatabaseUnusable

    with monkeypatch.context() as patch:
        patch.setattr(services, "record", fail)
        assert get(client).status_code == 503
    assert not IdempotencyKey.objects.exists()
    assert get(client).status_code == 200


@in_database
def test_a_key_lasts_a_day(client):
    first = get(client)
    IdempotencyKey.objects.update(created=timezone.now() - LIFETIME + timedelta(minutes=1))
    assert get(client)["Idempotent-Replayed"] == "true"
    IdempotencyKey.objects.update(created=timezone.now() - LIFETIME - timedelta(minutes=1))
    later = get(client)
    assert "Idempotent-Replayed" not in later
    assert later.json()["id"] != first.json()["id"]
    assert (Prediction.objects.count(), IdempotencyKey.objects.count()) == (2, 1)


@in_database
def test_expired_keys_are_deleted(client):
    for number in range(3):
        get(client, **{"Idempotency-Key": f"order-{number}"})
    expired = [*IdempotencyKey.objects.values_list("pk", flat=True)[:2]]
    old = IdempotencyKey.objects.filter(pk__in=expired)
    old.update(created=timezone.now() - LIFETIME - timedelta(seconds=1))
    assert keys.delete_expired() == 2
    assert IdempotencyKey.objects.exclude(pk__in=expired).count() == 1
    assert keys.delete_expired() == 0


@in_database
def test_of_two_requests_at_once_both_get_the_first_answer(client, monkeypatch):
    """Both find no key at first."""
    first = get(client)
    find = keys.find
    found = iter([None])
    monkeypatch.setattr("predictor.web.idempotency.find", lambda key: next(found, find(key)))
    second = get(client)
    assert (second.content, second["Idempotent-Replayed"]) == (first.content, "true")
    assert Prediction.objects.count() == 1


@in_database
def test_a_key_that_expires_at_that_moment_is_a_conflict(client, monkeypatch):
    get(client)
    monkeypatch.setattr("predictor.web.idempotency.find", lambda key: None)
    response = get(client)
    assert (response.status_code, response["Retry-After"]) == (409, "1")
    detail = "A request with this Idempotency-Key is in progress. Try again later."
    assert response.json() == {"detail": detail}
    assert Prediction.objects.count() == 1


@in_database
@pytest.mark.parametrize(
    "sent", ["", " ", "x" * 256, '"', '"a', 'a"b', "a b", "é", "a\xa0", "\x1fa", '"\\n"', '""']
)
def test_an_invalid_key_is_refused_and_recorded(client, sent):
    response = get(client, **{"Idempotency-Key": sent})
    assert response.status_code == 400
    assert response.json() == {"Idempotency-Key": [ACCEPTED]}
    [row] = Prediction.objects.all()
    assert (row.status, row.request.startswith("carat=0.37")) == (400, True)


@pytest.mark.once
@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("a", "a"),
        ('"a"', "a"),
        ('  "a"  ', "a"),
        ("x" * 255, "x" * 255),
        (f'"{"x" * 255}"', "x" * 255),
        (f'"{"x" * 256}"', ""),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        (r'"a\u0041"', ""),
        (r'"\/"', ""),
        ('"a b"', "a b"),
        ('"a";b=1', ""),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"' + '\\"' * 255 + '"', '"' * 255),
        ("x" * 100_000, ""),
    ],
)
def test_a_key_is_a_quoted_string_or_a_token(sent, key):
    assert read_key(sent) == key


@in_database
def test_a_key_that_was_taken_meanwhile_keeps_its_answer(client, live_models):
    """Two requests at once: the key of the second is taken when it is recorded."""
    first = get(client).json()
    prediction = Prediction.objects.get(pk=first["id"])
    prediction.pk = uuid7()
    key = keys.Key(IdempotencyKey.objects.get().pk, "f")
    with pytest.raises(KeyTaken):
        recording.record([prediction], key.keeping(lambda _: client.get("/api/model")))
    assert Prediction.objects.get().pk == UUID(first["id"])
    assert IdempotencyKey.objects.count() == 1
