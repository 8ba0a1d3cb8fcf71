"""Fixtures of all tests: real stones, small forests trained on them, and one full training a run."""

import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.utils.translation import override
from filelock import FileLock
from hypothesis import HealthCheck, settings

from ml import dataset, training
from ml.forest import artifact
from ml.stones import EXAMPLES, SCHEMES
from predictor.jobs.queue import claim
from predictor.jobs.worker import JobWorker
from predictor.models import Activation, Prediction
from predictor.versions.live import LiveModel, _kept, registry
from predictor.versions.store import register, store_file

from .environment import FOLDER
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
    """The path of the run's forest of this name."""
    return FOLDER / f"{name}.forest"


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


@pytest.fixture(scope="session")
def starts():
    """Starts the project's commands in separate processes."""
    with Starts() as starts:
        yield starts


@pytest.fixture
def kept_connection():
    """Requests do not close the test's connection, as with Django's own test client."""
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

    The same state as `register`, `activate` and a refresh of the registry, without reading a file
    again.
    """
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VAR_DIR = tmp_path
    versions = {}
    for scheme, forest in small_forests.items():
        copy = Path(shutil.copy(file_of(scheme), tmp_path))
        versions[scheme] = store_file(copy, small_files[scheme], forest.metadata, "tests")
        Activation.objects.create(
            scheme=scheme, version=versions[scheme], by="tests", why="for the tests"
        )
        fresh_registry._live[scheme] = LiveModel(versions[scheme], forest)
    fresh_registry._checked = time.monotonic()
    return versions


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
    """Runs the slowest tests first and leaves the order of the others, which shortens a parallel run."""
    items.sort(key=lambda item: item.get_closest_marker("full_table") is None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Fails a run that has skipped tests if NO_SKIPS is set."""
    if hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter and reporter.stats.get("skipped")
    if os.environ.get("NO_SKIPS") and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
