"""From a path to an open file, and from a compressed file to its bytes. The type of a file is found from
its content. A file is decompressed only as far as it is read, and never over the limit.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from .errors import DatasetError, gettext_noop, quoted

try:
    from compression import zstd
except ImportError:  # before Python 3.14
    from backports import zstd

LIMIT = 2**30
"""Bytes, decompressed: the most that is read of a file (about twenty million stones)."""

HEAD = 512
"""The number of first bytes that show the type of a file."""

PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"PK\3\4": "zip",
    b"PK\5\6": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""The first bytes of the compressed files that are read."""

NAMED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip", ".zst": "zstd"}

FOREIGN = {
    b"\x89PNG": gettext_noop("a PNG picture"),
    b"\xff\xd8\xff": gettext_noop("a JPEG picture"),
    b"GIF8": gettext_noop("a GIF picture"),
    b"%PDF": gettext_noop("a PDF document"),
    b"PAR1": gettext_noop("a Parquet file"),
    b"ARROW1": gettext_noop("a Feather file"),
    b"FEA1": gettext_noop("a Feather file"),
    b"ORC": gettext_noop("an ORC file"),
    b"Obj\x01": gettext_noop("an Avro file"),
    b"\x89HDF": gettext_noop("an HDF5 file"),
    b"\xd0\xcf\x11\xe0": gettext_noop("an old Excel workbook"),
    b"SQLite format 3\0": gettext_noop("an SQLite database"),
    b"7z\xbc\xaf": gettext_noop("a 7z archive"),
    b"Rar!": gettext_noop("a RAR archive"),
    b"\x7fELF": gettext_noop("a program"),
    b"<": gettext_noop("a web page or XML"),
    b"{": gettext_noop("JSON"),
    b"[": gettext_noop("JSON"),
}
"""The first bytes of file types that are not read, with their names."""

WORKBOOK = "xl/workbook.xml"
WORKBOOKS = {
    "xl/workbook.bin": gettext_noop("a binary Excel workbook"),
    "META-INF/manifest.xml": gettext_noop("an OpenDocument file"),
}
"""Files in a zip archive that show that it is another type of file."""

DAMAGED = (
    OSError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zstd.ZstdError,
    NotImplementedError,
    ValueError,
)


@contextmanager
def opened(path: Path | str) -> Iterator[BinaryIO]:
    """The open file of a path; DatasetError if it is not a file or not readable. Never blocks."""
    try:
        _refuse_irregular(Path(path).stat())
        # It may have been replaced by a pipe: opening one must not wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            _refuse_irregular(os.fstat(file.fileno()))
            yield file
    except FileNotFoundError:
        raise DatasetError("no such file") from None
    except OSError as error:
        raise DatasetError("cannot be read: {why}", why=error.strerror or error) from None
    except ValueError as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError("is not a valid file name: {why}", why=error) from None


def _refuse_irregular(status: os.stat_result) -> None:
    kinds = {
        stat.S_ISDIR: "a folder",
        stat.S_ISFIFO: "a named pipe",
        stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
    }
    for is_one, kind in kinds.items():
        if is_one(status.st_mode):
            raise DatasetError("is {kind}, not a file", kind=kind)


@contextmanager
def unpacked(file: BinaryIO, kind: str, limit: int | None) -> Iterator[io.BufferedReader]:
    """A buffered binary stream of the content of an open file of that `packing`, from its start.

    limit: bytes, decompressed; None for all. Raises DatasetError, here or during reading, for a file that
    cannot be decompressed or exceeds the limit.
    """
    file.seek(0)
    with _unpacking(file, kind) as stream:
        yield io.BufferedReader(_Bounded(stream, kind, limit), 2**18)


def packing(head: bytes, name: str) -> str:
    """How a file is compressed, by its first bytes; "" if it is not. Its name must not contradict it."""
    if not head:
        raise DatasetError("the file is empty")
    kind = _kind(head)
    expected = NAMED.get(PurePosixPath(name).suffix.lower())
    if expected and expected != kind:
        raise DatasetError(
            "is {kind}, not {expected} as its name says: rename it",
            expected=expected,
            kind=kind or foreign(head) or "something else",
        )
    return kind


def _kind(head: bytes) -> str:
    return next((kind for first, kind in PACKED.items() if head.startswith(first)), "")


def foreign(head: bytes) -> str:
    """The type of a file with these first bytes, if it cannot be a text table; otherwise ""."""
    if head[257:262] == b"ustar":
        return gettext_noop("a tar archive")
    start = head.lstrip()
    return next((what for first, what in FOREIGN.items() if start.startswith(first)), "")


def refuse_foreign(head: bytes, kind: str) -> None:
    """Raises DatasetError if the first decompressed bytes are not those of a text file."""
    if not head:
        raise DatasetError("the {kind} file contains an empty file", kind=kind)
    if inner := _kind(head):
        raise DatasetError("contains another {inner} file: unpack it once", inner=inner)
    if what := foreign(head):
        if kind:
            raise DatasetError("contains {what}: save the table as CSV", what=what)
        raise DatasetError("is {what}: save the table as CSV", what=what)


@contextmanager
def _unpacking(file: BinaryIO, kind: str) -> Iterator[Any]:
    openers: dict[str, Callable[[BinaryIO], Any]] = {
        "gzip": gzip.open,
        "bzip2": bz2.open,
        "xz": lzma.open,
        "zstd": zstd.open,
    }
    if kind == "zip":
        with _zip(file) as archive, _entry(archive) as stream:
            yield stream
    elif kind:
        with openers[kind](file) as stream:
            yield stream
    else:
        yield file


def is_workbook(file: BinaryIO) -> bool:
    """Whether an open zip file is an Excel workbook (.xlsx)."""
    with _zip(file) as archive:
        return WORKBOOK in archive.namelist()


def _zip(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except DAMAGED:
        raise DatasetError("the zip file is cut short or damaged") from None


def _entry(archive: zipfile.ZipFile) -> IO[bytes]:
    """The single file in a zip archive, open; files that macOS and Windows add are not counted."""
    for sign, what in WORKBOOKS.items():
        if sign in archive.namelist():
            raise DatasetError("is {what}: save the table as CSV", what=what)
    files = [entry for entry in archive.infolist() if not _is_aside(entry)]
    if not files:
        raise DatasetError("the zip file is empty")
    if len(files) > 1:
        names = ", ".join(quoted(entry.filename) for entry in files[:3])
        raise DatasetError(
            "the zip file contains {count} files ({names}): it must contain one",
            count=len(files),
            names=names + ", …" * bool(files[3:]),
        )
    if files[0].flag_bits & 1:
        raise DatasetError("the zip file is encrypted: unpack it first")
    try:
        return archive.open(files[0])
    except DAMAGED as error:
        raise DatasetError("the zip file cannot be unpacked: {why}", why=error) from None


def _is_aside(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    return (
        entry.is_dir()
        or path.parts[:1] == ("__MACOSX",)
        or path.name.startswith("._")
        or path.name in (".DS_Store", "Thumbs.db", "desktop.ini")
    )


class _Bounded(io.RawIOBase):
    """A stream that reports what is wrong with a compressed file, and raises an error at its limit."""

    def __init__(self, stream: Any, kind: str, limit: int | None) -> None:
        self.stream, self.kind, self.limit, self.left = stream, kind, limit, limit or 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._read(len(buffer))
        self.left -= len(read)
        if self.limit is not None and self.left < 0:
            raise DatasetError("is larger than {limit} when unpacked", limit=size(self.limit))
        buffer[: len(read)] = read
        return len(read)

    def _read(self, count: int) -> bytes:
        try:
            return self.stream.read(count)
        except EOFError:
            raise DatasetError("is cut short: the {kind} file has no end", kind=self.kind) from None
        except DAMAGED as error:
            if not self.kind:
                raise DatasetError("cannot be read: {why}", why=error) from None
            raise DatasetError(
                "the {kind} file is damaged: {why}", kind=self.kind, why=error
            ) from None


def size(count: float) -> str:
    """A number of bytes for people: 1 GiB, 1 MB."""
    step, units = (1000, ("kB", "MB", "GB")) if count % 1000 == 0 else (1024, ("KiB", "MiB", "GiB"))
    unit = "bytes"
    for larger in units:
        if count < step:
            break
        count, unit = count / step, larger
    return f"{count:g} {unit}"
