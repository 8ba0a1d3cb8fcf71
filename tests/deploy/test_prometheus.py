"""The alert rules and the Grafana dashboard are valid and use only metrics that exist."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from django.conf import settings

from predictor.telemetry import metrics

FOLDER = settings.BASE_DIR / "deploy" / "prometheus"
PROMTOOL = shutil.which("promtool")
FIGURE = re.compile(r"\bdiamonds_\w+")

needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="needs promtool: apt install prometheus")


def told(*arguments):
    """What promtool reports about the rules."""
    done = subprocess.run(
        [PROMTOOL, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_accepts_the_rules_their_tests_and_the_configuration():
    assert "SUCCESS: 11 rules found" in told("check", "rules", "rules.yaml")
    assert "SUCCESS" in told("test", "rules", "rules.test.yaml")
    assert "SUCCESS" in told("check", "config", "--syntax-only", "scrape.yaml")


@pytest.fixture(scope="module")
def figures():
    """The names of the metrics on /metrics, with the suffixes of their types."""
    names = {"diamonds_alarm", "diamonds_jobs", "diamonds_jobs_oldest_waiting_seconds"}
    names |= {"diamonds_job_workers"}
    for family in metrics.REGISTRY.collect():
        suffixes = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_sum", "_count"],
            "gauge": [""],
        }
        names |= {family.name + suffix for suffix in suffixes[family.type]}
    return names


def test_every_figure_of_the_rules_exists(figures):
    groups = yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"]
    used = {
        name for group in groups for rule in group["rules"] for name in FIGURE.findall(rule["expr"])
    }
    assert used <= figures
    assert len(used) >= 6


def dashboard():
    return json.loads((settings.BASE_DIR / "deploy" / "grafana" / "diamonds.json").read_text())


def test_every_figure_of_the_dashboard_exists(figures):
    used = {
        name
        for panel in dashboard()["panels"]
        for target in panel["targets"]
        for name in FIGURE.findall(target["expr"])
    }
    assert used <= figures
    assert figures - used <= {"diamonds_refused_version", "diamonds_request_seconds_bucket"}


@needs_promtool
@pytest.mark.parametrize("panel", dashboard()["panels"], ids=lambda panel: panel["title"])
def test_a_panels_questions_are_promql(panel, tmp_path):
    expressions = [t["expr"].replace("$__rate_interval", "5m") for t in panel["targets"]]
    rules = [{"record": f"q{n}", "expr": expression} for n, expression in enumerate(expressions)]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panel", "rules": rules}]}))
    told("check", "rules", str(path))
