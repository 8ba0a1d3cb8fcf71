"""Files and folders that only the service's user may read, whatever the umask: they hold password hashes,
tokens, keys and what people asked for. Called by all that writes in VAR_DIR, and by backups and archives.

Where the operator has VAR_DIR shared by a group (setgid and writable by it, as in the image, which may run
as any user of the group root), that group may read and write what is made in it, too.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

from django.conf import settings
from django.core.files.storage import FileSystemStorage

OWN = 0o700
GROUP = 0o2770


def is_shared() -> bool:
    """Whether the group of VAR_DIR shares it."""
    with suppress(OSError):
        return Path(settings.VAR_DIR).stat().st_mode & GROUP == GROUP
    return False


def rights_in(path: Path | str) -> int:
    """The permissions of a folder at a path; a file has the same but for the right to execute it."""
    return GROUP if Path(path).is_relative_to(settings.VAR_DIR) and is_shared() else OWN


def make_folder(path: Path | str) -> Path:
    """Makes a folder, and those above it, where they are missing; its Path. OSError."""
    path = Path(path).absolute()
    for folder in (*reversed(path.parents), path):
        with suppress(FileExistsError):
            if not folder.exists():
                folder.mkdir(OWN)
                folder.chmod(rights_in(folder))
    if not path.is_dir():
        path.mkdir()  # raises what is wrong with it
    return path


def opened(path: Path | str, how: Literal["wb", "r+b", "ab"] = "wb") -> BinaryIO:
    """A file, opened for writing and made where it is missing. OSError."""
    return open(path, how, opener=_open)


def create(path: Path | str) -> None:
    """Makes an empty file where there is none, for a library that would make it otherwise. OSError.

    A file that is there is not opened: to close it would take this process's locks on it from SQLite, and
    another process would then remove the log (-wal) that is still written to.
    """
    with suppress(FileExistsError):
        os.close(_make(str(path), os.O_WRONLY))


def _open(path: str, flags: int) -> int:
    try:
        return _make(path, flags)
    except FileExistsError:
        return os.open(path, flags)


def _make(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, OWN & 0o666)
    os.fchmod(descriptor, rights_in(Path(path).absolute()) & 0o666)
    return descriptor


class PrivateStorage(FileSystemStorage):
    """Where the forest files are, unless FOREST_STORE names another place."""

    @property
    def file_permissions_mode(self) -> int:
        return rights_in(self.location) & 0o666

    @property
    def directory_permissions_mode(self) -> int:
        return rights_in(self.location)


@contextmanager
def private_umask() -> Iterator[None]:
    """Has what a library makes in VAR_DIR meanwhile be private; the umask is the whole process's."""
    before = os.umask(0o777 & ~rights_in(settings.VAR_DIR))
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(most: int = 1000) -> list[Path]:
    """The paths in VAR_DIR, and of a SQLite history elsewhere, that others may read or write.

    most: so many paths are looked at.
    """
    too_wide = 0o777 & ~rights_in(settings.VAR_DIR)
    return [path for path in _looked_at(most) if _mode(path) & too_wide]


def _looked_at(most: int) -> list[Path]:
    folder = Path(settings.VAR_DIR)
    found = [folder]
    for path in found:  # which grows meanwhile
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):
                found += sorted(path.iterdir())[: max(most - len(found), 0)]
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        file = Path(database["NAME"])
        found += [file.with_name(file.name + end) for end in ("", "-wal", "-shm")]
    return [*dict.fromkeys(found)]


def _mode(path: Path) -> int:
    with suppress(OSError):
        status = path.lstat()
        return 0 if stat.S_ISLNK(status.st_mode) else status.st_mode
    return 0
