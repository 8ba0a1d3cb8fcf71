"""The forest files: into the storage with their ModelVersion, and out of it as forests."""

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db import Error as DatabaseUnusable
from django.db import transaction
from django.db.models import Max

from ml.forest import PriceForest, artifact
from ml.forest.artifact import ForestFileError
from ml.stones import BASIS, Basis
from predictor import private_files
from predictor.models import ModelVersion

KEPT_COPIES = 8
"""How many copies of files from elsewhere a machine keeps, the last ones fetched."""


FileState = tuple[int, int, int]
"""What changes when a file does."""


class StoreAway(ForestFileError):
    """A forest file that could not be fetched now, or not whole."""


class _ForestFile(File):
    """Tells the file storage that it may move the file into place in one step."""

    def temporary_file_path(self) -> str:
        return self.file.name


def register(forest: PriceForest, by: str = "") -> ModelVersion:
    """Writes a forest's file into the storage, then the ModelVersion that names it."""
    with tempfile.TemporaryDirectory(prefix="forest-", dir=_scratch()) as folder:
        path = Path(folder) / "new.forest"
        return take_in(path, artifact.save(forest, path), forest.metadata, by)


def register_file(path: Path | str, by: str = "") -> ModelVersion:
    """Registers a forest file, byte for byte; ForestFileError where it must not be loaded."""
    with tempfile.TemporaryDirectory(prefix="forest-", dir=_scratch()) as folder:
        copy = Path(shutil.copy(path, folder))
        sha256 = artifact.sha256_of(copy)
        return take_in(copy, sha256, artifact.load(copy, sha256).metadata, by)


def take_in(path: Path, sha256: str, made: dict[str, Any], by: str) -> ModelVersion:
    """Moves a forest file into the storage, whole, and registers it under the next number.

    sha256, made: of that file, and the metadata in it; the caller has read both.
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
        card=made.get("card", {}),
        created_by=by,
    )
    with path.open("rb") as file, transaction.atomic():
        version.number = next_number(version.scheme)
        name = f"{version.scheme}-{version.number}-{sha256[:12]}.forest"
        version.artifact.save(name, _ForestFile(file), save=False)
        try:
            version.save()
        except DatabaseUnusable:
            version.artifact.delete(save=False)
            raise
    return version


def _scratch() -> Path:
    return private_files.make_folder(Path(settings.VAR_DIR) / "tmp")


def next_number(scheme: str) -> int:
    """The number that the scheme's next version gets, from 1."""
    last = ModelVersion.objects.filter(scheme=scheme).aggregate(Max("number"))["number__max"]
    return (last or 0) + 1


def load(version: ModelVersion) -> PriceForest:
    """The forest of a registered version; ForestFileError or OSError where it must not be used."""
    path = _local_path(version)
    try:
        return artifact.load(path, version.sha256, version.scheme)
    except ForestFileError:
        if path == _copy_of(version):
            path.unlink(missing_ok=True)  # to be fetched anew
        raise


def _local_path(version: ModelVersion) -> Path:
    """Where the file is on this machine; fetched once from a storage that is elsewhere."""
    path = _path(version)
    if path == _copy_of(version) and not path.exists():
        _fetch(version, path)
    return path


def _fetch(version: ModelVersion, path: Path) -> None:
    """Brings a file here, whole; one process of this machine does, the others wait for it. StoreAway."""
    private_files.make_folder(path.parent)
    with private_files.opened(path.with_suffix(".lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        aside = path.with_suffix(".part")
        try:
            _download(version, aside)
            if artifact.sha256_of(aside) != version.sha256:
                raise StoreAway(
                    f"{version.artifact.name}: came out of the store cut short or altered"
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
    except Exception as error:  # whatever a store's client may raise
        raise StoreAway(f"{version.artifact.name}: cannot be fetched: {error}") from error


def _forget_old(folder: Path) -> None:
    """Removes all copies but the last few; a process that has one open keeps it."""
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
    """Where this machine keeps its copy of a file whose storage is elsewhere."""
    return Path(settings.VAR_DIR) / "cache" / f"{version.sha256}.forest"


def state_of_file(version: ModelVersion) -> FileState | None:
    """What changes when a file does; None where there is none."""
    try:
        status = _path(version).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
