"""Takes the README's pictures anew (make screenshots), of a site made for them alone.

The site's first start trains both models on all the stones, so this takes a few minutes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"
PORT = int(os.environ.get("PORT") or 5977)
ADDRESS = f"http://127.0.0.1:{PORT}"
PASSWORD = "only-for-the-pictures"  # noqa: S105
STONES = (
    "carat=0.7&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56&x=5.73&y=5.7&z=3.51",
    "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063",
    "carat=1.2&cut=Premium&color=E&clarity=VVS2&depth=62.1&table=58&x=6.8&y=6.75&z=4.2",
    "carat=abc&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56&x=5.73&y=5.7&z=3.51",
    "carat=2.0&cut=2&color=1&clarity=1&depth=63.5&table=58.0&volume=274.23",
    "carat=0.31&cut=Very Good&color=H&clarity=SI1&depth=61.8&table=57&x=4.35&y=4.37&z=2.69",
)  # fmt: skip


@contextmanager
def site():
    """A served site with an admin and a few answers; nothing of it stays."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "VAR_DIR": folder, "PORT": str(PORT), "HOST": "127.0.0.1",
                       "DJANGO_SUPERUSER_PASSWORD": PASSWORD}  # fmt: skip
        environment.pop("DATABASE_URL", None)
        server = subprocess.Popen([sys.executable, "manage.py", "quickstart"], cwd=ROOT,
                                  env=environment)  # fmt: skip
        try:
            wait_for_answer(server)
            manage = [sys.executable, "manage.py", "createsuperuser", "--noinput",
                      "--username", "reviewer", "--email", "reviewer@example.org"]  # fmt: skip
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


def take(tab):
    tab.goto("/")
    tab.screenshot(path=FOLDER / "home.png")
    tab.click("text=Fill in an example")
    tab.click("main button.primary")
    tab.wait_for_url("**/quotes/**")
    tab.screenshot(path=FOLDER / "quote.png", full_page=True)
    for stone in STONES:
        tab.request.get(f"/api/predict?{stone}")
    tab.goto("/admin/")
    tab.fill("#id_username", "reviewer")
    tab.fill("#id_password", PASSWORD)
    tab.click("input[type=submit]")
    tab.goto("/admin/predictor/prediction/")
    expect(tab.locator("#result_list tbody tr")).to_have_count(len(STONES) + 1)
    tab.screenshot(path=FOLDER / "admin.png")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with site(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(
            base_url=ADDRESS, locale="en", viewport={"width": 1280, "height": 1040}
        )
        take(tab)
        browser.close()


if __name__ == "__main__":
    main()
