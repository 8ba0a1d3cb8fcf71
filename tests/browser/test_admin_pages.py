"""Monitoring, replay and retraining in Chromium, as a maintainer uses them."""

import pytest

from predictor.models import Alarm, Job, ModelVersion, Prediction, ShadowPrice
from predictor.monitoring.alarms import look
from predictor.versions.activation import live_version
from predictor.versions.shadows import start
from predictor.versions.store import register

from .following import follow
from .test_browser import PHONE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_days_are_drawn_and_a_light_is_put_out(signed_in, answers, language):
    look()
    Alarm.objects.filter(kind="inputs", version__scheme="graded").update(
        active=True,
        began="2026-11-03",
        segments=[{"column": "color", "grade": "G", "now": 0.5, "before": 0.05}],
    )
    with signed_in(language) as tab:
        tab.goto("/admin/predictor/alarm/")
        tab.wait_for_selector(".uplot canvas")
        assert tab.locator(".uplot").count() == 5
        follow(tab, ".alarm.active li a")
        assert "color=G" in tab.url
        tab.go_back()
        tab.fill(".alarm.active input[name=why]", "a dealer's list")
        tab.click(".alarm.active button")
        tab.wait_for_selector(".alarm >> text=a dealer's list")
        assert tab.locator(".alarm.active").count() == 0


def test_without_a_script_the_tables_have_all_figures(signed_in, answers):
    look()
    with signed_in("en", java_script_enabled=False) as tab:
        tab.goto("/admin/predictor/alarm/")
        assert tab.locator(".uplot").count() == 0
        assert tab.locator(".scroll tbody").nth(0).locator("tr").count() == 1
        assert tab.locator(".scroll tbody").nth(1).locator("tr").count() == 2  # all days, and one


def test_a_version_is_tried_on_the_history_before_it_goes_live(signed_in, answers, other_forests):
    other = register(other_forests["graded"], "tests")
    with signed_in("en") as tab:
        tab.goto("/admin/predictor/modelversion/")
        tab.locator("tr", has_text="graded 2").locator("input.action-select").check()
        tab.select_option("select[name=action]", "activate_version")
        tab.click("button[name=index]")
        beside = tab.locator("text=Compare its model card with").get_attribute("href")
        tab.click("text=Compare its answers")
        heading = tab.inner_text(".replay h2")
        rows = Prediction.objects.filter(scheme="graded", status=200).count()
        assert heading == f"Predictions repeated with {other}: {rows}"
        tab.goto(beside)
        assert "graded 1 and graded 2" in tab.inner_text("h1")
        assert tab.locator(".side-by-side tbody tr").count() > 0
    assert ModelVersion.objects.filter(activations__live=True, scheme="graded").get().number == 1


@pytest.mark.parametrize("language", ["pl", "en"])
def test_a_shadow_is_read_and_activated_on_a_phone(signed_in, answers, later, language):
    shadow = start(later)
    for row in Prediction.objects.filter(scheme="graded", status=200):
        ShadowPrice.objects.create(
            prediction=row,
            shadow=shadow,
            price=row.price * 1.3,
            low=row.low,
            high=row.high * 1.5,
            trained_on=False,
        )
    with signed_in(language, viewport=PHONE, java_script_enabled=False) as tab:
        tab.goto("/admin/predictor/shadow/")
        follow(tab, "#result_list tbody th a")
        assert "+30" in tab.inner_text("dl.facts >> nth=0")
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        tab.fill("textarea[name=note]", "as planned")
        follow(tab, "form[action$='/activate/'] input[type=submit]")
        assert tab.locator("textarea[name=note]").count() == 0
    assert live_version("graded") == later
    assert later.activations.get().why.startswith("as planned; shadow since ")


@pytest.mark.parametrize("script", [True, False])
def test_a_retraining_is_asked_for_and_its_page_follows_it(signed_in, live_models, script):
    with signed_in("en", java_script_enabled=script) as tab:
        tab.goto("/admin/predictor/job/retrain/")
        tab.select_option("select[name=scheme]", "coded")
        follow(tab, "#content input[type=submit]")
        assert "waiting" in tab.inner_text("#content")
        assert tab.is_visible("text=Withdraw")
        Job.objects.update(state="done", done=300, total=300, outcome="coded 2: activated: better")
        tab.wait_for_selector("text=coded 2: activated: better")
        assert "100%" in tab.inner_text("#content")
        assert tab.is_visible("text=Request again")
