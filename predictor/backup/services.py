"""Backup and restore of the installation; the commands of the same names call them.

A backup is made in a temporary folder and moved to its place when it is complete and verified. A
restore first copies complete forest files into the storage, which changes no answer, and the
history last.
"""

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection

from predictor import private_files
from predictor.history.disk import settle
from predictor.models import ModelVersion, Prediction

from . import files, manifest, postgresql, sqlite
from .manifest import BackupError


def back_up(target):
    """Makes the backup `target`, a new folder; returns its manifest. On BackupError or OSError none
    is made."""
    target = Path(target).absolute()
    if target.exists():
        raise BackupError(f"{target} already exists: choose a new folder")
    with _aside(target) as folder:
        facts = _database().dump(folder)
        missing = files.dump(folder, facts.forests)
        content = manifest.write(folder, facts, missing)
        _sync(folder)
        folder.rename(target)
        _sync(target.parent)
    return content


def restore(source, force=False):
    """Restores a backup; returns its manifest. On BackupError or OSError nothing has changed.

    force: replaces a history that is not empty.
    """
    source = Path(source).absolute()
    content = manifest.read(source)
    if not force:
        _refuse_history()
    new = files.restore(source)
    try:
        _database().restore(source, content, force)
    except BaseException:
        files.remove(new)
        raise
    return content


def _database():
    return {"sqlite": sqlite, "postgresql": postgresql}[connection.vendor]


@contextmanager
def _aside(target):
    """A temporary folder beside the target, removed unless it is moved. One that a killed backup
    left is removed first."""
    folder = target.with_name(f"{target.name}.part")
    private_files.make_folder(folder)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"another backup is being made in {folder}") from None
        _empty(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _empty(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _sync(folder):
    """Syncs a folder's entries, and the manifest, to disk."""
    for path in (folder / manifest.NAME, folder):
        if path.exists():
            settle(path)


def _refuse_history():
    """Raises BackupError if the database contains anything that a restore would remove."""
    there = set(connection.introspection.table_names())
    for model in (Prediction, ModelVersion, get_user_model()):
        if model._meta.db_table in there and model.objects.exists():
            raise BackupError("the history is not empty; --force overwrites it")
