"""An installation without the packages for training says so in one line."""

import sys
from types import SimpleNamespace

import pytest
from django.core import management

import manage
import ml
from predictor.jobs.errors import JobFailed
from predictor.retraining import jobs

pytestmark = pytest.mark.once


@pytest.fixture
def without_pandas(monkeypatch):
    training = (
        "ml.dataset",
        "ml.training",
        "predictor.retraining.",
        "predictor.management.commands.",
    )
    for name in [name for name in sys.modules if name.startswith(training)]:
        if name.rpartition(".")[2] not in ("_plain", "_training", "packages", "jobs"):
            monkeypatch.delitem(sys.modules, name)
    for name in ("dataset", "training"):
        monkeypatch.delattr(ml, name)
    monkeypatch.setitem(sys.modules, "pandas", None)


@pytest.mark.parametrize("command", ["retrain", "bake"])
def test_a_command_that_trains_needs_them(without_pandas, monkeypatch, command):
    def load(arguments):
        management.load_command_class("predictor", command)

    monkeypatch.setattr(management, "execute_from_command_line", load)
    with pytest.raises(SystemExit) as ended:
        manage.run()
    needed = "training needs the packages of requirements.txt (pandas is not installed)"
    assert ended.value.code == f"{sys.argv[0]}: {needed}"


def test_other_missing_packages_keep_their_own_error(monkeypatch):
    def load(arguments):
        raise ModuleNotFoundError("No module named 'django_axes'", name="django_axes")

    monkeypatch.setattr(management, "execute_from_command_line", load)
    with pytest.raises(ModuleNotFoundError):
        manage.run()


def test_a_requested_retraining_fails(without_pandas, in_english):
    with pytest.raises(JobFailed) as failed:
        jobs.retrain(SimpleNamespace(), "coded", False)
    text = "The packages for training are not installed here (requirements.txt)."
    assert str(failed.value) == text
