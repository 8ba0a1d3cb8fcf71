"""The manifest of a backup, manifest.json: rows of each table, sha256 of each file, versions.

It is written last: a folder without one is not a backup.
"""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from ml.forest.artifact import sha256_of
from predictor import private_files

NAME = "manifest.json"
FORMAT = 1
SHAPE = {
    "format": int,
    "made": str,
    "database": str,
    "versions": dict,
    "migrations": list,
    "rows": dict,
    "files": dict,
    "missing_forests": dict,
}


class BackupError(Exception):
    """Why there is no backup, or nothing was restored; the message is for the user."""


def write(folder, facts, missing):
    """Writes the manifest of a folder that is otherwise complete, and returns it.

    missing: the forest files that are in the database but could not be copied.
    """
    content = {
        "format": FORMAT,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": connection.vendor,
        "versions": {
            "diamonds": settings.SPECTACULAR_SETTINGS["VERSION"],
            "python": platform.python_version(),
            "django": django.__version__,
        },
        "migrations": facts.migrations,
        "rows": facts.rows,
        "files": files_of(folder),
        "missing_forests": missing,
    }
    with private_files.opened(folder / NAME) as file:
        file.write(json.dumps(content, indent=1).encode())
    return content


def files_of(folder):
    """{name: sha256} of all files of a backup except the manifest, computed now."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: sha256_of(path) for name, path in names.items() if name != NAME}


def read(folder):
    """The manifest of a backup, checked against its files and this release. BackupError."""
    content = _content(Path(folder))
    if content["database"] != connection.vendor:
        raise BackupError(
            f"it is a backup of {content['database']}, but this database is {connection.vendor}"
        )
    _compare(content["files"], files_of(Path(folder)))
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if unknown := sorted(set(content["migrations"]) - known):
        raise BackupError(
            f"it was made by a newer release: this one does not have {', '.join(unknown)}"
        )
    return content


def _content(folder):
    try:
        content = json.loads((folder / NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        why = f"{folder} is not a complete backup: it has no {NAME}"
        raise BackupError(why) from None
    except ValueError:
        content = None
    shape = (
        {key: type(value) for key, value in content.items()} if isinstance(content, dict) else {}
    )
    if shape != SHAPE or content["format"] != FORMAT:
        raise BackupError(f"{folder / NAME} is damaged or from another release")
    return content


def _compare(expected, found):
    """Raises BackupError if the files are not those of the manifest."""
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise BackupError(f"{name} is missing")
        if name not in expected:
            raise BackupError(f"{name} does not belong to it")
        if expected[name] != found[name]:
            raise BackupError(f"{name} was altered: its sha256 differs from the manifest's")
