"""The Polish catalogue is complete, compiled and up to date with the sources."""

import ast
import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils.translation.template import templatize

from ml import dataset
from ml.stones import SCHEMES

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "pl" / "LC_MESSAGES" / "django.po"
PACKAGES = ("ml", "predictor", "diamondsite")
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop"} | {"DatasetError", "ExtraColumns", "Note"}
IN_TEMPLATES = re.compile(r"""(?:_|gettext)\(\s*(u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))\s*\)""")
PLACEHOLDER = re.compile(r"\{\w+[^}]*\}|%\(\w+\)s")


@pytest.fixture(scope="module")
def catalogue():
    return polib.pofile(str(CATALOGUE), encoding="utf-8")


def messages_of_code():
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id == "pgettext_lazy":
                yield node.args[1].value
            if node.func.id in CALLS and node.args and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def messages_of_templates():
    for path in (ROOT / "templates").rglob("*.html"):
        for literal in IN_TEMPLATES.findall(templatize(path.read_text("utf-8"))):
            yield ast.literal_eval(literal)


def test_the_catalogue_holds_just_the_messages_of_the_sources(catalogue):
    assert {entry.msgid for entry in catalogue} == {*messages_of_code(), *messages_of_templates()}


def test_every_message_is_translated_and_none_is_fuzzy_or_obsolete(catalogue):
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


def test_the_compiled_catalogue_is_that_of_the_source(catalogue):
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")), encoding="utf-8")
    found, sources = (
        {(entry.msgctxt, entry.msgid): entry.msgstr for entry in entries}
        for entries in (compiled, catalogue)
    )
    assert found == sources


def test_a_translation_keeps_the_placeholders_of_its_message(catalogue):
    for entry in catalogue:
        ours, theirs = PLACEHOLDER.findall(entry.msgid), PLACEHOLDER.findall(entry.msgstr)
        assert sorted(ours) == sorted(theirs), entry.msgid


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_cause_of_a_dropped_row_is_translated(scheme, sample, catalogue):
    causes = dataset.clean(sample, scheme).dropped
    assert causes.keys() <= {entry.msgid for entry in catalogue}
