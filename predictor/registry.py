"""Which version is live: register, verify, activate, load and swap.

A worker holds one `registry`; requests only look into its dictionary, a thread keeps it fresh. A live
version whose file must not be loaded is refused, and the one before it goes on serving.
"""

import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import Error as DatabaseUnusable
from django.db import close_old_connections, connection, transaction
from django.db.models import Max

from ml.forest import PriceForest, artifact
from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES

from . import ids, metrics
from .connections import let_go
from .exceptions import NoLiveForest, Unavailable
from .models import Activation, ModelVersion, Prediction

log = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""How often a worker looks for a newly activated version."""

FIRST_SECONDS = 0.2
"""The same, for a worker that found no database when it started."""

RETRY_SECONDS = 30
"""After how long a refused file that looks unchanged is tried again: what failed may be the disk."""


@dataclass(frozen=True)
class LiveModel:
    """The version that a scheme is answered from, with its forest loaded."""

    version: ModelVersion
    forest: PriceForest


@dataclass(frozen=True)
class Refusal:
    """Why a version could not be loaded, how its file was then, and when that was."""

    why: str
    file: tuple | None
    at: float

    def stands(self, file):
        """Whether a file of that state need not be read again yet."""
        return self.file == file and time.monotonic() - self.at < RETRY_SECONDS


class Registry:
    """The live forests of this process, by scheme."""

    def __init__(self):
        self._live = {}
        self._failed = {}
        self._refusals = {}
        self._refreshing = threading.Lock()
        self._checked = None
        self._thread = None

    def live(self, scheme):
        """The live model of a scheme; NoLiveForest where there is none that could be loaded."""
        self.ensure_loaded()
        try:
            return self._live[scheme]
        except KeyError:
            raise NoLiveForest from None

    def ensure_loaded(self):
        """Refreshes where no thread does it and the last look was over a second ago.

        Unavailable where the database does not answer, or where the thread still waits for it.
        """
        if self._thread:
            if self._checked is None:
                raise Unavailable
        elif self._checked is None or time.monotonic() - self._checked > FRESH_SECONDS:
            try:
                self.refresh()
            except DatabaseUnusable as error:
                raise Unavailable from error

    def loaded(self):
        """{scheme: LiveModel} of what this process answers from; causes no query."""
        return dict(self._live)

    def failed(self):
        """{scheme: (live version, why)} of what this process was to load and refused; no query."""
        return dict(self._failed)

    def refresh(self):
        """Loads what is newly live and swaps it in; keeps the old where the new cannot be loaded.

        Causes two queries. django.db.Error where the database does not answer.
        """
        with self._refreshing:
            live_now = Activation.objects.filter(live=True).select_related("version")
            wanted = {one.scheme: one.version for one in live_now.defer("version__card")}
            found = {scheme: self._model_for(version) for scheme, version in wanted.items()}
            self._live = {scheme: model for scheme, model in found.items() if model}
            self._failed = {
                scheme: (version, self._refusals[version.pk].why)
                for scheme, version in wanted.items()
                if version.pk in self._refusals
            }
            _count(wanted, self._live)
            self._checked = time.monotonic()
            ids.follow(Prediction.objects.values_list("pk", flat=True).first())

    def _model_for(self, version):
        """A live version's model; where it is refused the present one, at start the one before."""
        current = self._live.get(version.scheme)
        if current and current.version.pk == version.pk:
            return current
        return self._tried(version) or current or self._earlier(version)

    def _earlier(self, version):
        """The model of the latest other version that was live and can be loaded; None if none can."""
        others = ModelVersion.objects.filter(scheme=version.scheme).exclude(pk=version.pk)
        by_turn = others.annotate(turn=Max("activations")).exclude(turn=None).order_by("-turn")
        return next(filter(None, map(self._tried, by_turn.defer("card"))), None)

    def _tried(self, version):
        """A version's model; None where it is refused, now or since its file last changed."""
        past, file = self._refusals.get(version.pk), _state_of_file(version)
        if past and past.stands(file):
            return None
        try:
            forest = load(version)
        except (ForestFileError, OSError) as error:
            self._refuse(version, _reason(error), file)
            return None
        self._refusals.pop(version.pk, None)
        if version.failure:
            _mark(version, "")
        return LiveModel(version, forest)

    def _refuse(self, version, why, file):
        past = self._refusals.get(version.pk)
        self._refusals[version.pk] = Refusal(why, file, time.monotonic())
        if not past or past.why != why:
            log.error("model %s is refused: %s", version, why)
        _mark(version, f"{socket.gethostname()}: {why}")

    def keep_fresh(self):
        """Refreshes once, then every second in a thread, for as long as the process lives."""
        self._refresh_quietly()
        connection.close()  # the calling thread needs it no more
        self._thread = threading.Thread(target=self._forever, name="registry", daemon=True)
        self._thread.start()

    def _forever(self):
        while True:
            time.sleep(FIRST_SECONDS if self._checked is None else FRESH_SECONDS)
            try:
                self._refresh_quietly()
            except Exception:  # whatever it is, the next look must still happen
                log.exception("the live models could not be refreshed")

    def _refresh_quietly(self):
        close_old_connections()
        try:
            self.refresh()
        except DatabaseUnusable as error:
            log.warning("the live models could not be looked up: %s", error)


def _count(wanted, live):
    """Tells the metrics which numbers this process answers from, and which it should but cannot."""
    for scheme in SCHEMES:
        number = live[scheme].version.number if scheme in live else 0
        metrics.LIVE.labels(scheme).set(number)
        asked = wanted[scheme].number if scheme in wanted else 0
        metrics.REFUSED.labels(scheme).set(0 if asked == number else asked)


registry = Registry()


def _reason(error):
    """Why a file was refused, its path from the storage's folder on."""
    return str(error).replace(f"{settings.MEDIA_ROOT}/", "")


def _mark(version, failure):
    """Tells the admin; a database that takes no writes does not keep a forest from serving."""
    try:
        ModelVersion.objects.filter(pk=version.pk).exclude(failure=failure).update(failure=failure)
    except DatabaseUnusable as error:
        let_go(error)


def load(version):
    """The forest of a registered version; ForestFileError or OSError where it must not be used."""
    path = _local_path(version)
    try:
        return artifact.load(path, version.sha256, version.scheme)
    except ForestFileError:
        if path == _copy_of(version):
            path.unlink(missing_ok=True)  # to be fetched anew
        raise


def forest_of(version):
    """The forest of any registered version, live or not; kept for the next time. Errors as `load`."""
    live = registry.loaded().get(version.scheme)
    return live.forest if live and live.version.pk == version.pk else _kept(version.pk)


@lru_cache(maxsize=4)
def _kept(pk):
    return load(ModelVersion.objects.get(pk=pk))


def _local_path(version):
    """Where the file is on this machine; fetched once from a storage that is elsewhere."""
    path = _path(version)
    if path == _copy_of(version) and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.part")
        with version.artifact.open() as source, aside.open("wb") as target:
            for chunk in source.chunks():
                target.write(chunk)
        aside.replace(path)
    return path


def _path(version):
    try:
        return Path(version.artifact.path)
    except NotImplementedError:
        return _copy_of(version)


def _copy_of(version):
    """Where this machine keeps its copy of a file whose storage is elsewhere."""
    return Path(settings.VAR_DIR) / "cache" / f"{version.sha256}.forest"


def _state_of_file(version):
    """What changes when a file does; None where there is none."""
    try:
        status = _path(version).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class _ForestFile(File):
    """Tells the file storage that it may move the file into place in one step."""

    def temporary_file_path(self):
        return self.file.name


def register(forest, by=""):
    """Writes a forest's file into the storage, then the ModelVersion that names it."""
    with tempfile.TemporaryDirectory(prefix="forest-", dir=_scratch()) as folder:
        path = Path(folder) / "new.forest"
        return _take_in(path, artifact.save(forest, path), forest.metadata, by)


def register_file(path, by=""):
    """Registers a forest file, byte for byte; ForestFileError where it must not be loaded."""
    with tempfile.TemporaryDirectory(prefix="forest-", dir=_scratch()) as folder:
        copy = Path(shutil.copy(path, folder))
        sha256 = artifact.sha256_of(copy)
        return _take_in(copy, sha256, artifact.load(copy, sha256).metadata, by)


def _take_in(path, sha256, made, by):
    """Moves a forest file into the storage, whole, and registers it under the next number."""
    version = ModelVersion(
        scheme=made["scheme"],
        sha256=sha256,
        scores=made["scores"],
        training_ranges=made["training_ranges"],
        rows=made["rows"],
        data_sha256=made["data_sha256"],
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


def _scratch():
    folder = Path(settings.VAR_DIR) / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def next_number(scheme):
    """The number that the scheme's next version gets, from 1."""
    last = ModelVersion.objects.filter(scheme=scheme).aggregate(Max("number"))["number__max"]
    return (last or 0) + 1


def live_version(scheme):
    """The ModelVersion that is live; None where none is. Causes a query."""
    return ModelVersion.objects.filter(activations__live=True, scheme=scheme).first()


def activate(version, by="", why=""):
    """Makes a version live in the place of the scheme's present one; returns the Activation.

    Its file is loaded first: ForestFileError or OSError, and nothing changed, where that fails.
    """
    load(version)
    with transaction.atomic():
        # Two activations at once take turns: the second one waits here for the first.
        # The lock leaves room for the answers that refer to these versions meanwhile.
        of_scheme = ModelVersion.objects.filter(scheme=version.scheme).only("pk")
        list(of_scheme.select_for_update(no_key=True))
        replaced = Activation.objects.filter(scheme=version.scheme, live=True).first()
        if replaced:
            Activation.objects.filter(pk=replaced.pk).update(live=False)
        ModelVersion.objects.filter(pk=version.pk).update(failure="")
        return Activation.objects.create(
            scheme=version.scheme, version=version, by=by, why=why,
            replaced=replaced and replaced.version,
        )  # fmt: skip
