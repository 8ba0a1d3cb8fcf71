"""manage.py activate: activates a version, with a reason, and goes back; starts and ends a shadow."""

import getpass
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from predictor.models import Activation, Shadow
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
        (["coded", "x", "--why=y"], "argument number: 'x' is neither a number nor none"),
        (["other", "1", "--why=y"], "invalid choice: 'other'"),
        (["coded", "1"], "one of the arguments --why --shadow is required"),
        (
            ["coded", "1", "--why=y", "--shadow"],
            "argument --shadow: not allowed with argument --why",
        ),
        (["coded"], "the following arguments are required: number"),
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


# A shadow


def test_a_shadow_starts_and_ends(live_models, second):
    output = run("activate", "coded", "2", shadow=True)
    assert output == "from now on coded 2 also prices what coded 1 answers\n"
    [shadow] = Shadow.objects.all()
    assert (shadow.version, shadow.against) == (second, live_models["coded"])
    assert (shadow.by, shadow.ended) == (getpass.getuser(), None)
    assert live_version("coded") == live_models["coded"]
    again = run("activate", "coded", "2", shadow=True)
    assert again == f"coded 2 has been the shadow since {shadow.began:%Y-%m-%d %H:%M}\n"
    assert run("activate", "coded", "none", shadow=True) == "the shadow of coded has ended\n"
    assert Shadow.objects.get().ended
    assert run("activate", "coded", "none", shadow=True) == "coded has no shadow\n"


@pytest.mark.parametrize(
    ("number", "options", "output"),
    [
        ("1", {"shadow": True}, "the shadow was not started: coded 1 is active"),
        ("7", {"shadow": True}, "there is no version 7 of coded; see: manage.py models"),
        ("none", {"why": "x"}, "none can only be used with --shadow"),
    ],
)
def test_a_shadow_that_cannot_be_is_refused(live_models, number, options, output):
    with pytest.raises(CommandError) as caught:
        run("activate", "coded", number, **options)
    assert str(caught.value) == output
    assert not Shadow.objects.exists()


def test_a_shadow_whose_file_is_gone_is_refused(live_models, second):
    Path(second.artifact.path).unlink()
    with pytest.raises(CommandError, match=r"the shadow was not started: .*no such file"):
        run("activate", "coded", "2", shadow=True)
    assert not Shadow.objects.exists()


def test_a_scheme_without_a_version_has_no_shadow(live_models, second):
    Activation.objects.update(live=False)
    with pytest.raises(
        CommandError, match="the shadow was not started: no version of coded is active"
    ):
        run("activate", "coded", "2", shadow=True)
