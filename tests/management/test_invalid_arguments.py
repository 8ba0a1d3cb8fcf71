"""Every command with invalid arguments: one line on stderr, status 1 or 2, and nothing is changed.

The arguments are read from the commands, so a new one is tested without being listed here.
"""

import errno
import os
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.db import connection, connections

from ml import dataset
from ml.forest import artifact
from predictor.management import commands

pytestmark = [pytest.mark.once, pytest.mark.django_db]

NAMES = sorted(p.stem for p in Path(commands.__path__[0]).glob("[a-z]*.py"))
INVALID = {
    "empty": "",
    "blank": " ",
    "a new line": "\n",
    "NUL": "a\0b",
    "huge": "9" * 100_000,
    "a large number": "99999999999999999999",
    "negative": "-1",
    "no number": "x",
    "not UTF-8": "ż\udcff",
    "a folder": "{folder}",
    "a pipe": "{pipe}",
    "a device": "/dev/zero",
    "not there": "/proc/nonexistent/file",
    "a file below a file": "/dev/null/x",
}
VALID = {
    "scheme": "coded",
    "number": "1",
    "why": "for the tests",
    "action": "verify",
    "input": "{stones}",
    "output": "/dev/null/x",
}
"""Valid values for the other arguments that a command requires; {stones}: path of the training table."""

TEXT = {("activate", "why")}
"""Options with free text: only UNKEPT is invalid. (The version is already active, so nothing changes.)"""

VALID_FOR = {
    ("score", "output"): {"a large number", "negative", "no number"},
    ("retrain", "public"): {"no number"},
}
"""Values that are invalid for other arguments, but are names of files, or of a column."""

UNKEPT = {"empty", "blank", "a new line", "NUL", "not UTF-8"}

COMMON = {action.dest for action in BaseCommand().create_parser("manage.py", "x")._actions}


def parser_of(name):
    return load_command_class("predictor", name).create_parser("manage.py", name)


def taken_arguments():
    """(command, action) of each argument that takes a value."""
    for name in NAMES:
        for action in parser_of(name)._actions:
            if action.dest not in COMMON and action.nargs != 0:
                yield name, action


ARGUMENTS = {f"{name} {action.dest}": (name, action.dest) for name, action in taken_arguments()}


def command_line(name, dest, value):
    """The command line of a command, with an invalid value for one argument."""
    named, placed = [], []
    for action in parser_of(name)._actions:
        given = value if action.dest == dest else VALID.get(action.dest)
        if action.dest in COMMON or given is None or not (action.required or action.dest == dest):
            continue
        if action.dest != dest:
            given = given.format(stones=dataset.DEFAULT_PATH)
        if action.option_strings:
            named.append(f"{action.option_strings[-1]}={given}")
        else:
            placed.append(given)
    return [*named, "--", *placed] if placed else named


def database():
    """All rows of the project's own tables."""
    rows = {}
    with connection.cursor() as cursor:
        for model in apps.get_app_config("predictor").get_models():
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608
            rows[model] = cursor.fetchall()
    return rows


@pytest.fixture(scope="module")
def stones(few, tmp_path_factory):
    """A training table of 1,100 stones: commands that read all of it before they refuse are fast."""
    path = tmp_path_factory.mktemp("stones") / "few.csv"
    few.to_csv(path, index=False)
    return path


@pytest.fixture
def run_command(capfd, live_models, monkeypatch, stones):
    """Runs a command as manage.py does: (status, stderr)."""
    monkeypatch.setattr(dataset, "DEFAULT_PATH", stones)
    monkeypatch.setattr(os, "execvp", lambda *args: pytest.fail(f"ran {args}"))
    # A command closes its connections at the end; this test's transaction needs its connection.
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def run(name, *arguments):
        status = 0
        try:
            load_command_class("predictor", name).run_from_argv(["manage.py", name, *arguments])
        except SystemExit as stop:
            status = stop.code
        return status, capfd.readouterr().err

    return run


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_invalid_argument_is_reported_in_one_line_and_changes_nothing(
    run_command, tmp_path, argument
):
    name, dest = ARGUMENTS[argument]
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)
    (tmp_path / "folder" / "a file").touch(0o600)
    before = database()
    for kind, value in INVALID.items():
        if kind in VALID_FOR.get((name, dest), ()):
            continue
        value = value.format(pipe=tmp_path / "pipe", folder=tmp_path / "folder")
        status, output = run_command(name, *command_line(name, dest, value))
        if (name, dest) in TEXT and kind not in UNKEPT:
            assert (status, output) == (0, ""), kind
        else:
            assert status in (1, 2), (kind, output)
            assert output.count("\n") == 1, (kind, output)
            assert output.endswith("\n"), (kind, output)
            assert "Traceback" not in output, kind
        assert database() == before, kind


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_reported_in_one_line(run_command, name):
    status, output = run_command(name, "--unknown")
    assert (status, output) == (2, f"manage.py {name}: error: {output.partition('error: ')[2]}")
    assert output.count("\n") == 1


class TestFullDisk:
    """A full disk is reported in one line by every command that writes."""

    @pytest.fixture
    def full(self, monkeypatch):
        def fail(forest, path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

        monkeypatch.setattr(artifact, "save", fail)

    def test_bake(self, run_command, full, settings, tmp_path, monkeypatch, small_forests):
        settings.BAKED_DIR = tmp_path / "baked"
        monkeypatch.setattr("ml.training.train", lambda raw, scheme, *_: small_forests[scheme])
        path = tmp_path / "baked" / "coded.forest"
        assert run_command("bake") == (1, f"CommandError: {path}: No space left on device\n")

    def test_quickstart(self, run_command, settings, tmp_path, monkeypatch):
        settings.STATIC_ROOT = tmp_path / "static"
        monkeypatch.setattr(
            "predictor.management.commands.quickstart.call_command",
            Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "static/site.css")),
        )
        status, output = run_command("quickstart", "true")
        assert status == 1
        assert output.startswith("CommandError: cannot prepare: ")
        assert "No space left on device" in output
        assert output.count("\n") == 1
