"""Fixtures of the job tests: a kind of job for tests, and a worker in this process."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from predictor.jobs.errors import JobFailed
from predictor.jobs.kinds import KINDS, Kind
from predictor.jobs.queue import ask
from predictor.models import Job


def example(context, end="done", rows=2):
    """Writes a file of two rows, and ends as requested."""
    with context.write_file("example.csv") as file:
        for row in range(rows):
            file.write(b"row\n")
            context.progress(row + 1, rows)
    context.rows = rows
    errors = {
        "failed": JobFailed("no rows match"),
        "broken": ZeroDivisionError("division by zero"),
        "away": OperationalError("the database is away"),
        "full": OSError(28, "No space left on device"),
    }
    if end in errors:
        raise errors[end]
    context.result = {"rows": rows}
    return "two rows"


@pytest.fixture
def owner(db):
    """A superuser, who may request every kind of job."""
    return User.objects.create_superuser("owner")


@pytest.fixture
def kind(monkeypatch):
    """Returns a function that declares the kind `example` with other options."""

    def declared(**options):
        options = {"limit": timedelta(minutes=1), "run": example} | options
        permission = options.pop("permission", "predictor.view_job")
        kind = Kind("example", "example", permission, **options)
        monkeypatch.setitem(KINDS, "example", kind)
        return kind

    declared()
    return declared


@pytest.fixture
def asked(kind, owner):
    """Returns a function that requests an example."""
    return lambda **arguments: ask("example", owner, **arguments)


def stored_files(settings):
    """The files of jobs that are stored."""
    return sorted(path.name for path in (settings.MEDIA_ROOT / "jobs").glob("*"))


def state():
    """The state of the only job."""
    return Job.objects.get().state
