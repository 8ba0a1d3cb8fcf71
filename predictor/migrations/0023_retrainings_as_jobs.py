"""Retrainings become jobs: one that waits still waits, one that runs is lost with its worker.

The tables of django-tasks-db, which queued them, are left as they are. Maintainers see all jobs.
"""

from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations

SAME = ("state", "done", "total", "outcome", "created", "ended")


def copy(apps, schema_editor):
    Old, Job = apps.get_model("predictor", "RetrainJob"), apps.get_model("predictor", "Job")
    Old.objects.filter(state="running").update(state="lost")
    users = {user.username: user for user in apps.get_model(settings.AUTH_USER_MODEL).objects.all()}
    for old in Old.objects.order_by("pk"):
        Job.objects.create(
            kind="retrain",
            arguments={"scheme": old.scheme, "with_reviewed": old.with_reviewed},
            by=users.get(old.by),
            heartbeat=old.heard,
            result={"version": old.version_id} if old.version_id else {},
            **{name: getattr(old, name) for name in SAME},
        )


def copy_back(apps, schema_editor):
    Old, Job = apps.get_model("predictor", "RetrainJob"), apps.get_model("predictor", "Job")
    versions = {*apps.get_model("predictor", "ModelVersion").objects.values_list("pk", flat=True)}
    for job in Job.objects.filter(kind="retrain").order_by("pk"):
        version = job.result.get("version")
        old = Old(
            by=job.by.username if job.by else "",
            heard=job.heartbeat,
            version_id=version if version in versions else None,
            **job.arguments,
            **{name: getattr(job, name) for name in SAME},
        )
        # Nothing of the older release continues an open one; and it has no state "stopped".
        if old.state not in ("done", "failed"):
            old.state = "lost"
        old.save()
    Job.objects.filter(kind="retrain").delete()


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    own = Permission.objects.filter(content_type__app_label="predictor")
    group, _ = Group.objects.get_or_create(name="maintainer")
    group.permissions.add(*own.filter(codename="view_job"))
    own.filter(codename="view_retrainjob").delete()


class Migration(migrations.Migration):

    dependencies = [("predictor", "0022_jobs")]

    operations = [
        migrations.RunPython(copy, copy_back),
        migrations.RunPython(give, migrations.RunPython.noop),
        migrations.DeleteModel("RetrainJob"),
    ]
