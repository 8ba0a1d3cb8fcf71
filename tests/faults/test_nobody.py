"""The service runs as a user that has only a number and no home, as containers often do."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from ml.dataset import DEFAULT_PATH
from predictor.management.commands import _plain
from predictor.models import Activation, ModelVersion
from tests.environment import FOLDER

from .asking import ask
from .conftest import run

pytestmark = pytest.mark.once

USER = 54321
AS_NOBODY = (
    # This user may read what root may, because Python may be installed there, but not write it.
    "setpriv",
    f"--reuid={USER}",
    "--regid=0",
    "--clear-groups",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--",
)
HOMES = {"HOME": "/"}
CODED = "/api/predict?carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"


@pytest.fixture
def nobodys(site):
    """A Site whose folder belongs to a user without a name, at a path that this user can reach."""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    with tempfile.TemporaryDirectory() as folder:
        FOLDER.chmod(0o711)
        Path(folder).chmod(0o755)
        var = Path(shutil.move(site.var, folder))
        site.var.symlink_to(var)
        for path in [var, *var.rglob("*")]:
            os.chown(path, USER, 0)
        yield replace(site, var=var)


@pytest.fixture
def few_stones(tmp_path):
    lines = DEFAULT_PATH.read_text().splitlines()
    path = tmp_path / "few.csv"
    path.write_text("\n".join([lines[0], *lines[1::40]]) + "\n")
    return path


def test_a_user_without_a_name_starts_the_service(nobodys):
    assert run(nobodys, "quickstart", "true", prefix=AS_NOBODY, **HOMES).startswith("admin user: ")
    server = nobodys.server(**HOMES)
    server.prefix = AS_NOBODY
    with server:
        assert ask(server, CODED).status == 200
        assert server.stop() == 0
        assert "Traceback" not in server.log_text()


def test_a_user_without_a_name_retrains_and_is_known_by_its_number(nobodys, few_stones):
    said = run(
        nobodys,
        "retrain",
        "--scheme=coded",
        "--force",
        "--year=2008",
        f"--data={few_stones}",
        prefix=AS_NOBODY,
        **HOMES,
    )
    assert "coded 3: activated" in said
    assert ModelVersion.objects.get(scheme="coded", number=3).created_by == str(USER)
    assert Activation.objects.get(scheme="coded", live=True).by == str(USER)


def test_a_user_without_a_name_activates_and_is_known_by_its_number(nobodys):
    run(nobodys, "activate", "graded", "2", "--why", "better", prefix=AS_NOBODY)
    activation = Activation.objects.get(scheme="graded", live=True)
    assert (activation.version.number, activation.by) == (2, str(USER))


@pytest.mark.parametrize(
    "error", [KeyError("getpwuid(): uid not found"), OSError("No username set")]
)
def test_every_python_says_in_its_own_way_that_a_user_has_no_name(monkeypatch, error):
    monkeypatch.setattr(_plain.getpass, "getuser", Mock(side_effect=error))
    assert _plain.caller() == str(os.getuid())
