"""Files that the service writes are private to its user under any umask; wider permissions are reported."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings

from predictor import checks, private_files
from predictor.history.sqlite import PrivateConnection

pytestmark = pytest.mark.once


@pytest.fixture(params=[0, 0o022, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def var(tmp_path):
    with override_settings(VAR_DIR=tmp_path / "deep" / "var"):
        yield tmp_path / "deep" / "var"


def modes(folder):
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in [folder, *folder.rglob("*")]
    }


def write_all_kinds(var):
    private_files.make_folder(var / "tmp")
    with private_files.opened(var / "retrain.lock") as file:
        file.write(b"x")
    private_files.PrivateStorage(var / "media").save("models/one.forest", ContentFile(b"x"))
    with private_files.private_umask():
        (var / "static").mkdir()
        (var / "static" / "site.css").write_text("")


WRITTEN = {
    "folders": {".", "tmp", "media", "media/models", "static"},
    "files": {"retrain.lock", "media/models/one.forest", "static/site.css"},
}


@pytest.mark.parametrize(
    ("shared", "of_folders", "of_files"), [(0, 0o700, 0o600), (1, 0o2770, 0o660)]
)
def test_what_is_written_is_private_or_of_the_group_that_shares_it(
    var, umask, shared, of_folders, of_files
):
    if shared:
        var.mkdir(parents=True)
        var.chmod(0o2770)
    write_all_kinds(var)
    expected = dict.fromkeys(WRITTEN["folders"], of_folders)
    assert modes(var) == expected | dict.fromkeys(WRITTEN["files"], of_files)


def test_a_file_that_is_there_keeps_its_permissions(var):
    private_files.make_folder(var)
    (var / "retrain.lock").touch()
    (var / "retrain.lock").chmod(0o640)
    private_files.opened(var / "retrain.lock").close()
    private_files.create(var / "retrain.lock")
    assert modes(var)["retrain.lock"] == 0o640


def test_outside_var_dir_nothing_is_shared(var, tmp_path):
    var.mkdir(parents=True)
    var.chmod(0o2770)
    private_files.create(private_files.make_folder(tmp_path / "backup") / "history.dump")
    assert modes(tmp_path / "backup") == {".": 0o700, "history.dump": 0o600}


def test_the_history_and_the_files_beside_it_are_private(var, umask):
    path = private_files.make_folder(var) / "history.sqlite3"
    connection = sqlite3.connect(str(path), factory=PrivateConnection)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE one (id)")
    assert modes(var) == {".": 0o700} | {
        f"history.sqlite3{end}": 0o600 for end in ("", "-wal", "-shm")
    }
    connection.close()


@pytest.mark.parametrize("path", [".", "media", "secret_key", "history.sqlite3-wal"])
def test_what_others_may_read_is_reported(var, path):
    private_files.make_folder(var / "media")
    for name in ("secret_key", "history.sqlite3-wal"):
        private_files.create(var / name)
    assert checks.files_are_private(None) == []
    (var / path).chmod(stat.S_IMODE((var / path).stat().st_mode) | 0o004)
    [warning] = checks.files_are_private(None)
    assert (warning.id, warning.msg) == ("predictor.W003", f"other users may read {var / path}")
    assert "chmod -R go=" in warning.hint


def test_a_group_may_read_what_is_shared_with_it_only(var):
    write_all_kinds(var)
    for path in [var, *var.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o070)
    assert [one.id for one in checks.files_are_private(None)] == ["predictor.W003"]
    var.chmod(0o2770)
    assert checks.files_are_private(None) == []


def test_a_history_outside_var_dir_is_looked_at(var, settings, tmp_path, monkeypatch):
    private_files.make_folder(var)
    elsewhere = tmp_path / "history.db"
    elsewhere.touch(mode=0o600)
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(elsewhere))
    assert checks.files_are_private(None) == []
    elsewhere.chmod(0o644)
    assert checks.files_are_private(None)[0].msg == f"other users may read {elsewhere}"


ROOT = Path(__file__).resolve().parent.parent


def test_migrating_under_a_wide_umask_makes_private_files(tmp_path):
    var = tmp_path / "var"
    own = {"VAR_DIR": str(var), "DATABASE_URL": "", "SECRET_KEY": "x" * 50}
    for command in ("check", "migrate"):
        done = subprocess.run(
            [sys.executable, "manage.py", command, "--verbosity", "0"],
            cwd=ROOT,
            env=os.environ | own,
            umask=0,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    found = modes(var)
    assert found.pop(".") == 0o700
    assert "history.sqlite3" in found
    assert set(found.values()) == {0o600}
