"""Reviewing in Chromium: a saved view by keyboard only, actual prices from a file, an export."""

import pytest
from django.contrib.auth.models import User

from predictor.models import Review, ReviewLock

from .conftest import DESKTOP
from .test_axe import assert_accessible
from .test_browser import PHONE

NEXT = "/admin/predictor/prediction/next/?_changelist_filters=carat__range__gte%3D0.745"
LIST = "/admin/predictor/prediction/"

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("script", [True, False])
def test_a_view_is_judged_by_keyboard_only(signed_in, answers, script):
    with signed_in("en", java_script_enabled=script) as tab:
        tab.goto(NEXT)
        for judged in range(3):
            assert f"{judged} of 3 reviewed" in tab.inner_text(".judge")
            if not script:
                tab.focus("#id_actual_price")
            tab.keyboard.type(f"{2900 + judged}")
            with tab.expect_navigation():
                tab.keyboard.press("Enter")
        assert "All predictions of this filter have been reviewed." in tab.inner_text(
            ".messagelist"
        )
    told = Review.objects.order_by("prediction_id").values_list("actual_price", flat=True)
    assert [*told] == [2902, 2901, 2900]


def test_keys_save_from_any_field_and_skip(signed_in, answers):
    with signed_in("en") as tab:
        tab.goto(NEXT)
        tab.keyboard.press("Alt+ArrowRight")
        tab.wait_for_url(f"**/{answers[1].pk}/**")
        tab.focus("#id_note")
        tab.keyboard.type("odd")
        tab.keyboard.press("Control+Enter")
        tab.wait_for_url(f"**/{answers[0].pk}/**")
    assert Review.objects.get().note == "odd"


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_stone_and_the_form_are_on_one_screen_and_fit_a_phone(signed_in, answers, language):
    with signed_in(language) as tab:
        tab.goto(NEXT)
        assert tab.locator(".judge .submit-row").bounding_box()["y"] < DESKTOP["height"] - 40
        tab.set_viewport_size(PHONE)
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        size = tab.locator("#id_actual_price").evaluate("node => getComputedStyle(node).fontSize")
        assert size == "16px"  # a phone enlarges the page for a smaller one
        tops = [tab.locator(one).bounding_box()["y"] for one in (".price", ".nearest", ".judge")]
        assert tops == sorted(tops)
        assert_accessible(tab)


def test_typing_locks_the_record_and_reading_does_not(signed_in, answers):
    other = User.objects.create(username="otto")
    with signed_in("en") as tab:
        tab.goto(NEXT)
        assert not ReviewLock.objects.exists()
        tab.keyboard.type("2900")
        tab.wait_for_selector("#lock >> text=You have been reviewing this since")
        assert ReviewLock.objects.get().by.username == "admin"
        ReviewLock.objects.update(prediction=answers[1], by=other)
        tab.goto(f"{LIST}{answers[1].pk}/change/")
        tab.wait_for_selector(".taken >> text=otto has been reviewing this since")
        tab.click("text=Take over")
        tab.wait_for_selector("#lock >> text=You have been reviewing this since")
    assert ReviewLock.objects.get().by.username == "admin"


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_list_leads_to_a_file_and_back_comes_one(signed_in, answers, tmp_path, language):
    with signed_in(language) as tab:
        tab.goto(LIST)
        with tab.expect_download() as download:
            tab.click("text=CSV")
        assert str(answers[0].pk) in download.value.path().read_text()
        file = tmp_path / "prices.csv"
        file.write_text(f"id,price\n{answers[0].pk},2900\n{answers[1].pk},x\n")
        tab.goto("/admin/predictor/prediction/prices/")
        tab.set_input_files("input[type=file]", file)
        tab.click("input[type=submit]")
        assert {"en": "“x” is", "pl": "„x” nie"}[language] in tab.inner_text("#content table")
        file.write_text(f"id,price\n{answers[0].pk},2900\n")
        tab.set_input_files("input[type=file]", file)
        tab.click("input[type=submit]")
        tab.wait_for_url(f"**{LIST}")
    assert Review.objects.get().actual_price == 2900
