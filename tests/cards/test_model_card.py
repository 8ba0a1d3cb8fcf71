"""The model card: its numbers worked by hand, and the page and the command that print them."""

import json
import re
from html import unescape
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from ml import dataset
from ml.stones import COLORS, EXAMPLES, SCHEMES
from ml.training import diagnosis
from ml.training.diagnosis import Judged
from predictor.models import ModelVersion
from predictor.wording.figures import number, percent, signed, usd

ENGLISH = {"accept-language": "en"}


def judged(price, answer, low=None, high=None):
    ends = (answer if end is None else end for end in (low, high))
    return Judged(*(np.array(column, np.float64) for column in (price, answer, *ends)))


def stones(carats, grades=None):
    """Stones alike but for carat, and for color where grades are given."""
    alike = {"cut": "Ideal", "clarity": "VS1", "depth": 61.0, "table": 56.0}
    colors = grades or ["G"] * len(carats)
    return pd.DataFrame({"carat": carats, "color": colors, "x": 5.0, "y": 5.0, "z": 3.0, **alike})


@pytest.fixture(scope="module")
def held_out(sample):
    return {
        scheme: dataset.split(dataset.clean(sample, scheme).stones, scheme)[1] for scheme in SCHEMES
    }


@pytest.fixture(scope="module")
def graded(small_forests):
    return small_forests["graded"].metadata["card"]


# What training measures


@pytest.fixture
def no_small_bands(monkeypatch):
    monkeypatch.setattr(diagnosis, "MIN_STONES", 1)


@pytest.mark.usefixtures("no_small_bands")
def test_a_band_is_worked_by_hand():
    # errors +10, -20, +40; the second price lies under its range
    told = judged([100, 200, 400], [110, 180, 440], [90, 210, 400], [120, 220, 460])
    bands = diagnosis.bands(stones([0.3, 0.4, 1.0], ["D", "E", "E"]), told)
    assert [band for band in bands if band["by"] == "carat"] == [
        {"by": "carat", "from": None, "to": 0.5, "count": 2, "mae": 15.0, "mape": 0.1,
         "bias": -5.0, "coverage": 0.5},
        {"by": "carat", "from": 1.0, "to": 1.5, "count": 1, "mae": 40.0, "mape": 0.1,
         "bias": 40.0, "coverage": 1.0},
    ]  # fmt: skip
    colors = {band["grade"]: band for band in bands if band["by"] == "color"}
    assert list(colors) == ["E", "D"]
    assert (colors["E"]["mae"], colors["E"]["bias"], colors["E"]["coverage"]) == (30.0, 10.0, 0.5)


def test_a_carat_on_the_border_belongs_to_the_band_that_it_begins(monkeypatch):
    monkeypatch.setattr(diagnosis, "MIN_STONES", 1)
    bands = diagnosis.bands(stones([0.49, 0.5, 2.0]), judged([100] * 3, [100] * 3))
    carats = [(band["from"], band["to"]) for band in bands if band["by"] == "carat"]
    assert carats == [(None, 0.5), (0.5, 0.7), (2.0, None)]


def test_bands_of_few_stones_are_left_out():
    few = diagnosis.MIN_STONES - 1
    colors = ["D"] * few + ["E"] * (few + 1)
    told = judged([100] * len(colors), [100] * len(colors))
    bands = diagnosis.bands(stones([1.0] * len(colors), colors), told)
    assert [band["grade"] for band in bands if band["by"] == "color"] == ["E"]


def test_deciles_are_worked_by_hand():
    price = np.arange(100.0, 300.0, 10)
    told = judged(price, price + 1, price - 10, np.where(price < 120, price - 5, price + 10))
    first, *others = diagnosis.deciles(told, told.answer)
    assert (first["from"], first["to"], first["count"]) == (101.0, 111.0, 2)
    assert first["coverage"] == 0
    assert first["width"] == pytest.approx((5 / 101 + 5 / 111) / 2)
    assert first["actual"] == pytest.approx([101, 105, 109])
    assert [decile["coverage"] for decile in others] == [1] * 9


def test_the_histogram_holds_every_stone_once(graded, held_out):
    cells = graded["density"]["cells"]
    assert sum(count for _, _, count in cells) == len(held_out["graded"])
    assert all(0 <= step < diagnosis.BINS for cell in cells for step in cell[:2])


def test_the_histograms_ends_are_its_first_and_last_step():
    found = diagnosis.density(judged([100, 1000], [100, 1000]))
    last = diagnosis.BINS - 1
    assert found == {
        "bins": diagnosis.BINS, "from": 100.0, "to": 1000.0, "cells": [[0, 0, 1], [last, last, 1]],
    }  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_interval_holds_its_score(small_forests, scheme):
    made = small_forests[scheme].metadata
    for name, (low, high) in made["card"]["intervals"]["scores"].items():
        assert low < made["scores"][name] < high, name
    assert set(made["card"]["intervals"]["scores"]) == set(made["scores"]) - {"stones"}


def test_listings_of_one_stone_are_drawn_together():
    rng = np.random.default_rng(1)
    price = rng.uniform(500, 5000, 300)
    once = judged(price, price + rng.normal(0, 100, 300))
    twice = once[np.repeat(np.arange(300), 2)]
    alone = diagnosis.intervals(once, list(range(300)), 3)
    together = diagnosis.intervals(twice, [key for key in range(300) for _ in "ab"], 3)
    assert together["stones"] == alone["stones"] == 300
    for name, ends in alone["scores"].items():
        assert together["scores"][name] == pytest.approx(ends)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_without_stones_listed_in_training_leave_just_those_out(
    small_forests, held_out, scheme
):
    forest, rows = small_forests[scheme], held_out[scheme]
    trained = {key.tobytes() for key in forest.arrays["stone_keys"]}
    strangers = rows[[key not in trained for key in dataset.stone_keys(rows)]]
    unseen = forest.metadata["card"]["unseen"]
    assert unseen["stones"] == len(strangers)
    error = forest.price(strangers) - strangers.price
    assert unseen["mae"] == pytest.approx(error.abs().mean())
    assert (len(strangers) == len(rows)) == (scheme == "graded")


def test_size_matters_most_and_among_single_inputs_of_the_graded_forest_carat(small_forests):
    for scheme in SCHEMES:
        *single, size = small_forests[scheme].metadata["card"]["importance"]["inputs"]
        assert [name for one in single for name in one["inputs"]] == list(SCHEMES[scheme])
        largest = max(single, key=lambda one: one["increase"])
        assert size["increase"] > 0.9 * largest["increase"]
        assert largest["inputs"] == (["carat"] if scheme == "graded" else ["volume"])
        assert all(one["from"] <= one["increase"] <= one["to"] for one in [*single, size])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_forest_and_stones_give_the_same_card(small_forests, held_out, scheme):
    forest = small_forests[scheme]
    stored = dict(forest.metadata["card"])
    stored.pop("faults")
    again = diagnosis.diagnose(forest, held_out[scheme])
    assert json.dumps(again) == json.dumps(stored)


def test_the_table_has_its_documented_faults(raw):
    assert diagnosis.faults(raw) == {
        "depth_disagrees": 80, "copies": 146, "listed_again": 6829, "price_gap": [1454.0, 1546.0],
    }  # fmt: skip


# What the page and the command print


def markdown(*args, **options):
    out = StringIO()
    call_command("model_card", *args, stdout=out, **options)
    return out.getvalue()


def page(client, version, headers=ENGLISH):
    response = client.get(f"/models/{version.scheme}/{version.number}/", headers=headers)
    assert response.status_code == 200
    return unescape(response.content.decode())


def rows_of(page):
    """Every table row of a page, as its cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [
        [cell.strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t", row, re.S)] for row in rows
    ]


def rows_of_markdown(text):
    lines = [line for line in text.splitlines() if line.startswith("| ") and line.endswith(" |")]
    return [line.strip("| ").split(" | ") for line in lines]


@pytest.fixture(autouse=True)
def in_english():
    """Figures here are written as the English page writes them."""
    with translation.override("en"):
        yield


def printed(client, version):
    """The tables' rows on the page and in the Markdown."""
    return rows_of(page(client, version)), rows_of_markdown(markdown(version.scheme))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_and_intervals_are_printed_as_stored(client, live_models, scheme):
    version = live_models[scheme]
    mae, rmse = (version.card["intervals"]["scores"][name] for name in ("mae", "rmse"))
    for rows in printed(client, version):
        found = {row[0]: row[1:4] for row in rows}
        assert found["Mean error (MAE)"] == [
            usd(number, 1) for number in (version.scores["mae"], *mae)
        ]
        assert found["Root mean square error (RMSE)"] == [
            usd(number, 1) for number in (version.scores["rmse"], *rmse)
        ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_band_is_printed_as_stored(client, live_models, scheme):
    version = live_models[scheme]
    stored = [
        [number(band["count"]), number(band["mae"]), percent(band["mape"]), signed(band["bias"]),
         percent(band["coverage"])]
        for band in version.card["bands"]
    ]  # fmt: skip
    assert len(stored) > 15
    for rows in printed(client, version):
        cells = [row[1:] for row in rows]
        assert [band for band in stored if band not in cells] == []
        assert {row[0] for row in rows} >= {*COLORS} - {"J"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_importance_coverage_and_counts_are_printed_as_stored(client, live_models, scheme):
    version = live_models[scheme]
    for rows in printed(client, version):
        cells = [row[1:] for row in rows]
        for one in version.card["importance"]["inputs"]:
            assert [usd(one[end], 1) for end in ("increase", "from", "to")] in cells
        for decile in [*version.card["deciles"]["price"], *version.card["deciles"]["width"]]:
            shares = percent(decile["coverage"]), percent(decile["width"])
            assert [number(decile["count"]), *shares] in cells
        for count in ("raw", "clean", "training", "held out"):
            assert [number(version.rows[count])] in cells
        assert [number(version.card["faults"]["listed_again"])] in cells


def test_the_origin_is_told_in_full(client, live_models):
    version = live_models["graded"]
    for text in (page(client, version), markdown("graded")):
        for said in (version.sha256, version.data_sha256, f"numpy {np.__version__}", "tests"):
            assert said in text


def test_every_plot_has_a_name_a_description_and_a_mark_for_every_number(client, live_models):
    version = live_models["coded"]
    text = page(client, version)
    plots = re.findall(r'<svg viewBox[^>]*role="img" aria-labelledby="(\S+) (\S+)"', text)
    assert len(plots) == 4
    for name, about in plots:
        assert re.search(rf'<title id="{name}">[^<]+</title>', text)
        assert re.search(rf'<desc id="{about}">[^<]+</desc>', text)
    assert text.count("<circle") == 20
    paths = "".join(re.findall(r'<path d="([^"]+)" fill="var\(--accent\)"', text))
    assert paths.count("M") == len(version.card["density"]["cells"])
    bars = re.findall(r'<rect y="20" width="([\d.]+)"', text)
    assert len(bars) == len(version.card["importance"]["inputs"])
    assert float(bars[0]) == 250


def test_the_page_has_no_inline_style_and_no_script(client, live_models):
    text = page(client, live_models["graded"])
    assert "style=" not in text
    assert "<script" not in text


def test_polish_readers_get_it_in_polish(client, live_models):
    version = live_models["graded"]
    headers = {"accept-language": "pl"}
    assert page(client, version, headers).count("Na czym opiera się cena") == 2
    text = markdown("graded", language="pl")
    assert "## Na czym opiera się cena" in text
    assert number(version.scores["mae"], 1).replace(".", ",") in text
    mark = re.search(r'<circle cx="[^"]*"', page(client, version, headers))[0]
    assert "," not in mark, "places in a picture keep their decimal point"


def test_the_command_prints_the_live_version_unless_told_which(live_models):
    live = live_models["graded"]
    other = ModelVersion.objects.get(pk=live.pk)
    other.pk, other.number = None, 2
    other.save()
    assert markdown("graded").startswith("# Model card: graded, version 1\n")
    assert "- State: live" in markdown("graded")
    assert markdown("graded", "2").startswith("# Model card: graded, version 2\n")
    assert "- State: not live" in markdown("graded", "2")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_version_from_before_the_cards_says_so(client, live_models, scheme):
    ModelVersion.objects.update(card={})
    sentence = "This version was registered before model cards were kept"
    version = live_models[scheme]
    for text in (page(client, version), markdown(scheme)):
        assert sentence in text
        assert usd(version.scores["mae"], 1) in text
        assert version.sha256 in text
        assert "Permutation importance" not in text


@pytest.mark.parametrize("address", ["graded/2", "coded/0", "sold/1", f"graded/{10**30}"])
def test_an_unknown_version_has_no_page(client, live_models, address):
    assert client.get(f"/models/{address}/").status_code == 404


def test_a_card_is_only_read(client, live_models):
    assert client.post("/models/graded/1/").status_code == 405


@pytest.mark.django_db
def test_the_command_refuses_an_unknown_version():
    with pytest.raises(CommandError, match="there is no live version of graded"):
        call_command("model_card", "graded")
    with pytest.raises(CommandError, match=r"no version 9 of coded; see: manage\.py models$"):
        call_command("model_card", "coded", "9")
    with pytest.raises(CommandError, match="invalid choice: 'sold'"):
        call_command("model_card", "sold")


def test_home_and_quote_lead_to_the_card(client, live_models):
    form = {"scheme": "graded", **EXAMPLES["graded"][0]}
    quote = client.post("/", form, headers=ENGLISH, follow=True)
    for response in (client.get("/", headers=ENGLISH), quote):
        assert response.status_code == 200
        assert '<a href="/models/graded/1/">' in response.content.decode()
