"""Writes and reads a forest file: a joblib file of plain arrays and metadata, with a trailer.

The trailer has the format, scheme and length, so that a wrong or truncated file is refused with a clear
message. The sha256 is checked before anything is unpickled. Called by training and predictor.versions.
"""

import hashlib
import json
import os
import stat
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Any

import joblib

from ml.stones import SCHEMES

from .price_forest import PriceForest

FORMAT = 2
TRAILER_BYTES = 128
MAGIC = "diamond price forest"


class ForestFileError(ValueError):
    """A forest file that must not be loaded; the message names the file and the reason."""


def save(forest: PriceForest, path: Path | str) -> str:
    """Write the forest file atomically (temporary file, fsync, rename); returns its sha256 (hex).

    Equal forests give equal bytes. Raises OSError if the folder cannot be written.
    """
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    with aside.open("w+b") as file:
        joblib.dump({"arrays": forest.arrays, "metadata": forest.metadata}, file, protocol=4)
        file.write(_new_trailer(forest.scheme, file.tell()))
        file.flush()
        os.fsync(file.fileno())
        sha256 = _digest(file)
    aside.replace(path)
    return sha256


def load(path: Path | str, sha256: str, scheme: str | None = None) -> PriceForest:
    """Load the forest of a file, its arrays memory-mapped and shared among processes.

    sha256: the registered hash (hex); scheme: refuse another one. The file is opened once, so the bytes
    mapped are the bytes hashed, even if the file is replaced meanwhile. Raises ForestFileError for a file
    that is missing, not a regular file, truncated, altered, or of another format or scheme.
    """
    with _opened(path) as file:
        found = _described(file, path)
        if scheme and found["scheme"] != scheme:
            raise ForestFileError(f"{path}: holds a {found['scheme']} forest, not a {scheme} one")
        if _digest(file) != sha256:
            raise ForestFileError(
                f"{path}: altered: its sha256 is not the registered {sha256[:12]}…"
            )
        try:
            content = joblib.load(f"/dev/fd/{file.fileno()}", mmap_mode="r")
            return PriceForest(content["arrays"], content["metadata"])
        except Exception as error:  # unpickling with other library versions may raise anything
            raise ForestFileError(f"{path}: cannot be read: {error!r}") from error


def sha256_of(path: Path | str) -> str:
    """The sha256 of a file's bytes, in hex; raises OSError if it cannot be read."""
    with Path(path).open("rb") as file:
        return _digest(file)


def _digest(file: BufferedReader | BufferedRandom) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(path: Path | str) -> BufferedReader:
    """A regular file, open for reading; never blocks, as opening a pipe would."""
    try:
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    except FileNotFoundError:
        raise ForestFileError(f"{path}: no such file") from None
    except OSError as error:  # for example a folder or a socket
        raise ForestFileError(f"{path}: cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ForestFileError(f"{path}: is no regular file")
    return file


def _described(file: BufferedReader, path: Path | str) -> dict[str, Any]:
    """The trailer of a forest file ({magic, format, scheme, bytes}), read without unpickling."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - TRAILER_BYTES))
    try:
        trailer: Any = json.loads(file.read(TRAILER_BYTES))
    except (ValueError, RecursionError):
        trailer = None
    if not _is_trailer(trailer):
        raise ForestFileError(f"{path}: cut short, or no forest file: its trailer is missing")
    if trailer["format"] != FORMAT:
        raise ForestFileError(f"{path}: of format {trailer['format']}; this release reads {FORMAT}")
    if trailer["bytes"] + TRAILER_BYTES != size:
        raise ForestFileError(f"{path}: {size} bytes, {trailer['bytes'] + TRAILER_BYTES} expected")
    return trailer


def _is_trailer(found: object) -> bool:
    """Whether a trailer has all its parts, each of the right type."""
    types = {"magic": str, "format": int, "scheme": str, "bytes": int}
    return (
        isinstance(found, dict)
        and {name: type(value) for name, value in found.items()} == types
        and found["magic"] == MAGIC
        and found["scheme"] in SCHEMES
    )


def _new_trailer(scheme: str, length: int) -> bytes:
    text = json.dumps({"magic": MAGIC, "format": FORMAT, "scheme": scheme, "bytes": length})
    return text.ljust(TRAILER_BYTES).encode("ascii")
