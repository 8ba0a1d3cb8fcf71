"""Takes the screenshots (`make screenshots`) on a site made for them: those of the README, and
every public page in both sizes and languages, with the size of each page.

The site's first start trains both models on all the stones, so this takes a few minutes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from io import BytesIO
from itertools import product
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from following import follow
from PIL import Image
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"
PORT = int(os.environ.get("PORT") or 5977)
ADDRESS = f"http://127.0.0.1:{PORT}"
PASSWORD = "only-for-the-pictures"  # noqa: S105
LANGUAGES = ("en", "pl")
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}
QUALITY = 30
STONES = (
    "carat=0.7&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56&x=5.73&y=5.7&z=3.51",
    "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063",
    "carat=1.2&cut=Premium&color=E&clarity=VVS2&depth=62.1&table=58&x=6.8&y=6.75&z=4.2",
    "carat=abc&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56&x=5.73&y=5.7&z=3.51",
    "carat=2.0&cut=2&color=1&clarity=1&depth=63.5&table=58.0&volume=274.23",
    "carat=0.31&cut=Very Good&color=H&clarity=SI1&depth=61.8&table=57&x=4.35&y=4.37&z=2.69",
)

REPORT = """Shape and Cutting Style: Round Brilliant
Measurements: 6.42 - 6.45 x 3.98 mm
Carat Weight: 1.01 carat
Color Grade: G
Clarity Grade: VS1
Cut Grade: Excellent
Depth: 61.8 %"""
"""A made-up report, without its table."""

WITHOUT_DEPTH = STONES[0].replace("depth=61.5", "depth=")


@contextmanager
def site():
    """A temporary served site with an admin user and a few answers."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "VAR_DIR": folder,
            "PORT": str(PORT),
            "HOST": "127.0.0.1",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }
        environment.pop("DATABASE_URL", None)
        server = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart"], cwd=ROOT, env=environment
        )
        try:
            wait_for_answer(server)
            manage = [
                sys.executable,
                "manage.py",
                "createsuperuser",
                "--noinput",
                "--username",
                "reviewer",
                "--email",
                "reviewer@example.org",
            ]
            subprocess.run(manage, cwd=ROOT, env=environment, check=True)
            yield
        finally:
            server.terminate()
            server.wait(timeout=60)


def wait_for_answer(server):
    """Waits until the site is ready: its first start trains both models."""
    while server.poll() is None:
        try:
            with urlopen(f"{ADDRESS}/health/ready", timeout=5):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(1)
    raise SystemExit("The site did not start; its messages are above.")


def take_readmes(tab):
    """The three screenshots of the README."""
    tab.goto("/")
    tab.screenshot(path=FOLDER / "home.png")
    ask(tab, "graded", STONES[0])
    (FOLDER / "quote.png").write_bytes(whole(tab))
    for stone in STONES:
        tab.request.get(f"/api/predict?{stone}")
    sign_in(tab)
    tab.goto("/admin/predictor/prediction/")
    expect(tab.locator("#result_list tbody tr")).to_have_count(len(STONES) + 1)
    tab.screenshot(path=FOLDER / "admin.png")


def take_review(browser):
    """The page of a review in both sizes and languages, and the list with filters; for docs/review.md."""
    for language, (size, viewport) in product(LANGUAGES, SIZES.items()):
        context = browser.new_context(base_url=ADDRESS, locale=language, viewport=viewport)
        tab = context.new_page()
        sign_in(tab)
        tab.goto("/admin/predictor/prediction/?scheme__exact=graded&status=200")
        save(tab, language, f"admin-list-{size}", full_page=False)
        tab.goto("/admin/predictor/prediction/next/?_changelist_filters=warning%3Dcarat_disagrees")
        tab.wait_for_selector(".judge")
        save(tab, language, f"admin-review-{size}")
        context.close()


def sign_in(tab):
    tab.goto("/admin/")
    tab.fill("#id_username", "reviewer")
    tab.fill("#id_password", PASSWORD)
    tab.click("input[type=submit]")


def whole(tab):
    """The whole page as PNG, with the pictures that a reader only loads by scrolling."""
    tab.evaluate(
        "document.querySelectorAll('[loading=lazy]').forEach(one => one.loading = 'eager')"
    )
    tab.wait_for_function("() => [...document.images].every(one => one.complete)")
    return tab.screenshot(full_page=True)


def save(tab, language, name, full_page=True):
    path = FOLDER / language / f"{name}.webp"
    path.parent.mkdir(exist_ok=True)
    picture = Image.open(BytesIO(whole(tab) if full_page else tab.screenshot()))
    picture.convert("RGB").save(path, quality=QUALITY, method=6)


def ask(tab, scheme, stone):
    """Fills in the form with a stone and submits it, which leads to the quote."""
    tab.goto(f"/?scheme={scheme}&{stone}")
    follow(tab, "main button.primary")


def visit(tab):
    """Opens every public page in turn; yields its name once it has loaded."""
    tab.goto("/")
    tab.wait_for_selector("#preview p")
    yield "home"
    tab.goto(f"/?scheme=graded&{WITHOUT_DEPTH}")
    tab.wait_for_selector("#preview .amount")
    yield "home-filled-in"
    tab.goto("/")
    tab.fill("#id_report", REPORT)
    tab.fill("#id_asking", "7,500")
    follow(tab, "button[name=read]")
    tab.wait_for_selector("#preview p")
    yield "home-report"
    tab.fill("#id_table", "57")
    follow(tab, "main button.primary")
    yield "quote-verdict"
    tab.goto(f"/?scheme=graded&{WITHOUT_DEPTH}")
    tab.select_option("#id_cut", "Excellent")
    tab.fill("#id_carat", "abc")
    follow(tab, "main button.primary")
    yield "home-refused"
    tab.goto(f"/?scheme=coded&{STONES[1]}")
    tab.wait_for_selector("#preview .amount")
    yield "home-coded"
    follow(tab, "main button.primary")
    yield "quote-coded"
    ask(tab, "graded", WITHOUT_DEPTH)
    yield "quote"
    tab.fill("#asking", "3100")
    follow(tab, ".ask button")
    yield "quote-asked"
    ask(tab, "graded", STONES[2])
    tab.goto("/quotes/")
    yield "quotes"
    follow(tab, "main button.primary")
    yield "comparison"
    tab.goto("/stones/")
    yield "stones"
    tab.goto("/stones/?carat_from=0.9&carat_to=1.1&cut=Ideal&color=G&by=clarity")
    yield "stones-filtered"
    tab.goto("/file/")
    yield "file"
    sample = with_prices(tab.request.get("/file/sample-graded.csv").text())
    for name, content in (("refused", sample.replace(b"Ideal", b"Poor")), ("preview", sample)):
        tab.goto("/file/")
        tab.set_input_files(
            "#file", {"name": "my-stones.csv", "mimeType": "text/csv", "buffer": content}
        )
        follow(tab, "main button.primary")
        tab.wait_for_selector("h1 .over")
        yield f"file-{name}"
    follow(tab, "main button.primary")
    tab.wait_for_url("**/file/*-*/")
    yield "file-priced"
    tab.goto("/models/")
    yield "models"
    tab.goto("/models/graded/1/")
    yield "model-card"
    tab.goto("/api/docs")
    tab.wait_for_selector(".opblock")
    yield "api"
    tab.goto("/quotes/00000000-0000-7000-8000-000000000000/")
    yield "no-quote"


def with_prices(sample):
    """A sample file with a column of asking prices, as bytes."""
    head, *rows = sample.splitlines()
    prices = (
        int(4000 * float(row.split(",")[1]) ** 1.8 * (0.8 + place / 25))
        for place, row in enumerate(rows)
    )
    lines = [f"{head},Price", *(f"{row},{price}" for row, price in zip(rows, prices, strict=True))]
    return "\n".join(lines).encode()


def take_pages(browser):
    """Every public page in both sizes and languages; {page: (bytes, requests)} of a first visit."""
    weights = {}
    for language, (size, viewport) in product(LANGUAGES, SIZES.items()):
        for name, tab in pages(browser, language, viewport):
            save(tab, language, f"{name}-{size}")
            if (language, size) == ("en", "desk"):
                weights[name] = weight_of(browser, tab)
    return weights


def pages(browser, language, viewport):
    context = browser.new_context(base_url=ADDRESS, locale=language, viewport=viewport)
    tab = context.new_page()
    for name in visit(tab):
        yield name, tab
    context.close()


def weight_of(browser, tab):
    """(bytes, requests) of a page and all that it loads with an empty cache; None for a page that
    cannot be opened by its address."""
    if tab.url.endswith("/file/") or tab.locator(".errors").count():
        return None
    context = browser.new_context(locale="en", storage_state=tab.context.storage_state())
    fresh, sizes = context.new_page(), []
    fresh.on("requestfinished", lambda request: sizes.append(request.sizes()))
    fresh.goto(tab.url, wait_until="networkidle")
    context.close()
    return sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes), len(sizes)


def write_index(weights):
    """Writes the README of the folder: the size of each page, and its screenshots."""
    lines = [
        "# Every page, in both sizes and languages",
        "",
        "Taken by `make screenshots`. The bytes are those of a first visit, as they went over the wire "
        "(headers included), and the requests that it took.",
        "",
        "| page | bytes | requests | English | Polish |",
        "|---|---:|---:|---|---|",
    ]
    for name, weight in weights.items():
        told = f"{weight[0]:,} | {weight[1]}" if weight else "– | –"
        cells = [
            ", ".join(f"[{size}]({language}/{name}-{size}.webp)" for size in SIZES)
            for language in LANGUAGES
        ]
        lines.append(f"| {name} | {told} | {' | '.join(cells)} |")
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n")
    sys.stdout.write("\n".join(lines) + "\n")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with site(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(
            base_url=ADDRESS, locale="en", viewport={"width": 1280, "height": 1040}
        )
        take_readmes(tab)
        take_review(browser)
        write_index(take_pages(browser))
        browser.close()


if __name__ == "__main__":
    main()
