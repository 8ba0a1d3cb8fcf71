"""The conventions of the repository: one version, a changelog, linters, hosted CI."""

import re
import tomllib
from pathlib import Path

import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
KINDS = ["Added", "Changed", "Fixed", "Removed"]


def read_yaml(name):
    return yaml.safe_load((ROOT / name).read_text())


def releases():
    """[(title, text), …] of the changelog, newest first."""
    parts = re.split(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]
    return [(title, text.strip()) for title, text in zip(parts[::2], parts[1::2], strict=True)]


def test_the_version_is_read_from_pyproject():
    assert settings.SPECTACULAR_SETTINGS["VERSION"] == VERSION
    assert f'"{VERSION}"' not in (ROOT / "diamondsite" / "settings.py").read_text()


def test_the_manifests_and_the_changelog_name_the_version():
    [image] = read_yaml("deploy/kubernetes/kustomization.yaml")["images"]
    assert image["newTag"] == VERSION
    (unreleased, _), (newest, _), *_ = releases()
    assert unreleased == "Unreleased"
    assert re.fullmatch(rf"{re.escape(VERSION)} - \d{{4}}-\d\d-\d\d", newest)


def test_the_changelog_has_one_short_line_for_each_change_by_kind():
    for title, text in releases():
        kinds = re.findall(r"^### (.+)$", text, flags=re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds], title
        assert bool(text) == bool(kinds), title
        for line in filter(None, text.splitlines()):
            assert re.fullmatch(r"- .{,108}|### \w+", line), line


def test_pre_commit_runs_what_make_lint_runs():
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^lint: .*\n((?:\t.+\n)+)", makefile, re.MULTILINE)[1]
    linted = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    linted = [line.replace("$(MAKE) --no-print-directory", "make") for line in linted]
    [repository] = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"  # nothing is downloaded
    hooks = repository["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert len(hooks) == len(linted)
    for hook, line in zip(hooks, linted, strict=True):
        if hook.get("pass_filenames", True):
            assert line.startswith(f"{hook['entry']} "), hook["id"]
            assert any(map(re.compile(hook["files"]).search, files())), hook["id"]
        else:
            assert line == hook["entry"]


def files():
    folders = ("templates", ".github")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path.relative_to(ROOT).as_posix() for path in paths]


def test_the_hosted_ci_runs_what_any_machine_runs():
    job = read_yaml(".github/workflows/ci.yml")["jobs"]["run"]
    [step] = [step for step in job["steps"] if ".ci/run" in step.get("run", "")]
    assert step["run"] == ".ci/run"
    [name] = step["env"]
    assert f"${{{name}:-postgres://" in (ROOT / ".ci" / "run").read_text()
    assert "postgres" in job["services"]
