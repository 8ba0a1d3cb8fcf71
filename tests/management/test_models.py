"""manage.py models: the list of versions."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from predictor.management.commands._plain import in_one_line
from predictor.models import ModelVersion

pytestmark = pytest.mark.django_db


def run():
    """The output of the command."""
    out = StringIO()
    call_command("models", stdout=out)
    return out.getvalue()


def test_without_a_version_it_says_how_to_make_one():
    assert run() == "no version is registered; train one with manage.py retrain\n"


def test_every_version_has_a_line_with_its_state_scores_and_hash(live_models, second):
    ModelVersion.objects.filter(pk=second.pk).update(failure="its file is gone")
    lines = run().splitlines()
    found = {}
    for version in ModelVersion.objects.all():
        [line] = [line for line in lines if f" {version} " in line]
        found[str(version)] = line
        assert version.sha256[:12] in line
        assert f"{version.scores['mae']:.1f}" in line
        assert f"{version.scores['r2']:.4f}" in line
        assert f"{version.created:%Y-%m-%d %H:%M}" in line
    assert " live " in found["coded 1"]
    assert " live " in found["graded 1"]
    assert " failed " in found["coded 2"]
    assert " live " not in found["coded 2"]


@pytest.mark.once
def test_a_database_that_cannot_be_opened_is_named():
    error = OperationalError("unable to open database file")
    path = connection.settings_dict["NAME"]
    assert in_one_line(error) == f"the database is unusable: unable to open database file {path}"
