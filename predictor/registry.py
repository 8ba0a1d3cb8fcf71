"""Which version is live: register, verify, activate, load and swap.

A worker holds one `registry`; requests only look into its dictionary, a thread keeps it fresh.
"""

import logging
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import Error as DatabaseUnusable
from django.db import close_old_connections, transaction
from django.db.models import Max

from ml import artifact
from ml.artifact import ForestFileError
from ml.forest import PriceForest

from .exceptions import NoLiveForest, Unavailable
from .models import Activation, ModelVersion

log = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""How often a worker looks for a newly activated version."""


@dataclass(frozen=True)
class LiveModel:
    """A version that is live, with its forest loaded."""

    version: ModelVersion
    forest: PriceForest


class Registry:
    """The live forests of this process, by scheme."""

    def __init__(self):
        self._live = {}
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

        Unavailable where the database does not answer.
        """
        if self._checked is None or (
            self._thread is None and time.monotonic() - self._checked > FRESH_SECONDS
        ):
            try:
                self.refresh()
            except DatabaseUnusable as error:
                raise Unavailable from error

    def loaded(self):
        """{scheme: LiveModel} of what this process answers from; causes no query."""
        return dict(self._live)

    def refresh(self):
        """Loads what is newly live and swaps it in; keeps the old where the new cannot be loaded.

        Causes one query. django.db.Error where the database does not answer.
        """
        with self._refreshing:
            live = {}
            live_now = Activation.objects.filter(live=True).select_related("version")
            for activation in live_now.defer("version__card"):
                live[activation.scheme] = self._loaded(activation.version)
            self._live = {scheme: model for scheme, model in live.items() if model}
            self._checked = time.monotonic()

    def _loaded(self, version):
        current = self._live.get(version.scheme)
        if current and current.version.pk == version.pk:
            return current
        try:
            forest = load(version)
        except (ForestFileError, OSError) as error:
            log.error("model %s is refused: %s", version, error)
            ModelVersion.objects.filter(pk=version.pk).update(failure=str(error))
            return current
        if version.failure:
            ModelVersion.objects.filter(pk=version.pk).update(failure="")
        return LiveModel(version, forest)

    def keep_fresh(self):
        """Refreshes once, then every second in a thread, for as long as the process lives."""
        self._refresh_quietly()
        self._thread = threading.Thread(target=self._forever, name="registry", daemon=True)
        self._thread.start()

    def _forever(self):
        while True:
            time.sleep(FRESH_SECONDS)
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


registry = Registry()


def load(version):
    """The forest of a registered version; ForestFileError or OSError where it must not be used."""
    return artifact.load(_local_path(version), version.sha256, version.scheme)


def forest_of(version):
    """The forest of any registered version, live or not; kept for the next time. Errors as `load`."""
    live = registry.loaded().get(version.scheme)
    return live.forest if live and live.version.pk == version.pk else _kept(version.pk)


@lru_cache(maxsize=4)
def _kept(pk):
    return load(ModelVersion.objects.get(pk=pk))


def _local_path(version):
    """Where the file is on this machine; fetched once from a storage that is elsewhere."""
    try:
        return version.artifact.path
    except NotImplementedError:
        cached = Path(settings.VAR_DIR) / "cache" / f"{version.sha256}.forest"
        if not cached.exists():
            cached.parent.mkdir(parents=True, exist_ok=True)
            aside = cached.with_suffix(".part")
            with version.artifact.open() as source, aside.open("wb") as target:
                for chunk in source.chunks():
                    target.write(chunk)
            aside.replace(cached)
        return cached


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
        version.save()
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
        list(ModelVersion.objects.select_for_update().filter(scheme=version.scheme).only("pk"))
        replaced = Activation.objects.filter(scheme=version.scheme, live=True).first()
        if replaced:
            Activation.objects.filter(pk=replaced.pk).update(live=False)
        ModelVersion.objects.filter(pk=version.pk).update(failure="")
        return Activation.objects.create(
            scheme=version.scheme, version=version, by=by, why=why,
            replaced=replaced and replaced.version,
        )  # fmt: skip
