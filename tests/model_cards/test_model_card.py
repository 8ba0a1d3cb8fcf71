"""The model card: the page and the command show what is stored with the forest."""

import re
from html import unescape
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from ml.stones import COLORS, EXAMPLES, SCHEMES
from predictor.models import ModelVersion
from predictor.wording.figures import money, number, percent, signed

ENGLISH = {"accept-language": "en"}

pytestmark = pytest.mark.usefixtures("in_english")


def markdown(*args, **options):
    out = StringIO()
    call_command("model_card", *args, stdout=out, **options)
    return out.getvalue()


def page(client, version, headers=ENGLISH):
    response = client.get(f"/models/{version.scheme}/{version.number}/", headers=headers)
    assert response.status_code == 200
    return unescape(response.content.decode())


def rows_of(page):
    """The cells of every table row of a page."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [
        [cell.strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t", row, re.S)] for row in rows
    ]


def rows_of_markdown(text):
    lines = [line for line in text.splitlines() if line.startswith("| ") and line.endswith(" |")]
    return [line.strip("| ").split(" | ") for line in lines]


def printed(client, version):
    """The table rows of the page and of the Markdown."""
    return rows_of(page(client, version)), rows_of_markdown(markdown(version.scheme))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_and_intervals_are_printed_as_stored(client, live_models, scheme):
    version = live_models[scheme]
    mae, rmse = (version.card["intervals"]["scores"][name] for name in ("mae", "rmse"))
    for rows in printed(client, version):
        found = {row[0]: row[1:4] for row in rows}
        assert found["Mean error (MAE)"] == [
            money(number, 1) for number in (version.scores["mae"], *mae)
        ]
        assert found["Root mean square error (RMSE)"] == [
            money(number, 1) for number in (version.scores["rmse"], *rmse)
        ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_band_is_printed_as_stored(client, live_models, scheme):
    version = live_models[scheme]
    stored = [
        [
            number(band["count"]),
            number(band["mae"]),
            percent(band["mape"]),
            signed(band["bias"]),
            percent(band["coverage"]),
        ]
        for band in version.card["bands"]
    ]
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
            assert [money(one[end], 1) for end in ("increase", "from", "to")] in cells
        for decile in [*version.card["deciles"]["price"], *version.card["deciles"]["width"]]:
            shares = percent(decile["coverage"]), percent(decile["width"])
            assert [number(decile["count"]), *shares] in cells
        for count in ("raw", "clean", "training", "held out"):
            assert [number(version.rows[count])] in cells
        assert [number(version.card["faults"]["listed_again"])] in cells


def test_the_origin_is_reported_in_full(client, live_models):
    version = live_models["graded"]
    for text in (page(client, version), markdown("graded")):
        for said in (version.sha256, version.data_sha256, f"numpy {np.__version__}", "tests"):
            assert said in text


def test_every_plot_has_a_name_a_description_and_a_mark_for_every_number(client, live_models):
    version = live_models["coded"]
    text = page(client, version)
    plots = re.findall(r'<svg viewBox[^>]*role="img" aria-labelledby="(\S+) (\S+)"', text)
    assert len(plots) == 5
    for name, about in plots:
        assert re.search(rf'<title id="{name}">[^<]+</title>', text)
        assert re.search(rf'<desc id="{about}">[^<]+</desc>', text)
    assert text.count("<circle") == 20
    paths = "".join(re.findall(r'<path d="([^"]+)" fill="var\(--accent\)"', text))
    assert paths.count("M") == len(version.card["density"]["cells"])
    bars = re.findall(r'<rect x="0.0" y="20" width="([\d.]+)"', text)
    tenths = version.card["tenths"]
    assert len(bars) == len(tenths) + len(version.card["importance"]["inputs"])
    assert [place for place, bar in enumerate(bars) if float(bar) == 250] == [
        tenths.index(max(tenths)),
        len(tenths),
    ]


def test_polish_readers_get_it_in_polish(client, live_models):
    version = live_models["graded"]
    headers = {"accept-language": "pl"}
    assert page(client, version, headers).count("Od czego zależy cena") == 2
    text = markdown("graded", language="pl")
    assert "## Od czego zależy cena" in text
    assert number(version.scores["mae"], 1).replace(".", ",") in text
    mark = re.search(r'<circle cx="[^"]*"', page(client, version, headers))[0]
    assert "," not in mark, "places in a picture keep their decimal point"


def test_the_command_prints_the_live_version_by_default(live_models):
    live = live_models["graded"]
    other = ModelVersion.objects.get(pk=live.pk)
    other.pk, other.number = None, 2
    other.save()
    assert markdown("graded").startswith("# Model card: Grading report, version 1\n")
    assert "- State: active" in markdown("graded")
    assert markdown("graded", "2").startswith("# Model card: Grading report, version 2\n")
    assert "- State: not active" in markdown("graded", "2")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_version_from_before_the_cards_says_so(client, live_models, scheme):
    ModelVersion.objects.update(card={})
    sentence = "This version was registered before model cards were introduced"
    version = live_models[scheme]
    for text in (page(client, version), markdown(scheme)):
        assert sentence in text
        assert money(version.scores["mae"], 1) in text
        assert version.sha256 in text
        assert "Permutation importance" not in text


@pytest.mark.parametrize("address", ["graded/2", "coded/0", "sold/1", f"graded/{10**30}"])
def test_an_unknown_version_has_no_page(client, live_models, address):
    assert client.get(f"/models/{address}/").status_code == 404


@pytest.mark.django_db
def test_the_command_refuses_an_unknown_version():
    with pytest.raises(CommandError, match="there is no active version of graded"):
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
