"""The forest files of a backup, and how a file is copied: whole and on the disk, or not at all."""

import os
import shutil
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from ml.forest.artifact import sha256_of
from predictor import private_files

FOLDER = "media"


def copy_whole(source, target):
    """Copies a file, all of which is on the disk then."""
    with Path(source).open("rb") as read:
        write_whole(read, target)


def write_whole(read, target):
    private_files.make_folder(target.parent)
    with private_files.opened(target) as write:
        shutil.copyfileobj(read, write, 2**20)
        write.flush()
        os.fsync(write.fileno())


def dump(folder, forests):
    """Copies forest files ({name: sha256}) into a backup's folder; returns {name: why} of those that
    are missing or damaged, as one that a server refuses may be."""
    missing = {}
    for name, sha256 in forests.items():
        try:
            file = default_storage.open(name)
        except OSError as error:
            missing[name] = error.strerror
            continue
        copy = folder / FOLDER / name
        with file:
            write_whole(file, copy)
        if sha256_of(copy) != sha256:
            copy.unlink()
            missing[name] = "its sha256 is not the registered one"
    return missing


def restore(folder):
    """Puts a backup's forest files into the storage, each in one step; returns the paths that are new."""
    new = []
    source = folder / FOLDER
    for path in sorted(source.rglob("*.forest")):
        name = path.relative_to(source).as_posix()
        try:
            place = Path(default_storage.path(name))
        except (
            NotImplementedError
        ):  # elsewhere: its names have a hash, so what is there is the same
            _send(path, name)
            continue
        if place.exists() and sha256_of(place) == sha256_of(path):
            continue
        aside = place.with_name(f"{place.name}.restoring")
        try:
            copy_whole(path, aside)
            if not place.exists():
                new.append(place)
            aside.replace(place)
        except OSError:
            aside.unlink(missing_ok=True)
            remove(new)
            raise
    return new


def _send(path, name):
    if not default_storage.exists(name):
        with path.open("rb") as file:
            default_storage.save(name, File(file))


def remove(paths):
    """Takes new files back."""
    for path in paths:
        path.unlink(missing_ok=True)
