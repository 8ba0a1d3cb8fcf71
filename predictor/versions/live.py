"""The active forests of this process: load, verify and swap.

A worker has one `registry`; requests only read its dictionary, and a thread updates it. If the file of an
active version cannot be loaded, it is refused, and the previous version keeps serving.
"""

import logging
import socket
import threading
import time
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.db import Error as DatabaseUnusable
from django.db import close_old_connections, connection
from django.db.models import Max

from ml.forest import PriceForest
from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.errors import NoLiveForest, Unavailable, VersionUnavailable
from predictor.history.connections import let_go
from predictor.models import Activation, ModelVersion, Prediction, ids
from predictor.telemetry import metrics

from .store import FileState, StoreUnavailable, load, state_of_file

log = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""Seconds between two checks for a newly activated version."""

FIRST_SECONDS = 0.2
"""The same for a worker that found no database when it started."""

RETRY_SECONDS, FETCH_SECONDS = 30, 2
"""Seconds after which a refused file that has not changed is tried again, as the disk may have failed; and
after which a file that could not be fetched is tried again."""


LOADING_SECONDS = 2
"""The most seconds that a request waits while this process loads another version that a request named."""


class VersionUnusable(Exception):
    """A version whose file is missing or damaged."""


@dataclass(frozen=True)
class LiveModel:
    """The active version of a scheme, or the one that a request names, with its forest loaded."""

    version: ModelVersion
    forest: PriceForest


@dataclass(frozen=True)
class Refusal:
    """Why a version could not be loaded, the state of its file, and until when it is not tried again."""

    why: str
    file: FileState | None
    until: float

    def is_unchanged(self, file: FileState | None) -> bool:
        """Whether a file in that state need not be read again yet."""
        return self.file == file and time.monotonic() < self.until


class Registry:
    """The active forests of this process, by scheme."""

    def __init__(self) -> None:
        self._live: dict[str, LiveModel] = {}
        self._failed: dict[str, tuple[ModelVersion, str]] = {}
        self._refusals: dict[int, Refusal] = {}
        self._refreshing, self._loading = threading.Lock(), threading.Lock()
        self._checked: float | None = None
        self._thread: threading.Thread | None = None

    def live(self, scheme: str) -> LiveModel:
        """The active model of a scheme; NoLiveForest if there is none that could be loaded."""
        self.ensure_loaded()
        try:
            return self._live[scheme]
        except KeyError:
            raise NoLiveForest from None

    def named(self, scheme: str, number: int) -> LiveModel:
        """The model of any registered version, active or not; causes a query.

        One thread loads a file at a time, so that clients who name many versions keep few threads busy.
        Raises ModelVersion.DoesNotExist, VersionUnusable, or VersionUnavailable if it takes too long.
        """
        self.ensure_loaded()
        version = ModelVersion.objects.defer("card").get(scheme=scheme, number=number)
        live = self._live.get(scheme)
        if live and live.version.pk == version.pk:
            return LiveModel(version, live.forest)
        if not self._loading.acquire(timeout=LOADING_SECONDS):
            raise VersionUnavailable
        try:
            return LiveModel(version, self._forest_of(version))
        finally:
            self._loading.release()

    def _forest_of(self, version: ModelVersion) -> PriceForest:
        """A named version's forest. Raises VersionUnusable, VersionUnavailable."""
        past, file = self._refusals.get(version.pk), state_of_file(version)
        if past and past.is_unchanged(file):
            raise VersionUnusable(past.why)
        try:
            return forest_of(version)
        except StoreUnavailable as error:
            raise VersionUnavailable from error
        except (ForestFileError, OSError) as error:
            self._refuse(version, _reason(error), file, RETRY_SECONDS)
            raise VersionUnusable(_reason(error)) from error

    def ensure_loaded(self) -> None:
        """Refreshes if no thread does so and the last check was over a second ago.

        Raises Unavailable if the database does not answer, or the thread still waits for it.
        """
        if self._thread:
            if self._checked is None:
                raise Unavailable
        elif self._checked is None or time.monotonic() - self._checked > FRESH_SECONDS:
            try:
                self.refresh()
            except DatabaseUnusable as error:
                raise Unavailable from error

    def loaded(self) -> dict[str, LiveModel]:
        """{scheme: LiveModel} of the models that this process answers from; causes no query."""
        return dict(self._live)

    def failed(self) -> dict[str, tuple[ModelVersion, str]]:
        """{scheme: (active version, why)} of the versions that this process refused; causes no query."""
        return dict(self._failed)

    def refresh(self) -> None:
        """Loads newly activated versions and swaps them in; keeps the old one if loading fails.

        Causes two queries. Raises django.db.Error if the database does not answer.
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

    def _model_for(self, version: ModelVersion) -> LiveModel | None:
        """An active version's model; if it is refused the current one, at start the previous one."""
        current = self._live.get(version.scheme)
        if current and current.version.pk == version.pk:
            return current
        return self._tried(version) or current or self._earlier(version)

    def _earlier(self, version: ModelVersion) -> LiveModel | None:
        """The model of the last previously active version that can be loaded; None if there is none."""
        others = ModelVersion.objects.filter(scheme=version.scheme).exclude(pk=version.pk)
        by_turn = others.annotate(turn=Max("activations")).exclude(turn=None).order_by("-turn")
        return next(filter(None, map(self._tried, by_turn.defer("card"))), None)

    def _tried(self, version: ModelVersion) -> LiveModel | None:
        """A version's model; None if it is refused, now or since its file last changed."""
        past, file = self._refusals.get(version.pk), state_of_file(version)
        if past and past.is_unchanged(file):
            return None
        try:
            forest = load(version)
        except (ForestFileError, OSError) as error:
            rest = FETCH_SECONDS if isinstance(error, StoreUnavailable) else RETRY_SECONDS
            self._refuse(version, _reason(error), file, rest)
            return None
        self._refusals.pop(version.pk, None)
        if version.failure:
            _mark(version, "")
        return LiveModel(version, forest)

    def _refuse(self, version: ModelVersion, why: str, file: FileState | None, rest: float) -> None:
        past = self._refusals.get(version.pk)
        self._refusals[version.pk] = Refusal(why, file, time.monotonic() + rest)
        if not past or past.why != why:
            log.error("model %s could not be loaded: %s", version, why)
        _mark(version, f"{socket.gethostname()}: {why}")

    def keep_fresh(self) -> None:
        """Refreshes once, then every second in a thread, as long as the process lives."""
        self._refresh_quietly()
        connection.close()  # the calling thread no longer needs it
        self._thread = threading.Thread(target=self._forever, name="registry", daemon=True)
        self._thread.start()

    def _forever(self) -> None:
        while True:
            time.sleep(FIRST_SECONDS if self._checked is None else FRESH_SECONDS)
            try:
                self._refresh_quietly()
            except Exception:  # after any error, the next check must still run
                log.exception("the active models could not be refreshed")

    def _refresh_quietly(self) -> None:
        close_old_connections()
        try:
            self.refresh()
        except DatabaseUnusable as error:
            log.warning("the active models could not be read: %s", error)


def _count(wanted: dict[str, ModelVersion], live: dict[str, LiveModel]) -> None:
    """Sets the metrics of the versions that this process answers from, and of those that failed to load."""
    for scheme in SCHEMES:
        number = live[scheme].version.number if scheme in live else 0
        metrics.LIVE.labels(scheme).set(number)
        requested = wanted[scheme].number if scheme in wanted else 0
        metrics.REFUSED.labels(scheme).set(0 if requested == number else requested)


registry = Registry()


def _reason(error: Exception) -> str:
    """Why a file was refused, with its path relative to the storage's folder."""
    return str(error).replace(f"{settings.MEDIA_ROOT}/", "")


def _mark(version: ModelVersion, failure: str) -> None:
    """Saves the failure for the admin; if the database cannot be written, the forest still serves."""
    try:
        ModelVersion.objects.filter(pk=version.pk).exclude(failure=failure).update(failure=failure)
    except DatabaseUnusable as error:
        let_go(error)


def forest_of(version: ModelVersion) -> PriceForest:
    """The forest of any registered version, active or not; cached. Errors as in `load`."""
    live = registry.loaded().get(version.scheme)
    return live.forest if live and live.version.pk == version.pk else _kept(version.pk)


@lru_cache(maxsize=4)
def _kept(pk: int) -> PriceForest:
    return load(ModelVersion.objects.get(pk=pk))
