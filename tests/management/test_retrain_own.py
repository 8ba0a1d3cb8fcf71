"""manage.py retrain reads a shop's list: how it is read, what is left out, and what is trained."""

from dataclasses import asdict

import pytest
from django.core.management import CommandError
from django.urls import reverse

from bench.own_list import as_exported
from ml import training
from ml.forest import PriceForest
from ml.stones import Basis
from predictor.models import ModelVersion
from predictor.versions.store import load

from .retraining import run

pytestmark = pytest.mark.django_db
CSV = "line,reason,value\r\n4,color is not a known grade,Fancy\r\n9,price is empty,\r\n"


@pytest.fixture
def trained(monkeypatch, own_forest):
    """Trains nothing: any list has the forest of tests/conftest.py. Returns the calls."""
    calls = []

    def train(raw, *arguments):
        calls.append((raw, *arguments))
        basis = next(one for one in arguments if isinstance(one, Basis))
        return PriceForest(own_forest.arrays, own_forest.metadata | {"basis": asdict(basis)})

    monkeypatch.setattr(training, "train", train)
    return calls


@pytest.fixture
def shop_list(own_stones, tmp_path):
    """Returns a function that writes a list with a given number of stones, two of them with a fault."""

    def write(count):
        rows = as_exported(own_stones.head(count))
        rows.loc[2, "Color"], rows.loc[7, "Total Price"] = "Fancy", ""
        path = tmp_path / "list.csv"
        rows.to_csv(path, index=False)
        return path

    return write


def test_a_list_becomes_a_version(trained, shop_list):
    path = shop_list(1500)
    message = run(path, scheme="all", year=2026, public="carat, shape")
    for line in (
        f"{path}: columns left out: 'Stock #', 'Seller'",
        f"{path}: cut: 'V.Good' → Very Good, 'EX' → Excellent, 'GD' → Good, 'ID' → Ideal",
        f"{path}: rows left out: 2 of 1,500",
        "  1 color is not a known grade (line 4: 'Fancy')",
        "  1 price is empty (line 9)",
        f"{path}: only the graded scheme is trained on this list",
        "graded 1: activated: no version is active",
    ):
        assert line in message
    [(raw, scheme, *_, public)] = trained
    assert (len(raw), scheme, public) == (1498, "graded", ("carat", "shape"))
    version = ModelVersion.objects.get()
    assert (version.scheme, version.price_year) == ("graded", 2026)
    assert (version.rows["raw"], version.rows["left out"]) == (1500, 2)
    assert version.rows["dropped"]["price is empty"] == 1
    assert load(version).left_out.decode("utf-8-sig") == CSV


def test_the_rows_left_out_are_offered_in_the_admin(trained, shop_list, admin_client, client):
    run(shop_list(1500), year=2026)
    version = ModelVersion.objects.get()
    address = reverse("admin:left-out-rows", args=[version.pk])
    page = admin_client.get(reverse("admin:predictor_modelversion_change", args=[version.pk]))
    assert f'2 (<a href="{address}">CSV</a>)' in page.text
    sent = admin_client.get(address)
    assert sent.content.decode("utf-8-sig") == CSV
    assert sent["Content-Disposition"] == 'attachment; filename="graded-1-left-out.csv"'
    client.logout()
    assert client.get(address).status_code == 302


def test_a_version_without_such_rows_offers_none(live_models, admin_client):
    version = live_models["graded"]
    page = admin_client.get(reverse("admin:predictor_modelversion_change", args=[version.pk]))
    assert "left-out" not in page.text
    assert admin_client.get(reverse("admin:left-out-rows", args=[version.pk])).status_code == 404


def test_too_many_rows_left_out_are_refused(trained, shop_list):
    path = shop_list(30)
    with pytest.raises(CommandError) as caught:
        run(path, year=2026)
    assert str(caught.value) == (
        f"{path}: 2 of 30 rows (6.7%) cannot be used, and --max-left-out is 5%: 1 color is not a known "
        "grade (line 4: 'Fancy'); 1 price is empty (line 9)"
    )
    run(path, year=2026, max_left_out="7%")
    assert ModelVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "coded"}, "have: use --scheme graded"),
        ({"max_left_out": "five"}, "argument --max-left-out: invalid percent value: 'five'"),
        ({"max_left_out": "101%"}, "argument --max-left-out: invalid percent value: '101%'"),
        ({"public": " , "}, "argument --public: it is empty: name columns or omit the option"),
        ({"public": "carat,owner"}, "argument --public: owner is not one of carat, cut, color"),
    ],
)
def test_what_a_list_cannot_be_trained_with(trained, shop_list, options, message):
    with pytest.raises(CommandError, match=message):
        run(shop_list(100), year=2026, **options)
    assert not trained
