"""The documentation is correct: links lead somewhere, commands exist, figures are those of the code."""

import json
import re
import tomllib

import pytest
from django.conf import settings
from django.core.management import get_commands

from ml import dataset, training
from ml.stones import CODES, GRADES, MEASURES, SCHEMES
from predictor.pricing.answers import FIELDS
from predictor.pricing.warnings import RULE_OF, RULES

ROOT = settings.BASE_DIR
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
README, API, ARCHITECTURE = ROOT / "README.md", ROOT / "docs/api.md", ROOT / "docs/architecture.md"
MOST_LINES = 110


def anchors(page):
    """The anchors of a page's headings, as GitHub generates them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


def test_the_readme_is_a_front_door():
    assert len(README.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize(
    "page", [README, *(ROOT / "docs").glob("*.md")], ids=lambda page: page.name
)
def test_every_command_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = re.findall(r"`[^`]+`|^```sh\n.+?^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for text in code:
        assert set(re.findall(r"(?<![\w.])make ([a-z-]+)", text)) <= targets, text
        assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands()), text


@pytest.mark.parametrize(("page", "scheme"), [(README, "graded"), (API, "coded")])
def test_the_answer_that_is_shown_has_all_that_an_answer_has(client, live_models, page, scheme):
    shown = json.loads(re.search(r'^\{"features": .+?\}$', page.read_text(), re.M | re.S)[0])
    answer = client.get("/api/predict", shown["features"]).json()
    assert [*shown] == [*answer]
    assert shown["features"] == answer["features"]
    assert shown["model"]["scheme"] == scheme
    assert {code for one in shown["warnings"] if (code := one["code"])} <= {*RULE_OF}


def layers(container):
    """The packages of `container`, as import-linter's contract lists them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    [found] = [one for one in contracts if one.get("containers") == [container]]
    return [room for layer in found["layers"] for room in layer.split(" | ")]


def test_the_diagram_has_all_packages():
    diagram = re.search(r"```mermaid\n(.+?)```", ARCHITECTURE.read_text(), re.DOTALL)[1]
    bold = {name for names in re.findall(r"<b>(.+?)</b>", diagram) for name in names.split(", ")}
    assert bold == {"diamondsite", *layers("predictor"), *layers("ml")}


def test_the_paths_of_the_architecture_exist():
    for path in re.findall(r"`([\w./]+/[\w./]*)`", ARCHITECTURE.read_text()):
        assert (ROOT / path).exists() or (ROOT / "predictor" / path).exists(), path


def rows(page, first):
    """The cells of the table rows of a page that begin with a word."""
    found = re.findall(rf"^\| {first} \| (.+) \|$", page.read_text(), re.MULTILINE)
    return [row.split(" | ") for row in found]


def test_the_api_page_has_the_vocabulary():
    [names] = rows(API, "parameters")
    assert names == [", ".join(SCHEMES[scheme]) for scheme in ("graded", "coded")]
    assert rows(API, "cut")[0][0] == ", ".join(GRADES["cut"])
    assert rows(API, "clarity")[0][0] == ", ".join(GRADES["clarity"])
    for name in ("color", "clarity"):
        told = re.findall(r"(\d) = ([A-Z0-9 ]+)", rows(API, name)[0][1])
        told = {int(code): set(grades.split()) for code, grades in told}
        assert told == {code: set(grades) for code, grades in CODES[name].items()}


def test_the_api_page_has_the_fields_of_the_answer():
    table = re.search(r"^\| field \|.+?\n\n", API.read_text(), re.M | re.S)[0]
    first = " ".join(row.split(" | ")[0] for row in table.splitlines())
    assert {*re.findall(r"`(\w+)`", first)} == {field.name for field in FIELDS}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_api_page_has_the_warnings(rule):
    figures = ", ".join(f"`{name}`" for name in rule.figures)
    assert rows(API, f"`{rule.code}`") == [[rule.when, figures]]


@pytest.mark.parametrize("name", MEASURES)
def test_the_api_page_has_the_bounds(name):
    measure = MEASURES[name]
    [bounds] = rows(API, "x, y, z" if name in "xyz" else name)
    assert bounds == [measure.unit, f"{measure.low:g}", f"{measure.high:g}"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_readme_counts_the_held_out_stones(raw, scheme):
    stones = dataset.clean(raw, scheme).stones
    _, held_out = dataset.split(stones, scheme)
    assert rows(README, f"`{scheme}`")[0][3] == f"{len(held_out):,} of {len(stones):,}"


def test_the_readme_has_the_scores_of_the_coded_forest(full_coded):
    scores = training.score(*full_coded)
    told = [f"{scores['r2']:.3f}", f"{scores['rmse']:.0f} USD", f"{scores['mae']:.0f} USD"]
    assert rows(README, "`coded`")[0][:3] == told
