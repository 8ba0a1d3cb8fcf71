"""manage.py backup and restore: everything of an installation is restored, or nothing is changed."""

import errno
import json
import re
import shutil
import stat
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import RequestFactory

from ml.stones import EXAMPLES
from predictor.api.health import ready
from predictor.backup import postgresql, sqlite
from predictor.backup.manifest import BackupError
from predictor.backup.services import back_up, restore
from predictor.history.deletion import deletion_allowed
from predictor.models import Activation, ModelVersion, Prediction
from predictor.versions.live import registry

from .asking import ask
from .conftest import with_pages
from .history import assert_replayed
from .load import Load
from .server import wait_for

SHELL = 'exec "$@"'


def manage(site, *arguments, by=SHELL, **environment):
    """Runs a manage.py command on a Site, as a shell does."""
    return subprocess.run(
        ["sh", "-c", by, "sh", sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**site.server().environment, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refusal_of(done):
    """The error of a command that changed nothing, which must be a single line."""
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return line.removeprefix("CommandError: ")


@pytest.fixture
def backup(site, client, tmp_path):
    """A backup of a Site with a price, a refusal and a user."""
    registry.refresh()
    assert client.get("/api/predict", EXAMPLES["coded"][0]).status_code == 200
    assert client.get("/api/predict", {"carat": 1}).status_code == 400
    get_user_model().objects.create_superuser("ada", password="Tr0ub4dor")
    back_up(tmp_path / "b a#c?k%20ż")
    connection.close()
    return tmp_path / "b a#c?k%20ż"


def content():
    """The rows of the main tables."""
    models = (Prediction, ModelVersion, Activation, get_user_model())
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.forest")}


def changed(folder, **values):
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **values}))


def test_all_comes_back_after_a_backup_under_load(site, empty_site, stones, tmp_path, collected):
    get_user_model().objects.create_superuser("ada", password="Tr0ub4dor")
    with site.server() as server, Load([server.port], stones, longest=100) as load:
        time.sleep(1)
        done = manage(site, "backup", str(tmp_path / "copy"))
        before = len(load.answers())
        time.sleep(1)
        load.stop()
        server.stop()
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("verified. The secret key is not part of it.\n")
    assert {exchange.status for exchange in load.exchanges} == {200}
    kept = content()
    back = manage(empty_site, "restore", str(tmp_path / "copy"))
    assert back.returncode == 0, back.stderr
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    with empty_site.in_this_process():
        restored = content()
        rows = restored.pop("Prediction")
        assert 0 < len(rows) == manifest["rows"]["predictor_prediction"] < len(kept["Prediction"])
        assert len(rows) <= before + 100 * 8
        in_place = {row["id"]: row for row in kept["Prediction"]}
        assert all(in_place[row["id"]] == row for row in rows)
        assert restored == {name: kept[name] for name in restored}
        assert files(empty_site.var) == files(site.var)
        registry.refresh()
        assert ready(RequestFactory().get("/health/ready")).status_code == 200
        assert get_user_model().objects.get(username="ada").check_password("Tr0ub4dor")
        for row in Prediction.objects.all()[:20]:
            assert_replayed(row)
        connection.close()
    with with_pages(empty_site, collected).server() as server:
        assert ask(server, f"/quotes/{rows[0]['id']}/").status == 200
        assert ask(server, "/api/predict", EXAMPLES["graded"][0]).status == 200


def test_a_backup_is_for_its_owner_only_whatever_the_umask(site, backup, tmp_path):
    done = manage(site, "backup", str(tmp_path / "again"), by=f"umask 0; {SHELL}")
    assert done.returncode == 0, done.stderr
    for folder in (backup, tmp_path / "again"):
        for path in (folder, *folder.rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_history_that_is_not_empty_is_replaced_by_force_only(site, backup):
    before = content()
    with deletion_allowed():
        Prediction.objects.all().delete()
    get_user_model().objects.create_user("late")
    connection.close()
    told = refusal_of(manage(site, "restore", str(backup)))
    assert told == "nothing was restored: the history is not empty; --force overwrites it"
    assert not Prediction.objects.exists()
    connection.close()
    shutil.rmtree(site.var / "media")
    forced = manage(site, "restore", "--force", str(backup))
    assert forced.returncode == 0, forced.stderr
    assert content() == before
    assert len(files(site.var)) == 4


def test_nothing_is_restored_while_a_server_runs(site, backup):
    with site.server() as server:
        told = refusal_of(manage(site, "restore", "--force", str(backup)))
        assert re.fullmatch("nothing was restored: the .*: stop the service first", told)
        assert ask(server, "/api/predict", EXAMPLES["graded"][0]).status == 200


def altered(folder):
    path = next(folder.rglob("*.forest"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    return f"{path.relative_to(folder)} was altered: its sha256 differs from the manifest's"


def missing(folder):
    path = next(folder.glob("history.*"))
    path.unlink()
    return f"{path.name} is missing"


def additional(folder):
    (folder / "media" / "notes").touch()
    return "media/notes does not belong to it"


def of_other_rows(folder):
    rows = json.loads((folder / "manifest.json").read_text())["rows"]
    changed(folder, rows={**rows, "auth_user": 7})
    return "the copy of auth_user has 1 rows, not 7"


def without_manifest(folder):
    (folder / "manifest.json").unlink()
    return f"{folder} is not a complete backup: it has no manifest.json"


def of_half_a_manifest(folder):
    (folder / "manifest.json").write_text('{"format": 1')
    return f"{folder / 'manifest.json'} is damaged or from another release"


def of(told, **values):
    """A manifest with other values."""
    return lambda folder: changed(folder, **values) or told.format(folder=folder)


DAMAGES = [
    altered,
    missing,
    additional,
    of_other_rows,
    without_manifest,
    of_half_a_manifest,
    of("{folder}/manifest.json is damaged or from another release", format=2),
    of(
        "it was made by a newer release: this one does not have predictor.0099_later",
        migrations=["predictor.0099_later"],
    ),
    of(
        f"it is a backup of oracle, but this database is {connection.vendor}",
        database="oracle",
    ),
]


def test_what_does_not_match_its_manifest_is_refused_and_nothing_is_changed(
    backup, empty_site, tmp_path
):
    for number, damage in enumerate(DAMAGES):
        folder = tmp_path / f"{number}"
        shutil.copytree(backup, folder)
        told = damage(folder)
        with empty_site.in_this_process():
            with pytest.raises(BackupError) as refused:
                restore(folder)
            assert told in str(refused.value)
            assert connection.introspection.table_names() == []
        assert files(empty_site.var) == {}


def test_an_existing_folder_is_left_unchanged(site, tmp_path):
    (tmp_path / "here").mkdir()
    told = refusal_of(manage(site, "backup", str(tmp_path / "here")))
    assert told == f"no backup was made: {tmp_path}/here already exists: choose a new folder"
    assert list((tmp_path / "here").iterdir()) == []


def test_without_a_history_there_is_no_backup(empty_site, tmp_path):
    told = refusal_of(manage(empty_site, "backup", str(tmp_path / "copy")))
    assert told.startswith("no backup was made: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]
    assert list(empty_site.var.glob("history*")) == []


@pytest.mark.parametrize("size", ["64k", "1m"])
def test_a_full_disk_ends_it_in_one_line_and_leaves_nothing(site, tmp_path, size):
    (tmp_path / "disk").mkdir()
    full = f'mount -t tmpfs -o size={size} none "$DISK" && "$@"; status=$?; ls -A "$DISK"; exit $status'
    stopped = manage(
        site,
        "backup",
        str(tmp_path / "disk" / "copy"),
        DISK=str(tmp_path / "disk"),
        by=f"exec unshare --mount sh -c '{full}' sh \"$@\"",
    )
    assert refusal_of(stopped).startswith("no backup was made: ")


def test_a_restore_that_fails_in_the_middle_takes_all_back(backup, empty_site, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sqlite, "_remove_log", full)
    monkeypatch.setattr(postgresql, "_feed", full)
    with empty_site.in_this_process():
        with pytest.raises(OSError, match="No space left"):
            restore(backup)
        assert connection.introspection.table_names() == []
        connection.close()
    assert files(empty_site.var) == {}
    assert {path.name for path in empty_site.var.iterdir()} <= {"media", "history.sqlite3"}


def kill(site, command, begun, wait):
    """Kills a manage.py command some seconds after it has begun its work, if it is still running."""
    arguments = [sys.executable, "manage.py", *map(str, command)]
    process = subprocess.Popen(
        arguments, cwd=settings.BASE_DIR, env=site.server().environment, stdout=subprocess.DEVNULL
    )
    while process.poll() is None and not begun():
        time.sleep(0.001)
    time.sleep(wait)
    process.kill()
    process.wait()


@pytest.mark.parametrize("wait", [0, 0.05])
def test_a_killed_backup_is_none_and_the_next_one_clears_it_away(site, empty_site, tmp_path, wait):
    target = tmp_path / "copy"
    kill(site, ("backup", target), target.with_name("copy.part").exists, wait)
    if not target.exists():
        with (
            empty_site.in_this_process(),
            pytest.raises(BackupError, match="is not a complete backup"),
        ):
            restore(target.with_name("copy.part"))
        again = manage(site, "backup", str(target))
        assert again.returncode == 0, again.stderr
    assert not target.with_name("copy.part").exists()
    with empty_site.in_this_process():
        restore(target)
        assert ModelVersion.objects.count() == 4
        connection.close()


@pytest.mark.parametrize("wait", [0, 0.1])
def test_a_killed_restore_is_none_or_a_whole_one(backup, empty_site, wait):
    kill(empty_site, ("restore", backup), lambda: len(files(empty_site.var)) == 4, wait)
    with empty_site.in_this_process():
        there = connection.introspection.table_names()
        assert there == [] or Prediction.objects.count() == 2
        connection.close()
        # psql takes a moment to notice that its input has ended.
        wait_for(lambda: restored(backup))
        assert Prediction.objects.count() == 2
        connection.close()


def restored(folder):
    """Whether a backup can be restored now."""
    try:
        return restore(folder, force=True)
    except BackupError as error:
        if "stop the service first" not in str(error):
            raise
        return None


def test_a_forest_that_is_damaged_or_gone_is_named_and_the_rest_is_kept(site, empty_site, tmp_path):
    gone, damaged = sorted(site.var.rglob("*.forest"))[:2]
    gone.unlink()
    damaged.write_bytes(b"?")
    done = manage(site, "backup", str(tmp_path / "copy"))
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"not in it: models/{gone.name}: No such file or directory",
        f"not in it: models/{damaged.name}: its sha256 differs from the registered one",
    ]
    back = manage(empty_site, "restore", str(tmp_path / "copy"))
    assert back.returncode == 0
    assert back.stderr.splitlines()[0].startswith(f"not in the backup: models/{gone.name}: ")
    assert len(files(empty_site.var)) == 2


@pytest.mark.postgresql
def test_missing_programs_are_reported_in_one_line(site, tmp_path):
    (tmp_path / "bin").mkdir()
    stopped = manage(site, "backup", str(tmp_path / "copy"), by=f'PATH="{tmp_path}/bin"; exec "$@"')
    assert refusal_of(stopped).startswith("no backup was made: pg_dump is not installed: ")
    assert not (tmp_path / "copy.part").exists()
