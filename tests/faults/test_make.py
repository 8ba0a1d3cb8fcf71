"""make run: the project works in a folder of any name. The environment is that of the test suite."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from ml.forest import artifact
from ml.stones import EXAMPLES
from tests.waiting import wait_for

from .asking import ask
from .server import Server

pytestmark = pytest.mark.once

LEFT_OUT = shutil.ignore_patterns(".*", "var", "baked", "__pycache__", "screenshots", "tests")


@pytest.fixture
def clone(request, tmp_path, small_forests):
    """The project in a folder of the given name, with forests that need no training."""
    folder = tmp_path / request.param
    shutil.copytree(settings.BASE_DIR, folder, ignore=LEFT_OUT)
    environment_like_ours(folder / ".venv")
    (folder / "baked").mkdir()
    for scheme, forest in small_forests.items():
        artifact.save(forest, folder / "baked" / f"{scheme}.forest")
    return folder


def environment_like_ours(folder):
    """A virtual environment like that of `make run`, with the packages of the test suite."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder)
    (folder / "lib").symlink_to(Path(sys.prefix) / "lib")
    (folder / "bin" / "python").symlink_to(sys.executable)
    shutil.copy(Path(sys.prefix) / "bin" / "gunicorn", folder / "bin")
    for stamp in (".installed", ".native"):
        (folder / "bin" / stamp).touch()


@pytest.mark.parametrize("clone", ["""a b#c?%20ż it's "so" $x [a]"""], indirect=True)
def test_make_run_serves_from_a_folder_of_any_name(clone, tmp_path):
    server = Server(clone / "var")
    environment = {name: server.environment[name] for name in ("PATH", "PORT")}
    environment["TMPDIR"] = str(tmp_path)
    with (tmp_path / "log").open("wb") as log:
        make = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        said = (tmp_path / "log").read_text
        wait_for(lambda: server.status_of("/health/ready") == 200, said)
        given = ask(server, "/api/predict", EXAMPLES["coded"][0])
        assert server.status_of(given.content["url"]) == 200
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.wait(40)
    assert {path.name for path in tmp_path.iterdir()} == {clone.name, "log"}
    assert (clone / "var" / "history.sqlite3").is_file()
