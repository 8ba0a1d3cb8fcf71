"""Takes the README's pictures from a running site: python tests/browser/screenshots.py ADDRESS.

Submits the graded example, so the site's history gains a row.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"


def take(address):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(locale="en", viewport={"width": 1280, "height": 1040})
        tab.goto(address)
        tab.screenshot(path=FOLDER / "home.png")
        tab.click("text=Fill in an example")
        tab.click("button.primary")
        tab.wait_for_url("**/quotes/**")
        tab.screenshot(path=FOLDER / "quote.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    take(*sys.argv[1:])
