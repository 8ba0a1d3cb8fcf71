"""Write and read a forest file: a joblib file of plain arrays and metadata, with a trailer.

The trailer names format, scheme and length, so that a wrong or cut file is refused by name, and the
file's sha256 is checked, before a byte of it is unpickled. Called by training and the registry.
"""

import hashlib
import json
import os
from pathlib import Path

import joblib

from . import PriceForest

FORMAT = 2
TRAILER_BYTES = 128
MAGIC = "diamond price forest"


class ForestFileError(ValueError):
    """A forest file that must not be loaded; the message names the file and the reason."""


def save(forest, path):
    """Writes the forest file in one step (aside, synced, then renamed); returns its sha256 (hex).

    Equal forests give equal bytes. Raises OSError where the folder cannot be written.
    """
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    with aside.open("wb") as file:
        joblib.dump({"arrays": forest.arrays, "metadata": forest.metadata}, file, protocol=4)
        file.write(_trailer(forest.scheme, file.tell()))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return sha256_of(path)


def load(path, sha256, scheme=None):
    """The forest of a file, its arrays mapped from disk and shared among processes.

    sha256: the registered hash (hex); scheme: refuse another one. Raises ForestFileError for a file
    that is missing, cut short, of another format or scheme, or altered.
    """
    found = describe(path)
    if scheme and found["scheme"] != scheme:
        raise ForestFileError(f"{path}: holds a {found['scheme']} forest, not a {scheme} one")
    if sha256_of(path) != sha256:
        raise ForestFileError(f"{path}: altered: its sha256 is not the registered {sha256[:12]}…")
    try:
        content = joblib.load(path, mmap_mode="r")
        return PriceForest(content["arrays"], content["metadata"])
    except Exception as error:  # whatever a pickle of other library versions may raise
        raise ForestFileError(f"{path}: cannot be read: {error!r}") from error


def describe(path):
    """The trailer of a forest file ({magic, format, scheme, bytes}), read without unpickling."""
    try:
        size = Path(path).stat().st_size
        with Path(path).open("rb") as file:
            file.seek(max(0, size - TRAILER_BYTES))
            trailer = json.loads(file.read())
    except FileNotFoundError:
        raise ForestFileError(f"{path}: no such file") from None
    except ValueError:
        trailer = None
    known = isinstance(trailer, dict) and trailer.keys() == {"magic", "format", "scheme", "bytes"}
    if not known or trailer["magic"] != MAGIC:
        raise ForestFileError(f"{path}: cut short, or no forest file: its trailer is missing")
    if trailer["format"] != FORMAT:
        raise ForestFileError(f"{path}: of format {trailer['format']}; this release reads {FORMAT}")
    if trailer["bytes"] + TRAILER_BYTES != size:
        raise ForestFileError(f"{path}: {size} bytes, {trailer['bytes'] + TRAILER_BYTES} expected")
    return trailer


def sha256_of(path):
    """The sha256 of a file's bytes, in hex; OSError where it cannot be read."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _trailer(scheme, length):
    text = json.dumps({"magic": MAGIC, "format": FORMAT, "scheme": scheme, "bytes": length})
    return text.ljust(TRAILER_BYTES).encode("ascii")
