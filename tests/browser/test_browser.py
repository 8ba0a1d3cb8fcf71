"""The pages in Chromium, complete without JavaScript; test_axe.py checks that they fit a phone."""

import pytest
from django.utils.formats import number_format
from django.utils.translation import override

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .following import follow

PHONE = {"width": 360, "height": 740}
PAGES = (
    "home",
    "coded",
    "filled in",
    "invalid",
    "laboratory",
    "quote",
    "warned",
    "asked",
    "far above",
    "pasted",
    "no quote",
    "quotes",
    "comparison",
    "stones",
    "models",
    "API",
    "file",
    "file preview",
    "wrong file",
    "priced file",
    "404",
)
ADDRESSES = {
    "home": "/",
    "coded": "/?scheme=coded",
    "404": "/nowhere/",
    "file": "/file/",
    "stones": "/stones/?carat_from=0.5&color=G&color=H&by=clarity",
    "models": "/models/",
    "API": "/api/docs",
    "no quote": "/quotes/00000000-0000-7000-8000-000000000000/",
}
CHANGES = {
    "invalid": {"carat": "abc", "depth": "961,5", "x": ""},
    "laboratory": {"cut": "Excellent", "clarity": "FL", "color": "K"},
    "warned": {"depth": 64},
}
LANGUAGES = ("pl", "en")

pytestmark = pytest.mark.browser


def fill_in(tab, scheme="graded", **changes):
    tab.goto(f"/?scheme={scheme}")
    for name, value in {**EXAMPLES[scheme][0], **changes}.items():
        control = tab.locator(f"#id_{name}")
        if control.evaluate("node => node.tagName") == "SELECT":
            control.select_option(str(value))
        else:
            control.fill(str(value))


def submit(tab):
    follow(tab, "button.primary")


def visit(tab, page):
    """Opens one of PAGES."""
    if page in ADDRESSES:
        tab.goto(ADDRESSES[page])
    elif "file" in page:
        send_file(tab, wrong=page == "wrong file")
        if page == "priced file":
            submit(tab)
    elif page == "pasted":
        tab.goto("/")
        tab.fill("#id_report", "Carat Weight: 1.01 Color Grade: Fancy Cut Grade: Excellent")
        follow(tab, "button[name=read]")
    elif page == "filled in":
        fill_in(tab)
        tab.wait_for_selector("#preview .amount")
    else:
        fill_in(tab, **CHANGES.get(page, {}))
        submit(tab)
        if page == "asked":
            tab.fill("#asking", "3100")
            follow(tab, ".ask button")
        if page == "far above":
            tab.fill("#asking", "31000")
            follow(tab, ".ask button")
        if page in ("quotes", "comparison"):
            fill_in(tab, color="D")
            submit(tab)
            tab.goto("/quotes/")
        if page == "comparison":
            submit(tab)


def send_file(tab, wrong=False):
    """Uploads a file of stones; its preview is shown."""
    tab.goto("/file/")
    stone = {"reference": "Łódź 1", **EXAMPLES["graded"][0]} | ({"carat": "abc"} if wrong else {})
    content = "\n".join(";".join(map(str, row)) for row in (stone, stone.values()))
    file = {"name": "stones.csv", "mimeType": "text/csv", "buffer": content.encode("cp1250")}
    tab.set_input_files("#file", file)
    submit(tab)


SMALL_TEXT = """[...document.querySelectorAll(
        "input:not([type=hidden]):not([type=checkbox]), select, textarea:not([hidden])")]
    .filter(node => parseFloat(getComputedStyle(node).fontSize) < 16).length"""
LOW = """[...document.querySelectorAll(
        "input:not([type=hidden]):not([type=checkbox]), select, button, nav a, .check")]
    .filter(node => node.getBoundingClientRect().height < 44 && !node.closest(".swagger-ui"))
    .map(node => node.outerHTML)"""


def assert_fits_a_phone(tab):
    """Nothing is wider than the screen, in a font that phones enlarge, or too low to tap."""
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert tab.evaluate(SMALL_TEXT) == 0
    assert tab.evaluate(LOW) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_coded_stone_is_priced_without_javascript(site, language):
    scheme = "coded"
    with site(language, java_script_enabled=False) as tab:
        tab.goto(f"/?scheme={scheme}")
        for name, value in EXAMPLES[scheme][0].items():
            if name in ("cut", "color", "clarity"):
                tab.select_option(f"#id_{name}", str(value))
            else:
                tab.fill(f"#id_{name}", str(value).replace(".", "," if language == "pl" else "."))
        submit(tab)
        row = Prediction.objects.get()
        assert tab.url.endswith(f"/quotes/{row.id}/")
        assert (row.source, row.scheme, row.features) == ("form", scheme, EXAMPLES[scheme][0])
        with override(language):
            price = number_format(row.predicted_price, force_grouping=True)
        assert price in tab.locator(".price").inner_text().replace("\u202f", "\xa0")


def test_an_invalid_form_is_corrected_without_javascript(site):
    with site(java_script_enabled=False) as tab:
        tab.goto("/?scheme=graded")
        fill_in(tab)
        tab.fill("#id_carat", "abc")
        submit(tab)
        assert tab.title().startswith("Error")
        assert tab.locator("#id_carat_error").inner_text().startswith("“abc” is not a number")
        assert tab.locator("#id_cut").input_value() == "Ideal"
        tab.click(".errors a")
        assert tab.url.endswith("#id_carat")
        tab.fill("#id_carat", "0.7")
        submit(tab)
        assert tab.locator(".price").is_visible()
    assert sorted(Prediction.objects.values_list("status", flat=True)) == [200, 400]


def test_the_language_is_switched_without_javascript_and_kept(site):
    with site("pl", java_script_enabled=False) as tab:
        tab.goto("/?scheme=coded")
        follow(tab, "button:has-text('English')")
        assert tab.url.endswith("/?scheme=coded")
        assert tab.locator("html").get_attribute("lang") == "en"
        tab.goto("/nowhere/")
        assert tab.locator("h1").inner_text().endswith("Page not found")


@pytest.mark.parametrize(
    ("scheme", "switch"),
    [("graded", "button:has-text('English')"), ("coded", "button[value=graded]")],
)
def test_what_was_typed_survives_a_switch_without_javascript(site, scheme, switch):
    with site("pl", java_script_enabled=False) as tab:
        tab.goto(f"/?scheme={scheme}")
        typed = {"carat": "0,7 ct", "asking": "3 100"}
        for name, text in typed.items():
            tab.fill(f"#id_{name}", text)
        follow(tab, switch)
        assert {name: tab.locator(f"#id_{name}").input_value() for name in typed} == typed
        assert tab.locator("#id_x").is_visible()
        assert not Prediction.objects.exists()


def test_the_comparables_scroll_visibly_on_a_phone(site):
    with site("en", PHONE, has_touch=True) as tab:
        visit(tab, "quote")
        table = tab.locator(".scroll:has(.comparables)").first
        width, whole = table.evaluate("node => [node.clientWidth, node.scrollWidth]")
        assert whole > width
        assert tab.locator(".swipe").first.is_visible()
        table.evaluate("node => node.scrollTo(9999, 0)")
        assert table.evaluate("node => node.scrollLeft") > 0
    with site("en") as tab:
        tab.goto(Prediction.objects.get().get_absolute_url())
        assert not tab.locator(".swipe").first.is_visible()


def test_the_apis_page_can_be_read_without_javascript(site):
    with site(java_script_enabled=False) as tab:
        tab.goto("/api/docs")
        assert tab.locator("main h1").inner_text() == "The API"
        assert tab.locator("table.parameters tbody tr").count() == 10
        assert tab.locator("main").inner_text().count("/api/predict?carat=") == 2


def test_the_apis_page_is_dark_where_that_is_preferred(site):
    with site(color_scheme="dark") as tab:
        tab.goto("/api/docs")
        tab.wait_for_selector(".opblock")
        shade = "node => getComputedStyle(node).backgroundColor"
        assert tab.locator("body").evaluate(shade) == "rgb(18, 22, 26)"
        assert tab.locator("html.dark-mode").count() == 1


def test_the_range_is_drawn_with_the_price_inside_it(site):
    with site() as tab:
        visit(tab, "quote")
        span, mark = (tab.locator(f"svg .{part}").bounding_box() for part in ("span", "mark"))
        row = Prediction.objects.get()
        share = (mark["x"] + mark["width"] / 2 - span["x"]) / span["width"]
        assert share == pytest.approx((row.price - row.low) / (row.high - row.low), abs=0.01)


def test_the_form_can_be_filled_in_with_the_keyboard_only(site):
    with site() as tab:
        tab.goto("/")
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.className") == "skip"
        tab.focus("#id_x")
        stone = EXAMPLES["graded"][0]
        for name in ("x", "y", "z", "carat", "color", "clarity", "cut", "depth", "table"):
            assert tab.evaluate("document.activeElement.name") == name
            tab.keyboard.type(str(stone[name]))
            tab.keyboard.press("Tab")
            if tab.evaluate("document.activeElement.className") == "help":
                tab.keyboard.press("Tab")
        tab.keyboard.press("Shift+Tab")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/quotes/**")
        assert Prediction.objects.get().features == stone
