"""manage.py activate: activates a version, with a reason, and goes back."""

import getpass
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from predictor.models import Activation
from predictor.versions.activation import live_version

pytestmark = pytest.mark.django_db


def run(*arguments, **options):
    """The output of a command."""
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_a_version_goes_live_in_the_place_of_the_present_one(live_models, second):
    output = run("activate", "coded", "2", why="scores better on large stones")
    assert output == "coded 2 is active now; before: coded 1\n"
    assert live_version("coded") == second
    activation = Activation.objects.get(scheme="coded", live=True)
    assert activation.replaced == live_models["coded"]
    assert activation.why == "scores better on large stones"
    assert activation.by == getpass.getuser()


def test_the_live_version_stays_as_it_is(live_models):
    output = run("activate", "coded", "1", why="to be sure")
    assert output == "coded 1 is already active; nothing changed\n"
    assert Activation.objects.filter(scheme="coded").count() == 1


@pytest.mark.parametrize("number", ["7", "0", "-1", "99999999999999999999"])
def test_an_unknown_number_is_refused(live_models, number):
    with pytest.raises(CommandError) as caught:
        run("activate", "coded", "--why=x", "--", number)
    assert str(caught.value) == f"there is no version {number} of coded; see: manage.py models"
    assert Activation.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["coded", "x", "--why=y"], "invalid int value: 'x'"),
        (["other", "1", "--why=y"], "invalid choice: 'other'"),
        (["coded", "1"], "the following arguments are required: --why"),
        (["coded"], "the following arguments are required: number, --why"),
    ],
)
def test_wrong_arguments_are_refused(live_models, arguments, output):
    with pytest.raises(CommandError, match=output.replace("(", "\\(")):
        call_command("activate", *arguments)
    assert Activation.objects.count() == 2


@pytest.mark.parametrize(
    ("why", "output"),
    [
        ("", "--why is empty; it is shown in the history"),
        (" \n\t", "--why is empty; it is shown in the history"),
        ("a\0b", "--why contains a NUL character: 'a\\x00b'"),
        ("a\udcff", "--why is not UTF-8: 'a\\udcff'"),
    ],
)
def test_a_why_that_says_nothing_or_cannot_be_kept_is_refused(live_models, second, why, output):
    with pytest.raises(CommandError) as caught:
        run("activate", "coded", "2", why=why)
    assert str(caught.value) == output
    assert live_version("coded") == live_models["coded"]


def test_a_version_whose_file_is_gone_stays_as_it_is(live_models, second):
    Path(second.artifact.path).unlink()
    with pytest.raises(CommandError, match=r"coded 2 was not activated: .*no such file"):
        run("activate", "coded", "2", why="newer")
    assert live_version("coded") == live_models["coded"]
