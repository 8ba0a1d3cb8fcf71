"""Reviewers see the lights; maintainers also put them out."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

GIVEN = {"reviewer": ["view_light"], "maintainer": ["view_light", "change_light"]}


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    for role, codenames in GIVEN.items():
        group, _ = Group.objects.get_or_create(name=role)
        own = Permission.objects.filter(content_type__app_label="predictor")
        group.permissions.add(*own.filter(codename__in=codenames))


def take(apps, schema_editor):
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    for role, codenames in GIVEN.items():
        for group in Group.objects.filter(name=role):
            group.permissions.remove(*Permission.objects.filter(codename__in=codenames))


class Migration(migrations.Migration):

    dependencies = [("predictor", "0009_monitoring")]

    operations = [migrations.RunPython(give, take)]
