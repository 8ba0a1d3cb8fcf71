"""Migration 0023: retrainings become jobs, and back."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from predictor.models import Job

BEFORE = ("predictor", "0022_jobs")


@pytest.fixture
def before(transactional_db):
    """The models before the migration; the database is migrated again afterwards."""
    call_command("migrate", *BEFORE, verbosity=0)
    yield MigrationExecutor(connection).loader.project_state([BEFORE]).apps
    call_command("migrate", verbosity=0)


def test_retrainings_become_jobs_and_back(before):
    user = User.objects.create_user("max")
    old = before.get_model("predictor", "RetrainJob").objects
    old.create(scheme="coded", with_reviewed=False, by="max", state="done", outcome="coded 2: live")
    old.create(scheme="graded", by="gone", state="running")
    call_command("migrate", verbosity=0)
    lost, done = Job.objects.all()
    assert (lost.state, lost.by) == ("lost", None)
    assert (done.kind, done.state, done.by, done.outcome) == (
        "retrain",
        "done",
        user,
        "coded 2: live",
    )
    assert done.arguments == {"scheme": "coded", "with_reviewed": False}
    call_command("migrate", *BEFORE, verbosity=0)
    again = [(row.scheme, row.by, row.state, row.with_reviewed) for row in old.order_by("pk")]
    assert again == [("coded", "max", "done", False), ("graded", "", "lost", True)]
    assert not Job.objects.exists()
