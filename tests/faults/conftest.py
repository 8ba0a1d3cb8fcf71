"""Fixtures of the fault tests: an installation with two versions of each scheme, copied for each test."""

import os
import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.db.utils import load_backend
from django.test import override_settings
from filelock import FileLock

from ml import dataset
from ml.stones import SCHEMES
from predictor.history.deletion import deletion_allowed
from predictor.models import Prediction
from predictor.private_files import make_folder
from predictor.versions.activation import activate
from predictor.versions.live import _kept
from predictor.versions.store import register
from tests.environment import FOLDER, end_processes_of

from .server import Server

BASE_DIR = Path(__file__).parent.parent.parent
POSTGRES = os.environ.get("DATABASE_URL", "")
"""The database server on which tests create databases; empty if they run on SQLite."""

OF_THIS_RUN = f"diamonds_faults_{FOLDER.name.rpartition('-')[2]}"
"""The prefix of the names of this run's databases and roles."""


@dataclass(frozen=True)
class Site:
    """An installation: its folder, its database, and the servers that run on it."""

    var: Path
    database: str

    @property
    def url(self):
        """DATABASE_URL; empty if the database is the folder's SQLite file."""
        return urlsplit(POSTGRES)._replace(path=f"/{self.database}").geturl() if POSTGRES else ""

    def server(self, **environment):
        """A Server of the installation, not started yet."""
        return Server(self.var, self.url, **environment)

    @contextmanager
    def in_this_process(self):
        """Makes this thread's models, registry and settings use the installation."""
        of_the_suite = connections["default"]
        name = self.database if POSTGRES else str(self.var / "history.sqlite3")
        parameters = {**connections.settings["default"], "NAME": name}
        own = load_backend(parameters["ENGINE"]).DatabaseWrapper(parameters, "default")
        connections["default"] = own
        try:
            with override_settings(VAR_DIR=self.var, MEDIA_ROOT=self.var / "media"):
                yield
        finally:
            own.close()
            connections["default"] = of_the_suite


@pytest.fixture(scope="session")
def prepared(small_forests, other_forests, django_db_blocker):
    """A migrated Site with versions 1 (active) and 2 of each scheme, trained on the sample; never served.

    The first process that asks for it creates it; it is removed at the end of the run.
    """
    site = Site(FOLDER / "prepared", OF_THIS_RUN)
    with FileLock(FOLDER / "prepared.lock"):
        if not site.var.exists():
            make_folder(site.var / "static")
            _create(site.database)
            with django_db_blocker.unblock(), site.in_this_process():
                call_command("migrate", verbosity=0)
                for scheme, forest in small_forests.items():
                    activate(register(forest, "tests"), "tests", "for the tests")
                    register(other_forests[scheme], "tests")
    return site


def _new_name():
    return f"{OF_THIS_RUN}_{uuid.uuid4().hex[:8]}"


@contextmanager
def _own(prepared, var, blocker):
    """A copy of the prepared Site; this process's models use it while it exists."""
    own = Site(var, _new_name())
    shutil.copytree(prepared.var, own.var, ignore=shutil.ignore_patterns("static"))
    make_folder(own.var / "static")
    _kept.cache_clear()  # it holds forests of the suite's own database
    with _created(own.database, prepared.database), blocker.unblock(), own.in_this_process():
        yield own
    _kept.cache_clear()


@pytest.fixture
def site(prepared, tmp_path, fresh_registry, django_db_blocker):
    """A Site for one test."""
    with _own(prepared, tmp_path / "var", django_db_blocker) as own:
        yield own


@pytest.fixture(scope="module")
def shared_site(prepared, tmp_path_factory, django_db_blocker):
    """A Site for all tests of a file; each starts with it `emptied`."""
    with _own(prepared, tmp_path_factory.mktemp("site") / "var", django_db_blocker) as own:
        yield own


@pytest.fixture
def emptied(shared_site):
    """The shared Site without predictions and users."""
    get_user_model().objects.all().delete()
    with deletion_allowed():
        Prediction.objects.all().delete()
    return shared_site


@pytest.fixture
def empty_site(tmp_path):
    """A Site on which nothing was ever started: an empty folder and an empty database."""
    empty = Site(tmp_path / "empty", f"{OF_THIS_RUN}_{uuid.uuid4().hex[:8]}")
    make_folder(empty.var)
    with _created(empty.database):
        yield empty


@pytest.fixture(scope="session")
def collected(prepared):
    """A folder of all static files, collected by the first process that asks for it."""
    with FileLock(FOLDER / "collected.lock"):
        if not (prepared.var / "static" / "staticfiles.json").exists():
            run(prepared, "collectstatic", "--no-input", "--verbosity", "0")
    return prepared.var / "static"


@pytest.fixture
def pages(site, collected):
    """A Site with collected static files, which pages need."""
    return with_pages(site, collected)


def with_pages(site, collected):
    """Adds the collected static files to a Site."""
    static = site.var / "static"
    if not static.is_symlink():
        shutil.rmtree(static, ignore_errors=True)
        static.symlink_to(collected)
    return site


def run(site, *arguments, prefix=(), **environment):
    """Runs a manage.py command on a Site; returns its output."""
    command = [*prefix, sys.executable, "manage.py", *arguments]
    environment = {**site.server(**environment).environment, "LOG_LEVEL": "WARNING"}
    done = subprocess.run(
        command,
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def stones(sample):
    """Real stones in the API's format: {scheme: [features, …]}."""
    return {scheme: _payloads(dataset.clean(sample, scheme).stones, scheme) for scheme in SCHEMES}


def _payloads(stones, scheme):
    return stones.iloc[::10][list(SCHEMES[scheme])].astype(object).to_dict("records")


@contextmanager
def _created(database, template="template1"):
    """Creates a PostgreSQL database and drops it at the end; does nothing on SQLite."""
    try:
        _create(database, template)
        yield
    finally:
        _drop("DATABASE", [database], "WITH (FORCE)")


def _create(database, template="template1"):
    for postgres in _postgres():
        postgres.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')


def _drop(kind, names, how=""):
    for postgres in _postgres():
        for name in names:
            postgres.execute(f'DROP {kind} IF EXISTS "{name}" {how}')


def _postgres():
    """A connection to the database server, if the tests run on one."""
    if POSTGRES:
        with psycopg.connect(POSTGRES, autocommit=True) as postgres:
            yield postgres


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Drops what is left of this run's databases and roles: shared ones, and those of interrupted tests."""
    if hasattr(session.config, "workerinput"):
        return
    end_processes_of(FOLDER)
    for postgres in _postgres():
        ours = [f"{OF_THIS_RUN}%"]
        found = postgres.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", ours)
        _drop("DATABASE", [name for [name] in found], "WITH (FORCE)")
        found = postgres.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", ours)
        _drop("ROLE", [name for [name] in found])
