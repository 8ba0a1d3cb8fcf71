"""What a buyer does, in Chromium: from a grading report to the quote, its asking price, a comparison."""

import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
from django.utils.formats import number_format
from django.utils.translation import override

from ml.stones import EXAMPLES
from predictor.models import Prediction, PricedFile
from tests.ml.tables.test_report import GIA

from .conftest import DESKTOP
from .following import follow
from .test_browser import LANGUAGES, PHONE, fill_in, send_file, submit

pytestmark = pytest.mark.browser

LINE = "5.70 - 5.73 x 3.51 mm"
GRADES = {"color": "G", "clarity": "VS1", "cut": "Ideal"}


def quoted(tab, **changes):
    """Submits the filled-in form and waits for the quote."""
    fill_in(tab, **changes)
    submit(tab)
    tab.wait_for_url("**/quotes/**")


@pytest.fixture
def quote(client, live_models):
    """The address of a quote."""
    return client.get("/api/predict", EXAMPLES["graded"][0]).json()["url"]


@pytest.mark.parametrize(
    ("language", "viewport", "script"),
    [("pl", PHONE, True), ("en", PHONE, False), ("en", DESKTOP, True), ("pl", DESKTOP, False)],
)
def test_the_whole_path(site, language, viewport, script):
    with site(language, viewport, java_script_enabled=script, has_touch=viewport == PHONE) as tab:
        tab.goto("/")
        tab.fill("#id_x", LINE)
        tab.fill("#id_carat", "0,70")
        for name, grade in GRADES.items():
            tab.select_option(f"#id_{name}", grade)
        tab.fill("#id_table", "56 %")
        if script:
            assert tab.input_value("#id_x") == "5.70"
            assert tab.input_value("#id_z") == "3.51"
            tab.wait_for_selector("#preview .amount")
            assert not Prediction.objects.exists()
        submit(tab)
        tab.wait_for_url("**/quotes/**")
        row = Prediction.objects.get()
        assert (row.x, row.y, row.z, row.depth, row.table) == (5.7, 5.73, 3.51, 61.4, 56.0)
        with override(language):
            price = number_format(row.predicted_price, force_grouping=True)
        assert price in tab.locator(".price").inner_text().replace("\u202f", "\xa0")
        tab.fill("#asking", "3 100")
        follow(tab, ".ask button")
        assert "3" in tab.locator(".verdict").inner_text()
        assert Prediction.objects.count() == 1
        follow(tab, "td a >> nth=0")
        assert tab.locator("#id_color").input_value() == "H"
        submit(tab)
        tab.wait_for_url("**/quotes/**")
        tab.goto("/quotes/")
        assert tab.locator(".quotes li").count() == 2
        submit(tab)
        assert tab.locator(".comparison tbody tr").count() >= 8
        assert tab.locator(".best").count() >= 2
        assert [one.color for one in Prediction.objects.order_by("id")] == ["G", "H"]


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pasted_report_is_three_taps_from_the_verdict(site, language, script):
    with site(language, PHONE, java_script_enabled=script, has_touch=True) as tab:
        taps = 0

        def tap(target):
            nonlocal taps
            taps += 1
            tab.tap(target)

        tab.goto("/")
        tap("#id_report")
        tab.keyboard.insert_text(GIA)
        tap("#id_asking")
        tab.keyboard.type("9000")
        if script:
            tab.wait_for_selector("#preview .chip")
        with tab.expect_navigation():
            tap(".bottom button.primary")
        assert taps <= 3
        row = Prediction.objects.get()
        assert (row.carat, row.cut, row.asking) == (1.01, "Ideal", 9000)
        verdict = tab.locator(".verdict").bounding_box()
        assert verdict["y"] + verdict["height"] <= PHONE["height"]
        label = tab.locator(".range text", has_text="9").last.bounding_box()
        assert label["x"] >= 0
        assert label["x"] + label["width"] <= PHONE["width"]


@pytest.mark.parametrize("script", [True, False])
def test_a_report_fills_in_the_form(site, script):
    with site("en", PHONE, java_script_enabled=script) as tab:
        tab.goto("/")
        tab.fill("#id_report", GIA.replace("Table: 57 %", ""))
        follow(tab, "button[name=read]")
        assert tab.input_value("#id_carat") == "1.01"
        assert tab.input_value("#id_cut") == "Excellent"
        assert tab.input_value("#id_report") == ""
        assert "Not found in it: Table." in tab.locator("main .note").inner_text()
        assert not Prediction.objects.exists()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("script", [True, False])
def test_the_first_screen_of_a_phone_shows_the_form(site, language, script):
    with site(language, PHONE, java_script_enabled=script) as tab:
        tab.goto("/")
        bar = tab.locator(".bottom").bounding_box()
        assert bar["y"] + bar["height"] == pytest.approx(PHONE["height"], abs=1)
        for field in ("#id_report", "#id_asking"):
            box = tab.locator(field).bounding_box()
            assert box["y"] + box["height"] <= bar["y"], field


@pytest.mark.parametrize("script", [True, False])
def test_the_price_stays_at_the_bottom_edge_and_hides_no_field(site, script):
    with site("en", PHONE, java_script_enabled=script) as tab:
        tab.goto(
            "/?scheme=graded&x=5.7&y=5.73&z=3.51&carat=0.7&cut=Ideal&color=G&clarity=VS1&table=56"
        )
        if script:
            tab.wait_for_selector("#preview .amount")
        for field in ("#id_report", "#id_carat", "#id_clarity", "#id_table"):
            tab.focus(field)
            bar, box = (tab.locator(one).bounding_box() for one in (".bottom", field))
            assert bar["y"] + bar["height"] <= PHONE["height"] + 1, field
            assert box["y"] + box["height"] <= bar["y"] + 1, field


@pytest.mark.parametrize("script", [True, False])
def test_a_hint_opens_by_the_keyboard(site, script):
    with site("en", PHONE, java_script_enabled=script) as tab:
        tab.goto("/")
        hint = tab.locator("#id_table_helptext")
        assert not hint.is_visible()
        tab.focus("[popovertarget=id_table_helptext]")
        tab.keyboard.press("Enter")
        assert hint.is_visible()
        assert "width of the table" in hint.inner_text()
        tab.keyboard.press("Escape")
        assert not hint.is_visible()


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_priced_and_taken_away(site, script):
    with site(java_script_enabled=script) as tab:
        send_file(tab)
        assert tab.locator("td", has_text="Ideal").is_visible()
        assert not Prediction.objects.exists()
        submit(tab)
        assert PricedFile.objects.get().predictions == [Prediction.objects.get().pk.hex]
        with tab.expect_download() as taken:
            tab.click("a[download]")
        text = taken.value.path().read_text("utf-8-sig")
        assert text.startswith("reference;carat;cut")
        assert text.splitlines()[1].startswith("Łódź 1;0.7;Ideal")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_of_a_priced_file_stand_beside_each_other(site, language):
    with site(language) as tab:
        tab.goto("/file/")
        sample = tab.request.get("/file/sample-graded.csv").body()
        dear = sample + b"S-13,4,Ideal,D,IF,61.5,56,10.3,10.28,6.33\n" * 400
        tab.set_input_files("#file", {"name": "a.csv", "mimeType": "text/csv", "buffer": dear})
        submit(tab)
        submit(tab)
        card = tab.locator("section:has(.triple)").bounding_box()
        boxes = [one.bounding_box() for one in tab.locator(".triple table").all()]
        assert len(boxes) == 3
        for box in boxes:
            assert box["x"] + box["width"] <= card["x"] + card["width"]
        for left, right in pairwise(boxes):
            assert (
                left["x"] + left["width"] <= right["x"] or left["y"] + left["height"] <= right["y"]
            )


def test_the_path_by_the_keyboard_only(site):
    with site() as tab:
        tab.goto("/?scheme=graded&carat=0.7&color=G&clarity=VS1&cut=Ideal&table=56")
        reached(tab, "id_x")
        tab.keyboard.type(LINE)
        reached(tab, "id_depth")
        assert tab.input_value("#id_y") == "5.73"
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/quotes/**")
        reached(tab, "asking")
        tab.keyboard.type("3100")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**asking=3100**")
        assert tab.locator(".verdict .word").is_visible()
        reached(tab, lambda focus: "format=json" in focus["href"])
        assert Prediction.objects.count() == 1


def reached(tab, wanted):
    """Presses Tab until the wanted element, given by its id or a check, has the focus."""
    look = "() => ({id: document.activeElement.id, href: document.activeElement.href || ''})"
    for _ in range(150):
        tab.keyboard.press("Tab")
        focus = tab.evaluate(look)
        if wanted(focus) if callable(wanted) else focus["id"] == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by Tab")


def test_a_wrong_field_keeps_what_was_typed_and_has_the_focus(site):
    with site() as tab:
        fill_in(tab, carat="abc", z="9 cm")
        submit(tab)
        assert tab.evaluate("document.activeElement.id") == "id_z"
        assert tab.input_value("#id_z") == "9 cm"
        assert tab.input_value("#id_carat") == "abc"


def test_the_last_answer_wins_and_typing_is_not_recorded(site):
    with site() as tab:
        fill_in(tab)
        tab.wait_for_selector("#preview .amount")
        first = tab.locator("#preview").inner_text()
        held = []
        tab.route("**/preview/", lambda route: held.append(route))
        tab.fill("#id_carat", "0.71")
        tab.wait_for_timeout(800)
        tab.fill("#id_carat", "0.72")
        tab.wait_for_timeout(800)
        assert len(held) == 2
        held[1].continue_()
        tab.wait_for_function(
            "text => document.getElementById('preview').innerText !== text", arg=first
        )
        second = tab.locator("#preview").inner_text()
        held[0].abort()  # the browser has already dropped it
        tab.wait_for_timeout(300)
        assert tab.locator("#preview").inner_text() == second
        assert not Prediction.objects.exists()


@pytest.mark.parametrize("fails", ["aborted", 429, 503])
def test_a_price_of_what_was_typed_before_does_not_stay(site, fails):
    with site() as tab:
        fill_in(tab)
        tab.wait_for_selector("#preview .amount")
        answer = (
            (lambda route: route.abort())
            if fails == "aborted"
            else (lambda route: route.fulfill(status=fails, body="<p class='amount'>wrong</p>"))
        )
        tab.route("**/preview/", answer)
        tab.fill("#id_carat", "0.75")
        tab.wait_for_selector("text=The estimate is not available right now")
        assert tab.locator("#preview .amount").count() == 0


def test_the_preview_does_not_move_the_page(site):
    with site() as tab:
        tab.goto("/")
        tab.wait_for_selector("#preview p")
        place = "document.querySelector('.bottom').getBoundingClientRect().top"
        before = tab.evaluate(place)
        fill_in(tab, x=5.7, y=5.7)
        tab.wait_for_selector("#preview .amount")
        assert tab.evaluate(place) == before


SHIFT = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 700);
})"""


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_moves_while_a_page_loads(site, viewport, quote):
    for page in ("/", "/stones/", quote):
        with site("pl", viewport) as tab:
            tab.goto(page)
            assert tab.evaluate(SHIFT) < 0.01, page


def test_the_link_is_copied(site):
    with site(permissions=["clipboard-read", "clipboard-write"]) as tab:
        quoted(tab)
        tab.click("[data-copy]")
        tab.wait_for_selector("text=Copied")
        assert tab.evaluate("navigator.clipboard.readText()") == tab.url


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_printed_quote_is_one_page_without_forms_and_links(site, language):
    with site(language) as tab:
        quoted(tab, depth=64)
        tab.wait_for_url("**/quotes/**")
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", tab.pdf(format="A4"))) == 1
        tab.emulate_media(media="print")
        for gone in ("header.site nav", ".actions", "details", ".languages"):
            assert not tab.locator(gone).first.is_visible()
        assert tab.locator(".price").is_visible()


def test_a_page_and_all_that_it_loads_take_few_bytes(site, quote):
    for page, budget in {"/": 100_000, "/stones/": 150_000, quote: 250_000}.items():
        with site() as tab:
            sizes = []
            tab.on("requestfinished", lambda request, to=sizes: to.append(size_of(request)))
            tab.goto(page)
            tab.wait_for_load_state("networkidle")
            assert sum(sizes) < budget, (page, sizes)


def size_of(request):
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


# The examples of the API's page, run unchanged


@pytest.fixture
def examples(site):
    """{name: program} from the API's page."""
    with site() as tab:
        tab.goto("/api/docs")
        programs = {
            block.get_attribute("data-language"): block.inner_text()
            for block in tab.locator("pre.program").all()
        }
        commands = [one.inner_text() for one in tab.locator("#examples ~ dl code").all()]
        programs |= {"curl": next(one for one in commands if one.startswith("curl"))}
        yield programs, tab


def test_the_curl_example_runs(examples):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    done = subprocess.run(examples[0]["curl"] + " -s", shell=True, capture_output=True, timeout=60)  # noqa: S602
    answer = json.loads(done.stdout)
    assert answer["predicted_price"] == Prediction.objects.get().predicted_price


def test_the_python_example_runs(examples):
    program = [sys.executable, "-c", examples[0]["Python"]]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    row = Prediction.objects.get()
    assert done.stdout.startswith(f"{row.predicted_price} {{'low': {row.whole_low}"), done.stderr


def test_the_javascript_example_runs(examples):
    programs, tab = examples
    with tab.expect_console_message() as told:
        tab.evaluate(f"async () => {{ {programs['JavaScript']} }}")
    row = Prediction.objects.get()
    assert re.match(rf"{row.predicted_price} .*{row.pk}", told.value.text)
