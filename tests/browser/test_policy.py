"""The pages work under their content security policies and never try what these forbid.

The tabs of `site` report violations, in this file and in all other browser tests.
"""

import json

import pytest
from django.contrib.auth.models import User

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .following import follow
from .test_browser import fill_in, submit

pytestmark = pytest.mark.browser
FORBIDDEN = [
    "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
    "document.body.setAttribute('style', 'color: red')",
    "document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}))",
    "setTimeout('1')",
]
LIST = "/admin/predictor/prediction/"


@pytest.mark.parametrize("page", ["/", "/api/docs", "/admin/", "/api/model"])
def test_what_is_forbidden_is_stopped_and_would_fail_a_test(site, page):
    with site() as tab:
        tab.goto(page)
        for forbidden in FORBIDDEN:
            assert tab.faults == []
            with tab.expect_console_message(lambda message: "Security Policy" in message.text):
                tab.evaluate(f"() => {{ {forbidden} }}")
            assert tab.faults
            tab.faults.clear()


@pytest.mark.parametrize("language", ["pl", "en"])
@pytest.mark.parametrize("scheme", ["graded", "coded"])
def test_the_model_card_draws_its_plots(site, scheme, language):
    with site(language) as tab:
        tab.goto(f"/models/{scheme}/1/")
        assert tab.locator("main svg").count() >= 3
        assert tab.locator("main svg rect[fill='var(--accent)']").first.bounding_box()["width"] > 1


def test_the_api_page_sends_a_request_and_shows_the_answer(site):
    with site() as tab:
        tab.goto("/api/docs")
        tab.click("#operations-predict-predict_post .opblock-summary-control")
        tab.click("text=Try it out")
        tab.fill("textarea.body-param__text", json.dumps(EXAMPLES["coded"][0]))
        tab.click("button.execute")
        tab.wait_for_selector(".live-responses-table .response-col_status")
        shown = tab.locator(".live-responses-table").inner_text()
        row = Prediction.objects.get()
        assert str(row.id) in shown
        assert (row.source, row.status, row.features) == ("api", 200, EXAMPLES["coded"][0])


def test_the_api_page_sends_a_token(site, settings):
    from rest_framework.authtoken.models import Token

    settings.API_ACCESS = "token"
    key = Token.objects.create(user=User.objects.create_user("anna")).key
    with site() as tab:
        tab.goto("/api/docs")
        tab.click("button.authorize")
        tab.fill(".auth-container input", key)
        tab.click(".auth-btn-wrapper button.authorize")
        tab.click(".auth-btn-wrapper .btn-done")
        tab.click("#operations-model-live_models .opblock-summary-control")
        tab.click("text=Try it out")
        tab.click("button.execute")
        status = tab.locator(".live-responses-table .response-col_status").last
        status.wait_for()
        assert status.inner_text().startswith("200")


def test_the_admins_filters_work(admin_tab):
    tab = admin_tab
    tab.goto(LIST)
    assert tab.locator("#result_list tbody tr").count() == 2
    form = tab.locator(".numericrangefilter", has=tab.locator("[name=carat__range__gte]"))
    form.locator("[name=carat__range__gte]").fill("0.5")
    form.locator("[type=submit]").click()
    tab.wait_for_url("**carat__range__gte=0.5**")
    assert tab.locator("#result_list tbody tr").count() == 1
    tab.click("#calendarlink0")
    tab.click("#calendarbox0 td.today a")
    tab.locator(".admindatefilter [type=submit]").click()
    tab.wait_for_url("**created__range__gte_0=2**")


def test_the_locked_log_in_and_the_refused_form_are_pages(site, settings):
    with site() as tab:
        for _ in range(5):
            tab.goto("/admin/")
            tab.fill("#id_username", "admin")
            tab.fill("#id_password", "wrong")
            follow(tab, "input[type=submit]")
        assert tab.locator("h1").inner_text().endswith("Too many failed log-ins")
        settings.API_THROTTLE = (1, 60)
        for _ in range(2):
            fill_in(tab)
            submit(tab)
        assert tab.locator("h1").inner_text().startswith("429")
