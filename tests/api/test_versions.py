"""version=: any version whose file is kept answers, with its own prices, whichever is active."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ml.stones import EXAMPLES
from predictor.models import ModelVersion, Prediction
from predictor.versions.activation import activate
from predictor.versions.live import _kept
from predictor.versions.store import register

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
NOT_KEPT = {"version": ["Version 2 of coded cannot answer: its file is not kept."]}

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(live_models, other_forests):
    """A second version of the coded scheme, with other prices, not active."""
    return register(other_forests["coded"], "tests")


def get(client, stone=CODED, **options):
    return client.get("/api/predict", {**stone, **options})


def retire(*arguments, **options):
    out = StringIO()
    call_command("retire", *arguments, stdout=out, **options)
    return out.getvalue()


def test_a_version_that_is_not_active_answers_with_its_own_prices(client, other, other_forests):
    content = get(client, version=2).json()
    [answer] = other_forests["coded"].price([[*CODED.values()]])
    assert content["model"] == {"scheme": "coded", "version": 2}
    assert content["predicted_price"] == int(answer) != get(client).json()["predicted_price"]
    first = Prediction.objects.order_by("pk").first()
    assert (first.version, first.price) == (other, answer)


def test_a_version_answers_the_same_after_ten_activations(
    client, live_models, other, fresh_registry
):
    before = get(client, version=1).json()
    for turn in range(10):
        activate([other, live_models["coded"]][turn % 2], "tests", "in turn")
    activate(other, "tests", "to end with the other")
    fresh_registry._checked = None
    assert get(client).json()["model"]["version"] == 2
    after = get(client, version=1).json()
    same = ("predicted_price", "price_range", "model", "features")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    [one, _active, again] = Prediction.objects.order_by("pk")
    assert (again.price, again.low, again.high) == (one.price, one.low, one.high)


def test_a_body_and_a_list_name_the_version_in_the_query_string(client, other):
    for content in (CODED, [CODED, CODED]):
        response = client.post("/api/predict?version=2", content, "application/json")
        assert response.status_code == 200
    assert {row.version for row in Prediction.objects.all()} == {other}


def test_the_protocol_has_the_version_in_its_address(client, other):
    path = "/v2/models/coded/versions/2"
    assert client.get(path).json()["versions"] == ["2"]
    assert client.get(f"{path}/ready").json() == {"name": "coded", "ready": True}
    inputs = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in CODED.items()
    ]
    found = client.post(f"{path}/infer", {"inputs": inputs}, "application/json").json()
    assert found["model_version"] == "2"
    assert Prediction.objects.get().version == other


@pytest.mark.parametrize(
    ("stone", "version", "message"),
    [
        (CODED, "9", "There is no version 9 of coded; there are 1, 2."),
        (GRADED, "2", "There is no version 2 of graded; there are 1."),
        (CODED, "0", "Give one version number."),
        (CODED, "-1", "Give one version number."),
        (CODED, "1.0", "Give one version number."),
        (CODED, "9" * 10, "Give one version number."),
        (CODED, "latest", "Give one version number."),
        (CODED, "", "Give one version number."),
        (CODED, ["1", "2"], "Give one version number."),
    ],
)
def test_another_version_is_refused_and_recorded(client, other, stone, version, message):
    response = get(client, stone, version=version)
    assert (response.status_code, response.json()) == (400, {"version": [message]})
    assert Prediction.objects.get().error == {"version": [message]}


def test_a_list_of_both_schemes_needs_the_version_of_both(client, other):
    response = client.post("/api/predict?version=2", [CODED, GRADED], "application/json")
    message = "There is no version 2 of graded; there are 1."
    assert (response.status_code, response.json()) == (400, {"version": [message]})


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_a_version_without_its_file_is_refused_by_name(client, other, damage):
    damage(Path(other.artifact.path))
    for _ in range(2):
        response = get(client, version=2)
        assert (response.status_code, response.json()) == (400, NOT_KEPT)
    assert get(client).status_code == 200
    response = client.get("/v2/models/coded/versions/2")
    assert (response.status_code, response.json()) == (404, {"error": NOT_KEPT["version"][0]})


def test_a_request_does_not_wait_long_for_versions_that_others_name(
    client, other, fresh_registry, monkeypatch
):
    monkeypatch.setattr("predictor.versions.live.LOADING_SECONDS", 0.01)
    with fresh_registry._loading:
        response = get(client, version=2)
        assert get(client, version=1).status_code == 200  # the active one
    message = "This version of the model is not available. Try again later."
    assert (response.status_code, response.json()) == (503, {"detail": message})
    assert response["Retry-After"]


def test_a_retired_version_says_so(client, other):
    assert "Deprecation" not in get(client, version=2)
    said = retire("coded", "2", until="2027-03-01")
    assert said == "coded 2 is retired, available until 2027-03-01\n"
    retired = ModelVersion.objects.get(pk=other.pk).retired
    path = "/v2/models/coded/versions/2"
    for response in (
        get(client, version=2),
        client.post("/api/predict?version=2", [CODED], "application/json"),
        client.get(path),
    ):
        assert response.status_code == 200
        assert response["Deprecation"] == f"@{int(retired.timestamp())}"
        assert response["Sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"
    assert "Deprecation" not in get(client, version=1)
    assert "Deprecation" not in get(client)


def test_the_command_or_an_activation_ends_a_retirement(client, other):
    assert retire("coded", "2") == "coded 2 is retired\n"
    assert "Sunset" not in get(client, version=2)
    assert retire("coded", "2", undo=True) == "coded 2 is not retired\n"
    assert "Deprecation" not in get(client, version=2)
    retire("coded", "2")
    activate(other, "tests", "it is needed again")
    other.refresh_from_db()
    assert (other.retired, other.sunset) == (None, None)


def test_the_active_version_is_not_retired(live_models):
    with pytest.raises(CommandError, match=r"^coded 1 is active: activate another version first$"):
        retire("coded", "1")


def test_a_retired_version_keeps_its_first_date(other):
    first = datetime(2026, 1, 1, tzinfo=UTC)
    ModelVersion.objects.filter(pk=other.pk).update(retired=first)
    retire("coded", "2", until="2027-03-01")
    other.refresh_from_db()
    assert (other.retired, other.sunset.year) == (first, 2027)


def test_a_version_is_loaded_once(client, other):
    _kept.cache_clear()
    get(client, version=2)
    get(client, version=2)
    assert _kept.cache_info().misses == 1


def test_a_key_keeps_the_headers_of_a_retired_version(client, other):
    retire("coded", "2")
    first = client.get("/api/predict", {**CODED, "version": 2}, headers={"Idempotency-Key": "a"})
    again = client.get("/api/predict", {**CODED, "version": 2}, headers={"Idempotency-Key": "a"})
    assert again["Deprecation"] == first["Deprecation"]
    assert again.content == first.content


def test_an_asking_price_in_another_currency_is_that_of_the_version(client, other):
    ModelVersion.objects.filter(pk=other.pk).update(currency="EUR")
    found = get(client, version=2, asking="900 USD")
    assert found.status_code == 400
    assert "EUR" in found.json()["asking"][0]
