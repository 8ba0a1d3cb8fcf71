"""The steps of docs/extending.md are complete: the test applies all of them to a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import polib
import pytest
from django.conf import settings

from tests.environment import FORESTS, ONE_THREAD

ROOT = settings.BASE_DIR
PAGE = ROOT / "docs" / "extending.md"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "var", "__pycache__", ".*_cache", "*.part")
WHERE = re.compile(
    r"(?:`(?P<path>[^`]+)`|The new migration), "
    r"(?P<how>before|after|at the end|a new file)(?: of)?(?: (?P<ticks>`+) ?(?P<anchor>.+?) ?(?P=ticks))?"
)

EXTENDED = """
import pytest
from django.core.management import call_command
from django.urls import reverse

from ml.stones import EXAMPLES
from predictor.inference.models import OUTPUTS
from predictor.models import Prediction
from predictor.pages.price_file.upload import ADDED
from predictor.pricing.warnings import RULES
from predictor.review.export import COLUMNS


def test_the_product_takes_all_of_them(client, admin_client, live_models, settings, capsys):
    answer = client.get("/api/predict", {**EXAMPLES["graded"][0], "table": 70}).json()
    row = Prediction.objects.get(pk=answer["id"])
    assert answer["answered"] == row.created.isoformat()
    assert row.warnings[0] == {"code": "large_table", "field": "table", "value": 70.0, "most": 66}
    assert answer["warnings"][0]["message"] == "table 70% is over 66%."
    assert "answered" in OUTPUTS and "answered" in COLUMNS and "answered" in ADDED
    schemas = client.get("/api/schema?format=json").json()["components"]["schemas"]
    assert schemas["Quote"]["properties"]["answered"] == {"type": "string", "format": "date-time"}
    assert "large_table" in schemas["StoneWarning"]["properties"]["code"]["description"]
    assert "certificate" in COLUMNS
    slow = reverse("admin:predictor_prediction_changelist") + "?latency=slow"
    assert admin_client.get(slow).status_code == 200
    assert settings.QUOTE_DAYS == 30
    call_command("count")
    assert capsys.readouterr().out == "1 predictions\\n"


@pytest.mark.django_db
def test_django_finds_no_fault_and_no_migration_to_make():
    call_command("check")
    call_command("makemigrations", check_changes=True, dry_run=True)
"""

HELD_BY = {
    "tests/test_extended.py": "takes_all or no_fault",
    "tests/pricing/test_warnings.py": "rule",
    "tests/project/test_docs.py": "api_page or shown or command_exists",
    "tests/diamondsite/test_settings.py": "listed or QUOTE_DAYS",
    "tests/wording/test_translations.py": "translat or catalogue",
    "tests/history/test_kept.py": "raw_sql or django_is or rows_leave",
    "tests/management/test_invalid_arguments.py": "count",
    "tests/admin/test_filter_indexes.py": "says_which",
}
"""{file of tests that notice a missing step: the tests in it}."""


@dataclass(frozen=True)
class Step:
    """One numbered step of a list: its text, and the lines that it adds."""

    text: str
    lines: str

    def apply(self, copy):
        if command := re.search(r"Run `python (manage\.py [^`]+)`", self.text):
            run(copy, *command[1].split())
        if self.lines:
            self.write(copy)

    def write(self, copy):
        found = WHERE.match(self.text)
        path = copy / found["path"] if found["path"] else newest_migration(copy)
        if found["how"] == "a new file":
            path.write_text(self.lines)
            return
        lines = path.read_text().splitlines(keepends=True)
        place = len(lines)
        if found["anchor"] == "operations":
            place = next(i for i in range(place - 1, 0, -1) if lines[i].strip() == "]")
        elif found["anchor"]:
            place = next(i for i, line in enumerate(lines) if found["anchor"] in line)
            place += found["how"] == "after"
        lines.insert(place, self.lines)
        path.write_text("".join(lines))


def steps():
    """All steps of the page, in order."""
    for text in re.split(r"^(?:\d+\. |## .*\n)", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        block = re.search(r"^   ```\w*\n(.*?)^   ```", text, re.MULTILINE | re.DOTALL)
        yield Step(text, unindented(block[1]) if block else "")


def unindented(block):
    """A step's lines without the three spaces of indentation within the list."""
    return re.sub(r"^   ", "", block, flags=re.MULTILINE)


def newest_migration(copy):
    return max((copy / "predictor" / "migrations").glob("0*.py"))


def run(copy, *command):
    """Runs Python in the copy as in a separate checkout; fails with its output."""
    kept = ("PATH", "HOME", "LANG")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"VAR_DIR": str(copy / "var"), "DJANGO_SETTINGS_MODULE": "diamondsite.settings"}
    environment |= ONE_THREAD | {"TESTS_FORESTS": str(FORESTS)}
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_that_the_page_names_exist():
    names = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", PAGE.read_text())
    new = {step.text.split("`")[1] for step in steps() if ", a new file" in step.text}
    assert [name for name in names if name not in new and not (ROOT / name).exists()] == []


@pytest.mark.once
@pytest.mark.long
def test_a_copy_of_the_project_takes_all_the_steps(tmp_path, small_forests):
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    for step in steps():
        step.apply(copy)
    (copy / "tests" / "test_extended.py").write_text(EXTENDED)
    catalogue = str(copy / "locale/pl/LC_MESSAGES/django.po")
    polib.pofile(catalogue).save_as_mofile(catalogue.replace(".po", ".mo"))
    run(copy, "-m", "pytest", "-q", "-n", "0", *HELD_BY, "-k", " or ".join(HELD_BY.values()))
