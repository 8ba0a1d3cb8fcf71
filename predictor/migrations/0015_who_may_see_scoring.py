"""Reviewers and maintainers see which files were priced."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = ("reviewer", "maintainer")


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    may_see = Permission.objects.get(
        codename="view_scoringrun", content_type__app_label="predictor"
    )
    for role in ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(may_see)


def take(apps, schema_editor):
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=ROLES):
        group.permissions.remove(*Permission.objects.filter(codename="view_scoringrun"))


class Migration(migrations.Migration):

    dependencies = [("predictor", "0014_scoring_run")]

    operations = [migrations.RunPython(give, take)]
