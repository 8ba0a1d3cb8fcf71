"""Maintainers see the retrainings that they ask for."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    group, _ = Group.objects.get_or_create(name="maintainer")
    # None on a new database: 0023 gives the permission of the table that has them now.
    group.permissions.add(*Permission.objects.filter(codename="view_retrainjob"))


def take(apps, schema_editor):
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    for group in Group.objects.filter(name="maintainer"):
        group.permissions.remove(*Permission.objects.filter(codename="view_retrainjob"))


class Migration(migrations.Migration):

    dependencies = [("predictor", "0011_retrain_job")]

    operations = [migrations.RunPython(give, take)]
