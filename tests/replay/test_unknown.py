"""Comparing answers with a version that does not know all of their stones' grades and properties."""

import csv
import io
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from predictor.models import Prediction
from predictor.pricing.services import Caller, PricePredictor
from predictor.replay.differences import NotKnown, parts_of, why
from predictor.replay.services import compare
from predictor.versions.activation import activate
from predictor.versions.live import registry
from predictor.versions.store import register

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]
ROUND = dict(carat=0.9, cut="Excellent", color="H", clarity="VS1", depth=62, table=57)
ROUND |= dict(x=6.2, y=6.18, z=3.84, shape="Round", origin="Natural")
REPLAY = reverse("admin:prediction-replay")


@pytest.fixture
def own_answers(live_models, own_forest):
    """Answers of a version of a shop's list: a known stone, one of color K, one with a laboratory."""
    activate(register(own_forest, "tests"), "tests", "tests")
    registry.refresh()
    stones = [ROUND, {**ROUND, "color": "K"}, {**ROUND, "laboratory": "GIA"}]
    answers = [PricePredictor().quote(stone, Caller("api", request="made up")) for stone in stones]
    return [Prediction.objects.get(pk=answer.pk) for answer in answers]


@pytest.fixture
def later_own(own_answers, later_own_forest):
    return register(later_own_forest, "tests")


def test_stones_that_a_version_does_not_know_are_counted(own_answers, later_own, later_own_forest):
    found = compare(Prediction.objects.all(), later_own)
    assert (found.rows, found.all.rows, found.parts.rows) == (3, 1, 1)
    assert found.unknown == {("color", "K"): 1, ("laboratory", None): 1}
    price = later_own_forest.price(later_own_forest.rows([ROUND]))[0]
    assert found.all.mean == pytest.approx(price / own_answers[0].price - 1)


def test_the_shipped_table_knows_none_of_their_shapes(own_answers, live_models):
    found = compare(Prediction.objects.all(), live_models["graded"])
    assert (found.rows, found.all.rows) == (3, 0)
    assert found.unknown[("shape", None)] == 3


def test_the_command_names_them(own_answers, later_own, tmp_path):
    out, file = StringIO(), tmp_path / "replay.csv"
    call_command("replay", number=later_own.number, csv=str(file), stdout=out)
    assert f"1 predictions: Version {later_own.number} does not accept color K." in out.getvalue()
    assert (
        f"1 predictions: Version {later_own.number} does not accept laboratory." in out.getvalue()
    )
    rows = [*csv.DictReader(file.read_text(encoding="utf-8").splitlines())]
    assert [row["not_known"] for row in rows] == ["", "color K", "laboratory"]
    assert [bool(row["new_price"]) for row in rows] == [True, False, False]


def test_the_page_and_its_file_name_them(own_answers, later_own, admin_client):
    query = f"{REPLAY}?against={later_own.pk}"
    text = admin_client.get(query, headers={"accept-language": "en"}).text
    assert f"{later_own}: 1<" in text
    sentence = f"Version {later_own.number} does not accept color K. "
    assert f"{sentence}Predictions without a new price: 1." in text
    polish = admin_client.get(query, headers={"accept-language": "pl"}).text
    assert f"Wersja {later_own.number} nie przyjmuje: barwa K." in polish
    content = admin_client.get(f"{query}&csv=1").getvalue().decode()
    assert [row["not_known"] for row in csv.DictReader(io.StringIO(content))][1] == "color K"


def test_only_unknown_stones_is_a_page_as_well(own_answers, live_models, admin_client):
    query = f"{REPLAY}?against={live_models['graded'].pk}"
    text = admin_client.get(query, headers={"accept-language": "en"}).text
    assert "Version 1 does not accept shape. Predictions without a new price: 3." in text


def test_why_a_price_changed_is_explained_or_refused_by_name(
    own_answers, later_own, later_own_forest, admin_client
):
    found = why(own_answers[0], later_own)
    assert found.after == later_own_forest.price(later_own_forest.rows([ROUND]))[0]
    assert [*found.parts.values()] == pytest.approx(parts_of(own_answers[:1], later_own)[0])
    with pytest.raises(NotKnown, match=f"Version {later_own.number} does not accept color K."):
        why(own_answers[1], later_own)
    address = reverse("admin:predictor_prediction_change", args=[own_answers[1].pk])
    text = admin_client.get(
        f"{address}?against={later_own.pk}", headers={"accept-language": "en"}
    ).text
    assert f"Version {later_own.number} does not accept color K." in text
