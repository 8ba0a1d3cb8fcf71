"""The forest files: saves them to the storage with their ModelVersion, and loads them as forests."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from ml.forest import PriceForest, artifact
from ml.forest.artifact import ForestFileError
from ml.stones import BASIS, Basis
from predictor import private_files
from predictor.models import ModelVersion

KEPT_COPIES = 8
"""The number of copies of remote files that a machine keeps, the last ones fetched."""


FileState = tuple[int, int, int]
"""Data that changes when a file does."""


class StoreUnavailable(ForestFileError):
    """A forest file that could not be fetched, or not completely."""


Registered = Callable[[ModelVersion], object]


def register(forest: PriceForest, by: str = "", also: Registered | None = None) -> ModelVersion:
    """Writes a forest's file to the storage, then the ModelVersion that names it.

    also: called with the version in the same transaction.
    """
    with tempfile.TemporaryDirectory(prefix="forest-", dir=_scratch()) as folder:
        path = Path(folder) / "new.forest"
        return store_file(path, artifact.save(forest, path), forest.metadata, by, also)


def register_file(path: Path | str, by: str = "") -> ModelVersion:
    """Registers a forest file unchanged; raises ForestFileError if it must not be loaded."""
    with tempfile.TemporaryDirectory(prefix="forest-", dir=_scratch()) as folder:
        copy = Path(shutil.copy(path, folder))
        sha256 = artifact.sha256_of(copy)
        return store_file(copy, sha256, artifact.load(copy, sha256).metadata, by)


def store_file(
    path: Path, sha256: str, made: dict[str, Any], by: str, also: Registered | None = None
) -> ModelVersion:
    """Moves a complete forest file to the storage, and registers it under the next number.

    sha256, made: the file's hash and its metadata, which the caller has already read. also: as in
    `register`.
    """
    basis = Basis(**made["basis"]) if "basis" in made else BASIS
    version = ModelVersion(
        scheme=made["scheme"],
        sha256=sha256,
        scores=made["scores"],
        training_ranges=made["training_ranges"],
        rows=made["rows"],
        data_sha256=made["data_sha256"],
        currency=basis.currency,
        price_year=basis.year,
        price_kind=basis.kind,
        price_source=basis.source,
        seed=made["seed"],
        library_versions=made["versions"],
        vocabulary=made.get("vocabulary"),
        card=made.get("card", {}),
        created_by=by,
    )
    version.number = next_number(version.scheme)
    name = f"{version.scheme}-{version.number}-{sha256[:12]}.forest"
    with path.open("rb") as file:  # before the transaction: a remote store may take long
        version.artifact.save(name, private_files.MovableFile(file), save=False)
    try:
        with transaction.atomic():
            version.save()
            if also:
                also(version)
    except BaseException:
        version.artifact.delete(save=False)
        raise
    return version


def _scratch() -> Path:
    return private_files.make_folder(Path(settings.VAR_DIR) / "tmp")


def next_number(scheme: str) -> int:
    """The number for the scheme's next version, from 1."""
    last = ModelVersion.objects.filter(scheme=scheme).aggregate(Max("number"))["number__max"]
    return (last or 0) + 1


def load(version: ModelVersion) -> PriceForest:
    """The forest of a registered version; ForestFileError or OSError if it must not be used."""
    path = _local_path(version)
    try:
        return artifact.load(path, version.sha256, version.scheme)
    except ForestFileError:
        if path == _copy_of(version):
            path.unlink(missing_ok=True)  # to be fetched again
        raise


def _local_path(version: ModelVersion) -> Path:
    """The path of the file on this machine; a remote file is fetched once."""
    path = _path(version)
    if path == _copy_of(version) and not path.exists():
        _fetch(version, path)
    return path


def _fetch(version: ModelVersion, path: Path) -> None:
    """Fetches a complete file; one process of this machine does so, the others wait.

    Raises StoreUnavailable.
    """
    private_files.make_folder(path.parent)
    with private_files.opened(path.with_suffix(".lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        aside = path.with_suffix(".part")
        try:
            _download(version, aside)
            if artifact.sha256_of(aside) != version.sha256:
                raise StoreUnavailable(
                    f"{version.artifact.name}: the store returned a shortened or altered file"
                )
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    _forget_old(path.parent)


def _download(version: ModelVersion, aside: Path) -> None:
    try:
        with version.artifact.open() as source, private_files.opened(aside) as target:
            for chunk in source.chunks():
                target.write(chunk)
    except Exception as error:  # a storage's client may raise anything
        raise StoreUnavailable(f"{version.artifact.name}: cannot be fetched: {error}") from error


def _forget_old(folder: Path) -> None:
    """Removes all copies but the last few; a process that has one open can still read it."""
    copies = sorted(folder.glob("*.forest"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in copies[KEPT_COPIES:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".lock").unlink(missing_ok=True)


def _path(version: ModelVersion) -> Path:
    try:
        return Path(version.artifact.path)
    except NotImplementedError:
        return _copy_of(version)


def _copy_of(version: ModelVersion) -> Path:
    """The path of this machine's copy of a remote file."""
    return Path(settings.VAR_DIR) / "cache" / f"{version.sha256}.forest"


def state_of_file(version: ModelVersion) -> FileState | None:
    """Data that changes when the file does; None if it is missing."""
    try:
        status = _path(version).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
