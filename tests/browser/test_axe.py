"""axe-core on the pages, the API's page and the admin: in both languages, light and dark."""

import pytest
from django.urls import reverse

from ml.stones import EXAMPLES
from predictor.models import (
    Activation,
    Alarm,
    Job,
    ModelVersion,
    Prediction,
    ScoringRun,
    ShadowPrice,
)
from predictor.monitoring.alarms import look
from predictor.review.sampling import draw
from predictor.versions.activation import activate
from predictor.versions.live import registry
from predictor.versions.shadows import start
from predictor.versions.store import register

from .conftest import DESKTOP
from .following import follow
from .test_browser import LANGUAGES, PAGES, PHONE, assert_fits_a_phone, submit, visit

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
COLOUR_RULES = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""Those of the above that depend on colours: nothing else differs between light and dark."""

HAS_ITS_COLOURS = """
() => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const followed = document.documentElement.classList.contains("dark-mode") === dark;
  const changing = document.getAnimations();
  changing.forEach(one => one.finish());
  return !changing.length && (followed || !document.querySelector(".swagger-ui"));
}
"""
"""Ends the transitions between light and dark, as Chromium may not draw a page that nobody sees. A script
changes the class of the API's page."""

pytestmark = pytest.mark.browser


def faults_of(tab, rules):
    """Runs axe-core, which a page is given only once: reading it takes longer than most of its rules."""
    from axe_playwright_python.base import AxeResults
    from axe_playwright_python.sync_playwright import Axe

    if not tab.evaluate("'axe' in window"):
        tab.evaluate(Axe().axe_script)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = AxeResults(tab.evaluate("options => axe.run(document, options)", options))
    tab.faults.clear()  # axe sets styles, which the policy may forbid
    return found


def assert_accessible(tab, widths=(None,)):
    """Checks light and dark; the colours depend neither on the language nor on the width, so dark only in
    English and at the first width."""
    looks = [("light", width) for width in widths]
    if tab.locator("html").get_attribute("lang") != "pl":
        looks.append(("dark", widths[0]))
    for colours, width in looks:
        if width:
            tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=colours, reduced_motion="reduce")
        tab.wait_for_function(HAS_ITS_COLOURS, polling=50)
        assert tab.faults == []
        found = faults_of(tab, RULES if colours == "light" else COLOUR_RULES)
        assert found.violations_count == 0, f"{tab.url} {colours}: {found.generate_report()}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_pages_fit_a_phone_and_have_no_accessibility_faults(site, language):
    for page in PAGES:
        with site(language, PHONE, has_touch=True) as tab:
            visit(tab, page)
            assert tab.locator("html").get_attribute("lang") == language, page
            assert_fits_a_phone(tab)
            tab.set_viewport_size(DESKTOP)
            assert_accessible(tab)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("heading", ["Weight", "How heavy"])
def test_the_choice_of_columns_has_none(site, language, heading):
    content = f"{heading},cut,color,clarity,depth,table,Measurements\n0.7,VG,G,VS 1,61.5,56,"
    with site(language, PHONE, has_touch=True) as tab:
        tab.goto("/file/")
        content += "5.73 - 5.7 x 3.51\n"
        sent = {"name": "a.csv", "mimeType": "text/csv", "buffer": content.encode()}
        tab.set_input_files("#file", sent)
        submit(tab)
        tab.faults.clear()  # Chromium logs a page of status 400 as an error
        tab.evaluate("document.querySelector('details:has(#column-carat)').open = true")
        assert_fits_a_phone(tab)
        assert_accessible(tab)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_card_and_the_log_in_have_none(site, language):
    with site(language) as tab:
        for page in ("/models/graded/1/", "/admin/"):
            tab.goto(page)
            assert_accessible(tab)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_apis_page_has_none_open_or_shut(site, language):
    with site(language) as tab:
        tab.goto("/api/docs")
        tab.wait_for_selector(".opblock")
        assert tab.locator("html").get_attribute("lang") == language
        assert_accessible(tab)
        for place in (0, 1):
            tab.locator(".opblock-summary-control").nth(place).click()
        # Both must be open: until then the last button may be that of the first operation, without a body.
        tab.wait_for_selector(".try-out__btn >> nth=1")
        tab.locator(".try-out__btn").last.click()
        tab.wait_for_selector("textarea")
        assert_accessible(tab)


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_quotes_of_one_stone_have_none(site, client, other_forests, language):
    first = client.get("/api/predict", EXAMPLES["graded"][0]).json()["id"]
    activate(register(other_forests["graded"], "tests"), "tests", "newer")
    registry.refresh()
    second = client.get("/api/predict", EXAMPLES["graded"][0]).json()["id"]
    with site(language, PHONE, has_touch=True) as tab:
        tab.goto(f"/quotes/compare/?id={first}&id={second}")
        tab.wait_for_selector("#why-0-parts-title", state="attached")
        assert_fits_a_phone(tab)
        assert_accessible(tab)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_admin_has_none(signed_in, client, small_forests, other_forests, language):
    spare = register(small_forests["coded"], "tests")
    other = register(other_forests["graded"], "tests")
    client.get("/api/predict?carat=abc")
    refused, *_, answered = Prediction.objects.all()
    rows = [refused, answered, spare, Activation.objects.first()]
    pages = ["/admin/"]
    for model in (Prediction, ModelVersion, Activation):
        pages.append(reverse(f"admin:predictor_{model._meta.model_name}_changelist"))
    for row in rows:
        pages.append(reverse(f"admin:predictor_{row._meta.model_name}_change", args=[row.pk]))
    pages += [
        reverse(f"admin:{name}")
        for name in (
            "axes_accessattempt_changelist",
            "predictor_sample_changelist",
            "predictor_savedview_changelist",
            "predictor_alarm_changelist",
            "predictor_job_changelist",
            "job-retrain",
            "job-upload-list",
            "predictor_scoringrun_changelist",
            "scoringrun-score",
            "predictor_savedview_add",
            "prediction-prices",
            "prediction-sample",
            "prediction-prune",
            "prediction-mark",
        )
    ]
    look()
    Alarm.objects.filter(kind="inputs").update(
        active=True,
        began="2026-11-03",
        segments=[{"column": "color", "grade": "J", "now": 0.5, "before": 0.05}],
    )
    sample = draw(Prediction.objects.all(), 1, seed=1)
    pages.append(reverse("admin:predictor_sample_change", args=[sample.pk]))
    pages.append(f"{reverse('admin:prediction-next')}?_changelist_filters=")
    rows = reverse("admin:predictor_prediction_changelist")
    pages.append(f"{rows}?q=nothing&warning=extrapolated&carat__range__gte=1")
    arguments = {"scheme": "graded", "with_reviewed": True}
    for state in ("queued", "lost"):
        job = Job.objects.create(kind="retrain", arguments=arguments, state=state, done=3, total=30)
        pages.append(reverse("admin:predictor_job_change", args=[job.pk]))
    read = {"rows": 9, "stones": 8, "notes": [["{column} is empty", {"column": "price"}]]}
    read["left_out"] = [[["{column} is empty", {"column": "price"}], 1, [[4, "Fancy"]]]]
    arguments = {"upload": "uploads/1-a", "name": "list.csv", "currency": "USD"}
    job = Job.objects.create(kind="read_list", arguments=arguments, state="done", result=read)
    pages.append(reverse("admin:job-list", args=[job.pk]))
    run = ScoringRun.objects.create(
        input="s3://a/*.csv", output="/out", scheme="graded", workers="2"
    )
    pages.append(reverse("admin:predictor_scoringrun_change", args=[run.pk]))
    live = ModelVersion.objects.get(scheme="graded", number=1)
    pages.append(f"{reverse('admin:prediction-replay')}?against={other.pk}")
    asked = Prediction.objects.filter(scheme="graded", status=200).first()
    record = reverse("admin:predictor_prediction_change", args=[asked.pk])
    pages.append(f"{record}?against={other.pk}")
    pages.append(reverse("admin:side-by-side", args=[live.pk, other.pk]))
    shadow = start(other)
    price = {"price": asked.price * 1.1, "low": asked.price, "high": asked.price * 1.2}
    ShadowPrice.objects.create(prediction=asked, shadow=shadow, trained_on=False, **price)
    pages.append(reverse("admin:predictor_shadow_change", args=[shadow.pk]))
    with signed_in(language) as tab:
        for page in pages:
            tab.goto(page)
            assert tab.locator("html").get_attribute("lang") == language
            assert_accessible(tab, widths=(1280, 1440))
        tab.goto("/admin/predictor/modelversion/")
        tab.locator("tr", has_text="coded 2").locator("input.action-select").check()
        tab.select_option("select[name=action]", "activate_version")
        tab.click("button[name=index]")
        tab.wait_for_selector("#id_why")
        assert_accessible(tab)


def test_the_admins_language_is_switched_without_javascript(site, client, admin_user):
    with site("pl", java_script_enabled=False) as tab:
        tab.goto("/admin/")
        follow(tab, "button[value=en]")
        assert tab.locator("html").get_attribute("lang") == "en"
        assert tab.locator("h1").inner_text() == "Log in"
