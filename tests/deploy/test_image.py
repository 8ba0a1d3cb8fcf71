"""What the image has. Building it needs a Docker engine, so it is not tested here."""

import re

import pytest
from django.conf import settings

from predictor.retraining.packages import PACKAGES

DOCKERFILE = (settings.BASE_DIR / "Dockerfile").read_text()
CHOICES = ["requirements-serving.txt", "requirements.txt", "requirements-cluster.txt"]
"""The packages that the image can be built with, fewest first."""

pytestmark = pytest.mark.once


def pins(file):
    """{name==version, …} of a file of requirements."""
    return set(re.findall(r"^([a-z]\S*==\S+) ", (settings.BASE_DIR / file).read_text(), re.M))


def test_by_default_it_has_the_fewest_packages():
    assert re.findall(r"^ARG REQUIREMENTS=(\S+)$", DOCKERFILE, re.M) == CHOICES[:1]


def test_each_choice_has_more_packages_of_the_same_versions():
    serving, training, cluster = map(pins, CHOICES)
    assert serving < training < cluster
    assert not {re.split("[=]", pin)[0] for pin in serving} & {
        "scikit-learn" if name == "sklearn" else name for name in PACKAGES
    }


def test_the_build_gets_each_choice_and_no_other_requirements():
    lines = (settings.BASE_DIR / ".dockerignore").read_text().splitlines()
    assert "requirements-*.txt" in lines
    assert "requirements.txt" not in lines
    sent = {line[1:] for line in lines if line.startswith("!")}
    assert sent == {CHOICES[0], CHOICES[2], "requirements-tracing.txt"}


def test_the_forests_are_trained_with_all_packages():
    install, bake = "/opt/training/bin/python install", "/opt/training/bin/python manage.py bake"
    assert f"{install} --require-hashes -r /tmp/requirements.txt" in DOCKERFILE
    assert bake in DOCKERFILE
    assert "COPY --from=build /opt/venv /opt/venv" in DOCKERFILE
