"""The pages with a version of an own list: its form, quotes and footer."""

import pytest
from django.urls import reverse

from predictor.models import Prediction
from predictor.wording.sentences import scope_sentence
from tests.ml.tables.test_report import GIA
from tests.own_stones import OVAL, STONE

from .helpers import ENGLISH, POLISH, text_of
from .test_files import send, table

pytestmark = pytest.mark.usefixtures("in_english")

HOME = "/"


def select_of(page, name):
    """The choices of a select field of a page, as [(value, label), …]."""
    return page.context["form"].fields[name].widget.choices


def test_the_form_offers_what_the_version_knows(client, own_live):
    page = client.get(HOME, headers=ENGLISH)
    shapes = [("", "not stated"), ("Emerald", "Emerald cut"), ("Oval", "Oval"), ("Round", "Round")]
    assert select_of(page, "shape") == shapes
    assert select_of(page, "fluorescence")[0] == ("", "not stated")
    assert select_of(page, "origin") == [("", "not stated"), ("Natural", "Natural")]
    assert select_of(page, "cut")[:3] == [
        ("", "not stated"),
        ("priced as Ideal", [("AGS 0", "AGS 0")]),
        ("Ideal", "Ideal"),
    ]
    assert "laboratory" not in page.context["form"].fields
    titles = [str(title) for title, _ in page.context["form"].groups()]
    assert titles[-1] == "If the report states it"


def test_the_form_of_the_shipped_table_offers_no_optional_property(client, live_models):
    form = client.get(HOME, headers=ENGLISH).context["form"]
    assert not {"origin", "laboratory", "fluorescence"} & {*form.fields}
    assert [str(title) for title, _ in form.groups()][-1] == "Proportions"


def test_a_stone_of_the_form_is_recorded_and_shown_with_what_it_states(client, own_live):
    sent = {**OVAL, "depth": "", "scheme": "graded", "origin": "", "shape": "Oval"}
    answer = client.post(HOME, sent, headers=ENGLISH)
    row = Prediction.objects.get()
    assert answer.status_code == 302
    assert row.features == {**OVAL, "depth": 64.0}  # of the width: 100 * 3.2 / 5
    page = client.get(answer.url, headers=ENGLISH)
    text = text_of(page)
    assert "Fluorescence Faint" in text
    assert "0.70 ct, Oval, K, FL" in text
    assert "Only stones of these kinds: Natural. All prices are asking prices" in text
    assert "Based on prices of past years" not in text


def test_a_report_of_a_grown_stone_is_refused_by_a_version_without_one(client, own_live):
    sent = {"scheme": "graded", "report": "Laboratory-grown\nCarat Weight 1.00"}
    answer = client.post(HOME, sent, headers=ENGLISH)
    assert "laboratory-grown" in text_of(answer)
    assert answer.status_code == 400


def test_a_report_fills_in_the_properties_that_the_version_knows(client, own_live):
    report = GIA.replace("Round Brilliant", "Oval Brilliant").replace("Symmetry: Very Good", "")
    answer = client.post(HOME, {"scheme": "graded", "report": report, "read": "1"}, headers=ENGLISH)
    filled = answer.context["form"].data
    assert {name: filled[name] for name in ("shape", "origin", "fluorescence")} == {
        "shape": "Oval",
        "origin": "Natural",
        "fluorescence": "None",
    }
    assert "laboratory" not in filled
    assert "polish" not in filled
    text = text_of(answer)
    assert "Read from the report: Shape, Origin, Fluorescence, Carat weight, " in text
    client.post(HOME, {"scheme": "graded", "report": report}, headers=ENGLISH)
    row = Prediction.objects.get()
    assert (row.shape, row.origin, row.fluorescence) == ("Oval", "Natural", "None")
    assert (row.laboratory, row.polish) == (None, None)


def test_a_property_that_is_not_understood_is_named(client, own_live):
    report = GIA.replace("Fluorescence: None", "Fluorescence: see below")
    answer = client.post(HOME, {"scheme": "graded", "report": report, "read": "1"}, headers=ENGLISH)
    assert "Not understood: Fluorescence, “see below”" in text_of(answer)


def test_the_preview_takes_an_optional_property(client, own_live):
    answer = client.post(
        reverse("preview"), {**STONE, "scheme": "graded", "shape": "Emerald"}, headers=ENGLISH
    )
    assert "The data has only 7 stones of shape Emerald" in text_of(answer)


def test_the_preview_of_a_file_shows_levels_in_the_readers_language(client, own_live):
    sent = send(client, table([OVAL.values()], OVAL), headers=POLISH)
    assert "Owalny słaba" in text_of(sent)


def test_the_footer_warns_of_past_prices(client, live_models):
    assert "Based on prices of past years" in text_of(client.get(HOME, headers=ENGLISH))


def test_sizes_are_a_length_and_a_width(client, own_live):
    text = text_of(client.get(HOME, headers=ENGLISH))
    assert "Length x" in text
    assert "First diameter" not in text
    assert "Of a shape that is not round, x is the length and y the width" in text
    answer = client.post(HOME, {**OVAL, "scheme": "graded"}, headers=ENGLISH)
    assert "Length x 7.20 mm" in text_of(client.get(answer.url, headers=ENGLISH))
    answer = client.post(HOME, {**STONE, "scheme": "graded", "shape": "Round"}, headers=ENGLISH)
    assert "First diameter x" in text_of(client.get(answer.url, headers=ENGLISH))


def test_prices_of_this_year_are_not_called_past(client, own_live):
    text = text_of(client.get(HOME, headers=ENGLISH))
    assert "It does not replace an appraisal." in text
    assert 'content="What a diamond is worth' in client.get(HOME, headers=ENGLISH).text
    assert "not today’s market prices" not in text


def test_a_version_of_few_stones_says_that_its_ranges_are_wide(client, own_live):
    own_live.rows = {**own_live.rows, "training": 685}
    assert scope_sentence(own_live).endswith(
        "The model was trained on only 685 stones, so the ranges are wide."
    )
    own_live.rows["training"] = 2000
    assert "wide" not in scope_sentence(own_live)


def test_the_model_card_describes_the_list(client, own_live):
    text = text_of(client.get(reverse("model-card", args=["graded", 1]), headers=ENGLISH))
    assert "asking price of a diamond in US dollars" in text
    assert "round diamond" not in text
    assert "Length x, Width y, Depth (height) z, Shape, Fluorescence" in text
    assert "today’s market" not in text
