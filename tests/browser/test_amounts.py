"""The question about an ambiguous amount, in Chromium: a tap answers it, Enter sends what is typed."""

import pytest

from predictor.models import Prediction, Review

from .test_axe import assert_accessible

GRADED = "cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56.0&x=5.73&y=5.7&z=3.51&carat=0.7"
PHONE = 360
pytestmark = pytest.mark.browser


@pytest.fixture
def answer(client, live_models):
    return Prediction.objects.get(pk=client.get(f"/api/predict?{GRADED}").json()["id"])


def ask(tab, answer):
    tab.goto(answer.get_absolute_url())
    tab.fill("#asking", "90,000")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#asking-told")


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("typed", ["", "95"])
def test_on_a_quote(site, answer, script, typed):
    with site("en", java_script_enabled=script) as tab:
        ask(tab, answer)
        if typed:
            tab.fill("#asking", typed)
            tab.keyboard.press("Enter")
        else:
            tab.click(".instead button >> nth=1")
        tab.wait_for_url(f"**asking={typed or '90.00'}**")
        assert "is below the range" in tab.inner_text(".verdict")


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("typed", ["", "2950"])
def test_in_the_admin(signed_in, answer, script, typed):
    with signed_in("en", java_script_enabled=script) as tab:
        tab.goto(f"/admin/predictor/prediction/{answer.pk}/change/")
        tab.fill("#id_actual_price", "90,000")
        tab.fill("#id_note", "cash")
        tab.keyboard.press("Control+Enter") if script else tab.click("form.judge button.default")
        tab.wait_for_selector("form.question")
        assert not Review.objects.exists()
        if typed:
            tab.fill("#id_actual_price", typed)
            tab.keyboard.press("Enter")
        else:
            tab.click("form.question button >> nth=0")
        tab.wait_for_url("**/predictor/prediction/?*")
    review = Review.objects.get()
    assert (review.actual_price, review.note) == (float(typed or 90_000), "cash")


def test_a_volume_that_is_corrected_is_the_one_that_is_priced(site, live_models):
    with site("en") as tab:
        tab.goto("/?scheme=coded&carat=0.06&cut=3&color=0&clarity=2&depth=59&table=61&volume=9,123")
        tab.click("button.primary")
        tab.wait_for_selector(".instead")
        tab.fill("#id_volume", "9.1")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/quotes/**")
    assert Prediction.objects.get(status=200).volume == 9.1


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_question_is_accessible_on_a_phone(site, signed_in, answer, language):
    with site(language) as tab:
        ask(tab, answer)
        assert_accessible(tab, (PHONE, 1280))
    with signed_in(language) as tab:
        tab.goto(f"/admin/predictor/prediction/{answer.pk}/change/")
        tab.fill("#id_actual_price", "90,000")
        tab.click("form.judge button.default")
        tab.wait_for_selector("form.question")
        assert_accessible(tab, (PHONE, 1280))
