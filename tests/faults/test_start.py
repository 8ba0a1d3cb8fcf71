"""manage.py quickstart: from nothing to a served site, and a second start that repeats none of the work."""

import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from django.conf import settings as project

from ml.forest import artifact
from predictor.private_files import make_folder

pytestmark = pytest.mark.once  # the started processes have no DATABASE_URL

FOLDERS = ["a b#c?%20ż [&]*;$HOME", """it's "so\""""]


SHOW = (
    "from predictor.models import *; from django.contrib.auth.models import User;"
    "print([str(v) for v in ModelVersion.objects.order_by('scheme')],"
    " [a.why for a in Activation.objects.filter(live=True)],"
    " [u.username for u in User.objects.filter(is_superuser=True)])"
)


class Start:
    """Starts of the site in one folder; the command `true` replaces gunicorn."""

    def __init__(self, folder, starts):
        self.var = folder / "var"
        self.baked = folder / "baked"
        self.starts = starts

    def manage(self, *arguments, **environment):
        return self.starts.run("manage.py", *arguments, **self.environment(), **environment)

    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "VAR_DIR": str(self.var),
            "BAKED_DIR": str(self.baked),
        }

    def manage_from(self, cwd, *arguments, by='exec "$@"', **environment):
        """The same in a new process, from another folder or by another shell command."""
        return subprocess.run(
            ["sh", "-c", by, "sh", sys.executable, project.BASE_DIR / "manage.py", *arguments],
            cwd=cwd,
            env=self.environment() | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def files(self):
        """Every file of the folder with its modification time, without those of the database."""
        return {
            path: path.stat().st_mtime_ns
            for path in self.var.rglob("*")
            if path.is_file()
            and path.name not in ("retrain.lock", ".writable")
            and not path.name.startswith("history.sqlite3")
        }


@pytest.fixture(scope="module")
def started(tmp_path_factory, small_forests, starts):
    """A folder after its first start with baked forests: (Start, output of the start)."""
    start = Start(tmp_path_factory.mktemp("quickstart"), starts)
    start.baked.mkdir()
    for scheme, forest in small_forests.items():
        artifact.save(forest, start.baked / f"{scheme}.forest")
    first = start.manage("quickstart", "true")
    assert first.returncode == 0, first.stderr
    return start, first


def test_the_first_start_registers_the_baked_forests_without_training(started, small_forests):
    start, first = started
    for scheme, forest in small_forests.items():
        mae = forest.metadata["scores"]["mae"]
        assert f"{scheme} 1 is active: from the image, MAE {mae:.0f} USD" in first.stdout
    assert "training" not in first.stdout
    shown = start.manage("shell", "--no-imports", "-c", SHOW).stdout
    assert "['coded 1', 'graded 1']" in shown
    assert shown.count("start, from the baked forest") == 2
    assert "['admin']" in shown


def test_the_first_start_prints_the_admin_password_once(started):
    _, first = started
    [password] = re.findall(
        r"^admin user: admin   password: (\S+)   \(shown only once\)$", first.stdout, re.MULTILINE
    )
    assert len(password) >= 16


def test_the_secret_key_is_for_its_owner_only(started):
    start, first = started
    path = start.var / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) >= 50
    assert path.read_text() not in first.stdout + first.stderr


def test_a_second_start_trains_nothing_says_no_password_and_changes_no_file(started):
    start, _ = started
    before = start.files()
    second = start.manage("quickstart", "true")
    assert second.returncode == 0, second.stderr
    assert second.stdout == second.stderr == ""
    assert start.files() == before
    shown = start.manage("shell", "--no-imports", "-c", SHOW).stdout
    assert "['coded 1', 'graded 1']" in shown


@pytest.mark.parametrize("name", FOLDERS)
def test_all_that_is_written_lies_in_var_dir_whatever_its_name(started, tmp_path, name):
    start = Start(tmp_path / name, started[0].starts)
    shutil.copytree(started[0].baked, start.baked)
    make_folder(start.var)
    shutil.copytree(started[0].var / "static", start.var / "static")  # collecting them takes long
    first = start.manage("quickstart", "true", TMPDIR=str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {path.name for path in (tmp_path / name).iterdir()} == {"baked", "var"}
    with closing(sqlite3.connect(start.var / "history.sqlite3")) as history:
        files = history.execute("SELECT artifact FROM predictor_modelversion").fetchall()
    assert len(files) == 2
    assert all((start.var / "media" / file).is_file() for (file,) in files)
    assert (start.var / "secret_key").is_file()


PATHS = (
    "from diamondsite.settings import *; print(VAR_DIR, BAKED_DIR, DATABASES['default']['NAME'])"
)


@pytest.mark.parametrize(
    ("url", "file"), [("", "v#r/history.sqlite3"), ("sqlite:///h%23%3F?timeout=9", "data/h#?")]
)
def test_relative_paths_are_meant_from_where_the_start_was_called(started, tmp_path, url, file):
    start, here = Start(tmp_path, started[0].starts), tmp_path / "data"
    shutil.copytree(started[0].baked, here / "b d")
    make_folder(tmp_path / "v#r")
    shutil.copytree(started[0].var / "static", tmp_path / "v#r" / "static")
    relative = {"VAR_DIR": "../v#r", "BAKED_DIR": "b d", "DATABASE_URL": url}
    command = ("quickstart", "--", sys.executable, "-c", PATHS)
    served = start.manage_from(here, *command, TMPDIR=str(here), **relative)
    shown = f"{tmp_path / 'v#r'} {here / 'b d'} {tmp_path / file}"
    assert served.stdout.splitlines()[-1] == shown, served.stderr
    assert (tmp_path / file).is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"data", "v#r"}


def test_static_files_are_there_to_be_served(started):
    start, _ = started
    assert (start.var / "static" / "staticfiles.json").exists()


def test_a_taken_port_is_reported_in_one_line_with_who_has_it_and_what_to_do(started):
    start, _ = started
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stopped = start.manage("quickstart", PORT=str(port))
    assert stopped.returncode != 0
    assert stopped.stdout == ""
    [line] = stopped.stderr.strip().splitlines()
    said = re.fullmatch(
        rf"CommandError: port {port} on 127\.0\.0\.1 is taken by process (\d+) \((.+)\): "
        r"stop it, or choose another: make run PORT=\d+",
        line,
    )
    assert int(said[1]) == os.getpid()
    assert "pytest" in said[2] or "python" in said[2]


def test_a_damaged_baked_forest_is_reported_in_one_line(tmp_path, starts):
    start = Start(tmp_path, starts)
    start.baked.mkdir()
    (start.baked / "coded.forest").write_bytes(b"half a forest")
    stopped = start.manage("quickstart", "true")
    assert stopped.returncode != 0
    [line] = stopped.stderr.strip().splitlines()
    assert line.startswith("CommandError: cannot prepare: ")
    assert "coded.forest: cut short, or no forest file" in line


def test_the_command_runs_in_the_place_of_the_process_and_gives_its_status(started):
    start, _ = started
    assert start.manage("quickstart", "false").returncode == 1


@pytest.mark.parametrize(
    ("streams", "unbuffered"), [(">&-", ""), (">/dev/full", "1"), ("<&- >&- 2>&-", "")]
)
def test_a_start_that_cannot_be_printed_is_a_start(started, tmp_path, streams, unbuffered):
    start = Start(tmp_path, started[0].starts)
    shutil.copytree(started[0].baked, start.baked)
    make_folder(start.var)
    shutil.copytree(started[0].var / "static", start.var / "static")
    command = f'exec "$@" {streams}'
    quiet = start.manage_from(
        project.BASE_DIR, "quickstart", "true", by=command, PYTHONUNBUFFERED=unbuffered
    )
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert (start.var / "history.sqlite3").is_file()


@pytest.mark.parametrize("command", [["models"], ["model_card", "coded"], ["showmigrations"]])
def test_what_a_command_cannot_write_is_reported_in_one_line(started, command):
    stopped = started[0].manage_from(project.BASE_DIR, *command, by='exec "$@" >/dev/full')
    assert stopped.returncode == 1
    [line] = stopped.stderr.splitlines()
    assert "No space left on device" in line
