"""Migration 0018 renames models: permissions to view and acknowledge lights become those for alarms."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from predictor.models import Alarm

SAMPLE = dict(
    scheme="coded",
    number=1,
    artifact="x",
    seed=1,
    scores={},
    training_ranges={},
    rows={},
    library_versions={},
)


def allowed():
    """The permissions of this test's group on lights or alarms."""
    about = Permission.objects.filter(codename__regex="_(light|alarm)$", group__name="watchers")
    return sorted(about.values_list("codename", flat=True))


@pytest.fixture
def before(transactional_db):
    """The models before the migration; the database is migrated again afterwards."""
    call_command("migrate", "predictor", "0017", verbosity=0)
    loader = MigrationExecutor(connection).loader
    yield loader.project_state([("predictor", "0017_scoring_addresses_without_secrets")]).apps
    call_command("migrate", verbosity=0)


def test_rows_and_permissions_stay(before):
    version = before.get_model("predictor", "ModelVersion").objects.create(**SAMPLE)
    before.get_model("predictor", "Light").objects.create(kind="error", version=version, red=True)
    watchers = Group.objects.create(name="watchers")
    watchers.permissions.set(Permission.objects.filter(codename__in=["view_light", "change_light"]))
    assert allowed() == ["change_light", "view_light"]
    call_command("migrate", verbosity=0)
    assert allowed() == ["change_alarm", "view_alarm"]
    assert Alarm.objects.get().active
    call_command("migrate", "predictor", "0017", verbosity=0)
    assert allowed() == ["change_light", "view_light"]
    assert before.get_model("predictor", "Light").objects.get().red
