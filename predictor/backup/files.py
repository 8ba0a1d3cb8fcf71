"""The forest files of a backup. A file is copied completely and synced to disk, or not at all."""

import os
import shutil
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from ml.forest.artifact import sha256_of
from predictor import private_files

FOLDER = "media"


def copy_whole(source, target):
    """Copies a file and syncs it to disk."""
    with Path(source).open("rb") as read:
        write_whole(read, target)


def write_whole(read, target):
    private_files.make_folder(target.parent)
    with private_files.opened(target) as write:
        shutil.copyfileobj(read, write, 2**20)
        write.flush()
        os.fsync(write.fileno())


def dump(folder, forests):
    """Copies forest files ({name: sha256}) into a backup's folder. Returns {name: reason} for those
    that are missing or damaged; a server does not load these files, either."""
    missing = {}
    for name, sha256 in forests.items():
        try:
            file = default_storage.open(name)
        except OSError as error:
            missing[name] = error.strerror or str(error)
            continue
        copy = folder / FOLDER / name
        with file:
            write_whole(file, copy)
        if sha256_of(copy) != sha256:
            copy.unlink()
            missing[name] = "its sha256 differs from the registered one"
    return missing


def restore(folder):
    """Copies a backup's forest files into the storage, each atomically; returns the new paths."""
    new = []
    source = folder / FOLDER
    for path in sorted(source.rglob("*.forest")):
        name = path.relative_to(source).as_posix()
        try:
            place = Path(default_storage.path(name))
        except NotImplementedError:  # S3: names contain a hash, so a file that exists is the same
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
    """Removes new files again."""
    for path in paths:
        path.unlink(missing_ok=True)
