"""The benchmarks start with the commands of the Makefile; running them takes too long for a test."""

import ast
import re
import subprocess
import sys
from unittest.mock import patch

import pytest
from django.conf import settings

from bench import answer_worker, opponents
from bench.usual import WAYS, usual
from ml.stones import EXAMPLES
from predictor.models import Prediction

SCRIPTS = re.findall(r"python.* (bench/\w+\.py)", (settings.BASE_DIR / "Makefile").read_text())


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_imports_nothing_from_a_package_it_is_not_in(script):
    tree = ast.parse((settings.BASE_DIR / script).read_text())
    assert not [node for node in ast.walk(tree) if getattr(node, "level", 0)]


def test_the_load_test_shows_how_it_is_called():
    told = subprocess.run(
        [sys.executable, "bench/api.py", "--help"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "--quick" in told.stdout


@pytest.mark.parametrize("way", WAYS)
def test_a_request_is_answered_and_recorded_in_each_usual_way(client, live_models, way):
    with usual(way):
        answer = client.get("/api/predict", EXAMPLES["graded"][0])
    assert answer.status_code == 200
    assert answer.json()["id"] == str(Prediction.objects.get().pk)


def test_what_the_benches_replace_is_there():
    for place in answer_worker.PARTS.values():
        with patch(place):
            pass
    with opponents._boostings() as kept:
        assert kept == []
