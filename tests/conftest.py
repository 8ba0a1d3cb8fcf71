"""Fixtures of all tests: real stones, small forests trained on them, and one full training a run."""

import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.utils.timezone import localdate
from django.utils.translation import override
from filelock import FileLock
from hypothesis import HealthCheck, settings

from bench.own_list import make
from ml import dataset, training
from ml.forest import artifact
from ml.stones import EXAMPLES, SCHEMES
from predictor.jobs.queue import claim
from predictor.jobs.worker import JobWorker
from predictor.models import Activation, Prediction
from predictor.versions.live import LiveModel, _kept, registry
from predictor.versions.store import register, store_file
from predictor.web.access import throttle

from .environment import FORESTS
from .own_stones import OWN, own_forest_of
from .starts import Starts
from .stores import s3

# Hypothesis's generated cases only read fixtures, or are rolled back with the whole test.
settings.register_profile(
    "quick",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=2000)
settings.load_profile("quick")


def pytest_configure():
    """Hashes passwords with the usual hasher in one iteration instead of many: any server can
    verify them."""
    PBKDF2PasswordHasher.iterations = 1


@pytest.fixture(autouse=True)
def needed_database(request):
    """Skips tests marked for PostgreSQL when the suite runs on SQLite."""
    if request.node.get_closest_marker("postgresql") and not os.environ.get("DATABASE_URL"):
        pytest.skip("needs PostgreSQL: make test DATABASE_URL=postgres://…")


@pytest.fixture(scope="session", autouse=True)
def emptied_with_deletion_allowed():
    """Lets a transactional test delete the history when it empties the database."""
    operations = type(connection.ops)
    flushed = operations.sql_flush

    def with_deletion_allowed(self, *args, **options):
        statements = flushed(self, *args, **options)
        if connection.vendor == "sqlite":
            opened, shut = "INSERT INTO predictor_door VALUES (1)", "DELETE FROM predictor_door"
        else:
            opened, shut = "SET LOCAL diamonds.door = 'open'", "SET LOCAL diamonds.door = ''"
        return [opened, *statements, shut]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", with_deletion_allowed)
        yield


@pytest.fixture(scope="session")
def raw():
    """All 53,940 recorded stones."""
    return dataset.load()


@pytest.fixture(scope="session")
def sample(raw):
    """3,000 real stones: every 18th row of the table, so prices of the whole range."""
    return raw.iloc[::18].reset_index(drop=True)


@pytest.fixture(scope="session")
def few(sample):
    """1,100 of the sample: enough for a forest, which trains in a second."""
    return sample.iloc[::2].head(1100)


def file_of(name):
    """The path of the run's forest of this name; a run that a test starts uses those of the test's run."""
    return FORESTS / f"{name}.forest"


def once_a_run(name, train):
    """Trains a forest in the first process that asks for it; the other processes load its file."""
    path = file_of(name)
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            artifact.save(train(), path)
    return artifact.load(path, artifact.sha256_of(path))


@pytest.fixture(scope="session")
def small_forests(sample):
    """A forest of each scheme, trained on the sample."""
    return {
        scheme: once_a_run(scheme, lambda s=scheme: training.train(sample, s, seed=7))
        for scheme in SCHEMES
    }


@pytest.fixture(scope="session")
def other_forests(sample):
    """The same with another seed."""
    return {
        scheme: once_a_run(f"other-{scheme}", lambda s=scheme: training.train(sample, s, seed=8))
        for scheme in SCHEMES
    }


@pytest.fixture(scope="session")
def later_forests(raw, sample):
    """A forest of each scheme from a table that changed: most of the sample's stones, a tenth of them at
    another price, and some others."""
    kept, new = sample.iloc[300:1300].copy(), raw.iloc[7:9000:18]
    kept.loc[kept.index[::10], "price"] *= 1.2
    table = pd.concat([kept, new], ignore_index=True)
    return {
        scheme: once_a_run(f"later-{scheme}", lambda s=scheme: training.train(table, s, seed=7))
        for scheme in SCHEMES
    }


@pytest.fixture(scope="session")
def own_stones():
    """1,500 stones of a shop's list, with all optional properties; some of them state no fluorescence."""
    stones = make(1500, 1).stones
    stones.loc[::9, "fluorescence"] = ""
    return stones


@pytest.fixture(scope="session")
def own_forest(own_stones):
    """A graded forest of that list."""
    return once_a_run("own", lambda: training.train(own_stones, "graded", seed=7))


@pytest.fixture(scope="session")
def later_own_forest(own_stones):
    """A forest of a later list of the shop: no laboratories and no color K, most of the stones, some at
    another price."""
    kept = own_stones[own_stones.color != "K"].iloc[:1200].drop(columns="laboratory").copy()
    kept.loc[kept.index[::10], "price"] *= 1.2
    return once_a_run("later-own", lambda: training.train(kept, "graded", seed=7))


@pytest.fixture(scope="session")
def full_coded(raw):
    """The coded forest of the whole table, by the original recipe: (forest, held-out stones)."""
    training_side, held_out = dataset.split(dataset.clean(raw, "coded").stones, "coded")
    fit = lambda: training.fit(training_side, "coded", training.SEED)  # noqa: E731
    return once_a_run("full", fit), held_out


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    """Pages name their static files without a manifest, so collectstatic is not needed."""
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


@pytest.fixture(autouse=True)
def uncounted():
    """Clears the counts of requests, and the pause after a cache failure, before every test."""
    cache.clear()
    throttle._asleep_until = 0


@pytest.fixture(scope="session")
def starts():
    """Starts the project's commands in separate processes."""
    with Starts() as starts:
        yield starts


@pytest.fixture
def kept_connection(monkeypatch):
    """Requests do not close the test's connection, as with Django's own test client."""
    monkeypatch.setattr("predictor.api.quick.close_old_connections", lambda: None)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def fresh_registry(monkeypatch):
    """The registry of a process that has just started: nothing loaded, nothing looked up."""
    for name in ("_live", "_failed", "_refusals"):
        monkeypatch.setattr(registry, name, {})
    _kept.cache_clear()  # the next test's versions may have the same ids
    monkeypatch.setattr(registry, "_checked", None)
    return registry


@pytest.fixture(scope="session")
def small_files(small_forests):
    """The sha256 of each small forest's file."""
    return {scheme: artifact.sha256_of(file_of(scheme)) for scheme in SCHEMES}


@pytest.fixture
def live_models(db, settings, tmp_path, small_forests, small_files, fresh_registry):
    """An active version of each scheme, trained on the sample: {scheme: ModelVersion}.

    The same state as `register`, `activate` and a refresh of the registry, without reading or copying a
    file again: a test that changes a file in place needs `own_files`.
    """
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VAR_DIR = tmp_path
    settings.RECEIPT_KEYS_FILE = tmp_path / "receipt_keys.json"
    settings.SEALS_DIR = tmp_path / "seals"
    before, versions = _changed_at(), {}
    for scheme, forest in small_forests.items():
        link = tmp_path / file_of(scheme).name
        link.hardlink_to(file_of(scheme))
        versions[scheme] = store_file(link, small_files[scheme], forest.metadata, "tests")
        Activation.objects.create(
            scheme=scheme, version=versions[scheme], by="tests", why="for the tests"
        )
        fresh_registry._live[scheme] = LiveModel(versions[scheme], forest)
    fresh_registry._checked = time.monotonic()
    yield versions
    assert _changed_at() == before, "a file of all tests was changed in place: use own_files"


def _changed_at():
    return {scheme: file_of(scheme).stat().st_mtime_ns for scheme in SCHEMES}


@pytest.fixture
def own_files(live_models):
    """The active versions, whose files are copies that a test may change in place."""
    for version in live_models.values():
        path = Path(version.artifact.path)
        copy = path.with_suffix(".copy")
        shutil.copy(path, copy)
        copy.replace(path)
    return live_models


@pytest.fixture
def own_live(live_models, fresh_registry, small_forests):
    """An active graded version of an own list (tests.own_stones): its ModelVersion."""
    forest = own_forest_of(small_forests["graded"])
    version = live_models["graded"]
    version.vocabulary, version.price_year = OWN.as_metadata()["vocabulary"], localdate().year
    version.save(update_fields=["vocabulary", "price_year"])
    fresh_registry._live["graded"] = LiveModel(version, forest)
    return version


@pytest.fixture
def second(live_models, small_forests):
    """A second registered version of the coded scheme, not active."""
    return register(small_forests["coded"], "tests")


@pytest.fixture
def later(live_models, later_forests):
    """A graded version of a table that changed, not active."""
    return register(later_forests["graded"], "tests")


@pytest.fixture(scope="module")
def s3_server():
    """The environment of an S3 server; this process's clients use it as well."""
    with s3() as environment:
        yield environment


@pytest.fixture
def worker(db, settings, tmp_path):
    """A worker for jobs in this process; `one` runs the job that waits longest, and returns it."""
    settings.VAR_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"

    class OneAtATime(JobWorker):
        def one(self):
            job = claim(self.id)
            self.carry_out(job, tmp_path)
            job.refresh_from_db()
            return job

    return OneAtATime()


@pytest.fixture
def answers(client, live_models):
    """Three graded answers for 0.75, 0.76 and 0.77 ct, oldest first."""
    for carat in (0.75, 0.76, 0.77):
        client.get("/api/predict", {**EXAMPLES["graded"][0], "carat": carat})
    return [*Prediction.objects.filter(carat__gte=0.75).order_by("pk")]


@pytest.fixture
def in_english():
    """Messages and figures in English."""
    with override("en"):
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begins with the longest tests in each process, and leaves the order of the others.

    xdist gives each process an equal part of the list, and later the end of another's part.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    count, ordered = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)), []
    for number in range(count):
        ordered += long[number::count]
        room = max(0, len(items) * (number + 1) // count - len(ordered))
        ordered += others[:room]
        del others[:room]
    items[:] = ordered + others


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Fails a run that has skipped tests if NO_SKIPS is set."""
    if hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter and reporter.stats.get("skipped")
    if os.environ.get("NO_SKIPS") and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
