"""A dealer's list in Chromium: from the upload to the sorted table, and a long one with its progress."""

import pytest

from ml.stones import EXAMPLES
from predictor.models import Job, PricedFile
from predictor.pages.price_file import pricing, upload

from .conftest import DESKTOP
from .following import follow
from .test_axe import assert_accessible
from .test_browser import LANGUAGES, PHONE, assert_fits_a_phone, submit

pytestmark = pytest.mark.browser

STONE = EXAMPLES["graded"][0]
PRICES = ("2900", "call", "9000", "100", "")


def send_list(tab):
    """Uploads a list of five stones, one of which has a wrong price; its preview is shown."""
    lines = [",".join(["Stock #", *STONE, "Total Price"])]
    lines += [
        ",".join([f"S-{n}", *map(str, STONE.values()), price]) for n, price in enumerate(PRICES)
    ]
    tab.goto("/file/")
    file = {"name": "list.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    tab.set_input_files("#file", file)
    submit(tab)


def is_in_order(tab):
    """Whether the stones are sorted by how far they are over our estimate, most first."""
    names = [one.inner_text().split()[0] for one in tab.locator("table.list tbody th").all()]
    return names == ["S-2", "S-0", "S-3", "S-4"]


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_is_priced_compared_and_sorted(site, script, viewport, language):
    with site(language, viewport, java_script_enabled=script) as tab:
        send_list(tab)
        assert tab.locator(".errors li").count() == 1
        with tab.expect_download() as taken:
            tab.click("button[name=errors]")
        assert taken.value.suggested_filename == "errors-list.csv"
        assert "S-1" in taken.value.path().read_text("utf-8-sig")
        follow(tab, "#list button.primary")
        assert tab.locator(".cloud").count() == 3
        assert tab.locator("table.list tbody tr").count() == 4
        follow(tab, "a.sort >> nth=0")
        assert tab.locator("[aria-sort=descending]").count() == 1
        assert is_in_order(tab)
        with tab.expect_download() as taken:
            tab.click("a[download] >> nth=0")
        head, first, *_ = taken.value.path().read_text("utf-8-sig").splitlines()
        assert head.endswith(",over_under_percent,fairness")
        assert first.startswith("S-0,")
        with tab.expect_download() as taken:
            tab.click("a[download] >> nth=1")
        assert taken.value.suggested_filename == "errors-list.csv"


@pytest.mark.parametrize("script", [True, False])
def test_a_long_list_shows_its_progress_and_ends_on_its_prices(site, worker, monkeypatch, script):
    for module in (pricing, upload):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    with site(java_script_enabled=script) as tab:
        send_list(tab)
        follow(tab, "#list button.primary")
        address = tab.url
        assert tab.locator("[role=status]").inner_text().startswith("The list waits for its turn.")
        Job.objects.update(state="running", done=400, total=1200)
        tab.wait_for_selector("progress")
        assert "400 of 1,200 stones are priced." in tab.locator("[role=status]").inner_text()
        Job.objects.update(state="queued")
        assert worker.one().state == "done"
        tab.wait_for_selector("table.list")
        assert tab.url == address
        assert len(PricedFile.objects.get().predictions) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_pages_fit_a_phone_and_have_no_accessibility_faults(site, monkeypatch, language):
    for at_once in (1000, 2):
        for module in (pricing, upload):
            monkeypatch.setattr(module, "AT_ONCE", at_once)
        with site(language, PHONE, has_touch=True) as tab:
            send_list(tab)
            assert_fits_a_phone(tab)
            assert_accessible(tab, (DESKTOP["width"],))
            tab.set_viewport_size(PHONE)
            follow(tab, "#list button.primary")
            Job.objects.filter(state="queued").update(state="running", done=1, total=4)
            tab.reload()
            assert_fits_a_phone(tab)
            assert_accessible(tab, (DESKTOP["width"],))
