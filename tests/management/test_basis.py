"""The basis of a file's prices is given when it is trained on, and stays with the version and its
answers."""

import re

import pytest
from django.core.management import CommandError
from django.utils.timezone import localdate

from ml import dataset
from ml.stones import BASIS, EXAMPLES, Basis
from predictor.models import Activation, ModelVersion, Prediction
from predictor.retraining import gate
from predictor.versions.live import registry
from predictor.versions.store import register

from .retraining import kept_back, run

pytestmark = [
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.usefixtures("each_training_once"),
]

EUROS = Basis("EUR", 2024, "paid", "a shop's till")
SAID = {"year": 2024, "currency": "EUR", "kind": "paid", "source": "a shop's till"}


def test_without_more_than_a_year_they_are_asking_prices_in_dollars_from_that_file(data, db):
    run(data, year=2024, no_activate=True)
    assert ModelVersion.objects.get().basis == Basis("USD", 2024, "asking", str(data))


def test_the_projects_own_table_needs_no_words(settings, live_models, data, monkeypatch):
    monkeypatch.setattr(dataset, "DEFAULT_PATH", data)
    run(data, year=None)
    assert ModelVersion.objects.get(number=2).basis == BASIS
    with pytest.raises(CommandError, match="is the data of this project: its prices are known"):
        run(data, year=2024)


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (
            {"year": None},
            r"give the year of the prices in .*sample\.csv: --year \d{4}; and, if",
        ),
        ({"year": 1899}, r"--year 1899 is not a year from 1900 to \d{4}$"),
        ({"year": localdate().year + 1}, r"--year \d{4} is not a year from 1900 to \d{4}$"),
        ({"source": " "}, "--source is empty"),
        ({"source": "x" * 301}, "--source is longer than 300 characters"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(data, live_models, output, why):
    with pytest.raises(CommandError, match=why):
        run(data, **output)
    assert ModelVersion.objects.count() == 2


def test_prices_of_another_kind_are_not_judged_by_the_live_versions_errors(data, live_models):
    out = " ".join(kept_back(data, **SAID).split())
    assert "its trend only" in out
    assert "live (1)" not in out
    assert (
        "graded 2: not activated: its prices are EUR paid of 2024, those of the active version USD asking "
        "of 2008; to allow that, use --new-basis" in out
    )
    assert Activation.objects.get(scheme="graded", live=True).version == live_models["graded"]


def test_they_go_live_where_that_is_meant(data, live_models):
    run(data, **SAID, new_basis=True)
    live = Activation.objects.get(scheme="graded", live=True)
    assert live.version.basis == EUROS
    assert live.why.startswith(
        "retrain: its prices are EUR paid of 2024, those of the active version"
    )


def test_not_even_then_where_the_prices_are_not_those_of_the_stones(worse_data, live_models):
    out = " ".join(kept_back(worse_data, **SAID, new_basis=True).split())
    assert re.search(r"its R² is -?\d\.\d\d, and must be at least 0\.5", out)


def test_not_even_then_where_the_trees_add_nothing(data, live_models, monkeypatch):
    monkeypatch.setattr(gate, "BETTER_THAN_TREND", 0.99)
    out = " ".join(kept_back(data, **SAID, new_basis=True).split())
    assert re.search(r"its MAE is -\d+\.\d% against its trend's, and must be -99%", out)


def test_an_answer_says_what_its_price_is_and_an_old_one_keeps_its_own(data, live_models, client):
    before = client.get("/api/predict", EXAMPLES["graded"][0]).json()
    run(data, **SAID, new_basis=True)
    registry.refresh()
    after = client.get(
        "/api/predict", {**EXAMPLES["graded"][0], "include": "comparables", "k": "1"}
    ).json()
    assert (before["currency"], before["price_year"]) == ("USD", 2008)
    assert (after["currency"], after["price_year"]) == ("EUR", 2024)
    assert after["comparables"][0]["year"] == 2024
    assert Prediction.objects.get(pk=after["id"]).version.basis == EUROS
    pages = [
        client.get(one["url"], headers={"Accept-Language": "en"}).text for one in (before, after)
    ]
    assert "Natural, round diamonds; asking prices in US dollars of about 2008." in pages[0]
    assert "Natural, round diamonds; prices paid in EUR of about 2024." in pages[1]
    assert f"€{after['predicted_price']:,}" in pages[1]
    polish = client.get(after["url"], headers={"Accept-Language": "pl"}).text
    assert "Naturalne, okrągłe diamenty; ceny zapłacone w EUR z około 2024 roku." in polish
    home = client.get("/?scheme=graded", headers={"Accept-Language": "en"}).text
    assert "Natural, round diamonds; prices paid in EUR of about 2024." in home


def test_a_file_from_before_has_the_projects_own_basis(live_models, small_forests):
    forest = small_forests["coded"]
    made = {name: value for name, value in forest.metadata.items() if name != "basis"}
    old = type(forest)(forest.arrays, made)
    assert old.basis == BASIS
    assert register(old, "tests").basis == BASIS
