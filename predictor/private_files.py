"""Makes files and folders that only the service's user may read, whatever the umask: they contain
password hashes, tokens, keys and what users asked for. Called by all that writes in VAR_DIR, and by
backups and archives.

If VAR_DIR is shared by a group (setgid and group-writable, as in the image, which may run as any
user of the group root), that group may read and write what is made in it, too.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage

OWN = 0o700
GROUP = 0o2770


def is_shared() -> bool:
    """Whether VAR_DIR is shared with its group."""
    with suppress(OSError):
        return Path(settings.VAR_DIR).stat().st_mode & GROUP == GROUP
    return False


def rights_in(path: Path | str) -> int:
    """The permissions of a folder at a path; a file has the same without the right to execute."""
    return GROUP if Path(path).is_relative_to(settings.VAR_DIR) and is_shared() else OWN


def make_folder(path: Path | str) -> Path:
    """Makes a folder and its parents if they are missing; returns its Path. OSError."""
    path = Path(path).absolute()
    for folder in (*reversed(path.parents), path):
        with suppress(FileExistsError):
            if not folder.exists():
                folder.mkdir(OWN)
                folder.chmod(rights_in(folder))
    if not path.is_dir():
        path.mkdir()  # raises the error for whatever is wrong
    return path


def opened(path: Path | str, how: Literal["wb", "r+b", "ab"] = "wb") -> BinaryIO:
    """Opens a file for writing, and makes it if it is missing. OSError."""
    return open(path, how, opener=_open)


def create(path: Path | str) -> None:
    """Makes an empty file if there is none, for a library that would make it with other
    permissions. OSError.

    An existing file is not opened: closing it would release SQLite's locks of this process on it,
    and another process would then remove the log (-wal) that is still in use.
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
    """The storage of the forest files, unless FOREST_STORE names another one."""

    @property
    def file_permissions_mode(self) -> int:
        return rights_in(self.location) & 0o666

    @property
    def directory_permissions_mode(self) -> int:
        return rights_in(self.location)


class MovableFile(File):
    """A complete file that the storage moves into place in one step."""

    def temporary_file_path(self) -> str:
        return self.file.name


@contextmanager
def private_umask() -> Iterator[None]:
    """Makes what a library creates in VAR_DIR in this context private; the umask is that of the
    whole process."""
    before = os.umask(0o777 & ~rights_in(settings.VAR_DIR))
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(most: int = 1000) -> list[Path]:
    """The paths in VAR_DIR, and of a SQLite history elsewhere, that others may read or write.

    most: at most this many paths are checked.
    """
    too_wide = 0o777 & ~rights_in(settings.VAR_DIR)
    return [path for path in _looked_at(most) if _mode(path) & too_wide]


def _looked_at(most: int) -> list[Path]:
    folder = Path(settings.VAR_DIR)
    found = [folder]
    for path in found:  # the loop appends to it
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
