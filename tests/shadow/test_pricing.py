"""A shadow prices the requests that the active version has answered, each once, in short transactions."""

from pathlib import Path

import pandas as pd
import pytest

from bench.transactions import watched
from predictor.history import pruning
from predictor.models import ModelVersion, Prediction, Shadow, ShadowPrice
from predictor.models.ids import uuid7
from predictor.shadow import pricing
from predictor.shadow.pricing import Shadows, figures
from predictor.versions.activation import activate, end_shadow
from predictor.versions.shadows import ShadowRefused, shadow_of, start

from ..own_stones import STONE
from .conftest import GRADED

pytestmark = pytest.mark.django_db


def again(shadow):
    shadow.refresh_from_db()
    return shadow


def test_each_request_that_follows_gets_a_second_price(
    request_price, later, later_forests, at_once, live_models
):
    before = request_price()
    shadow = start(later, "maria")
    rows = [request_price(carat=0.3 + place / 100) for place in range(5)]
    assert Shadows().catch_up() == 5
    forest = later_forests["graded"]
    for row in rows:
        found = row.shadow_price
        assert found.price == pytest.approx(forest.price(pd.DataFrame([row.features]))[0])
        assert found.low <= found.price <= found.high
        assert (found.shadow, found.trained_on) == (shadow, False)
        assert row.version == live_models["graded"]  # the answer stays that of the active version
    assert not ShadowPrice.objects.filter(prediction=before).exists()
    assert (again(shadow).priced, shadow.unpriced, shadow.reached) == (5, 0, rows[-1].pk)
    assert Shadows().catch_up() == 0


def test_what_another_version_answered_or_was_refused_has_no_second_price(
    client, request_price, shadow, second, at_once
):
    request_price(volume=60.1)
    request_price(version=shadow.version.number)
    client.get("/api/predict", GRADED | {"carat": -1})
    last = request_price()
    assert Shadows().catch_up() == 4
    assert [row.prediction for row in ShadowPrice.objects.all()] == [last]
    assert again(shadow).reached == last.pk


def test_a_request_waits_until_earlier_ones_must_be_committed(request_price, shadow):
    request_price()
    assert Shadows().catch_up() == 0
    assert [(scheme, number) for scheme, number, _ in figures()] == [("graded", 2)]
    assert 0 <= figures()[0][2] < 60


def test_a_trained_stone_is_marked(request_price, shadow, at_once, small_forests):
    forest = small_forests["graded"]
    request_price(**{name: forest.recorded(0)[name] for name in forest.columns})
    Shadows().catch_up()
    assert ShadowPrice.objects.get().trained_on


def test_two_workers_price_a_request_once(request_price, shadow, at_once, monkeypatch):
    request_price()
    priced = pricing._priced

    def meanwhile(*arguments):
        monkeypatch.setattr(pricing, "_priced", priced)
        assert Shadows().catch_up() == 1
        return priced(*arguments)

    monkeypatch.setattr(pricing, "_priced", meanwhile)
    assert Shadows().catch_up() == 0
    assert (ShadowPrice.objects.count(), again(shadow).priced) == (1, 1)


def test_a_shadow_that_ends_meanwhile_gets_no_price(request_price, shadow, at_once, monkeypatch):
    request_price()
    priced = pricing._priced
    monkeypatch.setattr(pricing, "_priced", lambda *some: [end_shadow("graded"), priced(*some)][1])
    assert Shadows().catch_up() == 0
    assert not ShadowPrice.objects.exists()


def test_many_requests_are_priced_in_short_transactions(request_price, shadow, at_once):
    one = request_price()
    copies = [Prediction.objects.get(pk=one.pk) for _ in range(999)]
    for copy in copies:
        copy.pk = uuid7()
    Prediction.objects.bulk_create(copies)
    with watched() as transactions:
        assert Shadows().catch_up(seconds=60) == 1000
    assert ShadowPrice.objects.count() == again(shadow).priced == 1000
    # Their prices and the shadow itself. How long that takes: make bench ARGS="--only writes".
    assert [one.rows for one in transactions] == [pricing.WRITTEN_AT_ONCE + 1] * 5


def test_one_call_works_about_as_long_as_allowed(request_price, shadow, at_once, monkeypatch):
    monkeypatch.setattr(pricing, "WRITTEN_AT_ONCE", 1)
    for _ in range(3):
        request_price()
    shadows = Shadows()
    assert [shadows.catch_up(seconds=0) for _ in range(4)] == [1, 1, 1, 0]


def test_a_grade_that_the_version_does_not_know_has_no_price(
    request_price, own_live, later, at_once
):
    shadow = start(later)
    request_price(**STONE)
    known = request_price(cut="Ideal")
    assert Shadows().catch_up() == 2
    assert [row.prediction for row in ShadowPrice.objects.all()] == [known]
    assert (again(shadow).priced, shadow.unpriced) == (1, 1)


def test_a_missing_file_is_tried_again_later(request_price, own_files, later, at_once, monkeypatch):
    shadow = start(later)
    request_price()
    path = Path(later.artifact.path)
    aside = path.rename(path.with_suffix(".aside"))
    shadows = Shadows()
    assert shadows.catch_up() == 0
    assert "no such file" in again(shadow).failure
    aside.rename(path)
    assert shadows.catch_up() == 0
    monkeypatch.setattr(shadows, "retry_at", {})
    assert shadows.catch_up() == 1
    assert (again(shadow).failure, shadow.priced) == ("", 1)


def test_a_fault_of_one_shadow_does_not_stop_the_other(
    request_price, shadow, live_models, at_once, monkeypatch, caplog
):
    coded = Shadow.objects.create(
        scheme="coded",
        version=live_models["coded"],
        against=live_models["coded"],
        reached=shadow.reached,
    )
    request_price()
    work = pricing._work
    fail = lambda one, until: 1 / 0 if one == coded else work(one, until)  # noqa: E731
    monkeypatch.setattr(pricing, "_work", fail)
    shadows = Shadows()
    assert shadows.catch_up() == 1
    assert again(coded).failure == "ZeroDivisionError: division by zero"
    assert shadows.catch_up() == 0
    assert [one.exc_info is None for one in caplog.records] == [False]


def test_an_activation_ends_the_shadow_of_its_scheme(shadow, live_models, second):
    activate(second)
    assert shadow_of("graded") == shadow
    activate(shadow.version)
    assert shadow_of("graded") is None
    assert again(shadow).ended


def test_a_second_shadow_takes_the_place_of_the_first(shadow):
    other = start(shadow.version)
    assert (shadow_of("graded"), Shadow.objects.count()) == (other, 2)
    assert again(shadow).ended


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"currency": "EUR"}, "graded 2 has EUR asking prices, the active graded 1 USD asking"),
        ({"price_kind": "paid"}, "graded 2 has USD paid prices, the active graded 1 USD asking"),
    ],
)
def test_prices_that_cannot_be_compared_are_refused(later, changes, message):
    ModelVersion.objects.filter(pk=later.pk).update(**changes)
    with pytest.raises(ShadowRefused) as caught:
        start(ModelVersion.objects.get(pk=later.pk))
    assert str(caught.value) == message
    assert not Shadow.objects.exists()


def test_the_active_version_has_no_shadow_of_its_own(live_models):
    with pytest.raises(ShadowRefused, match="graded 1 is active"):
        start(live_models["graded"])


def test_the_second_price_is_deleted_with_its_prediction(request_price, shadow, at_once):
    rows = [request_price() for _ in range(2)]
    Shadows().catch_up()
    moment = rows[1].created
    assert pruning.prune(moment) == 1
    assert [one.prediction for one in ShadowPrice.objects.all()] == [rows[1]]
    assert again(shadow).priced == 2
