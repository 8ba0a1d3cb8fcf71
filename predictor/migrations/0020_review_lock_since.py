"""A review's lock says since when it is held, and maintainers may take one over."""

import django.utils.timezone
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

TAKE_OVER = "take_over_reviewlock"


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    group, _ = Group.objects.get_or_create(name="maintainer")
    group.permissions.add(*Permission.objects.filter(codename=TAKE_OVER))


def take(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    Permission.objects.filter(codename=TAKE_OVER).delete()


class Migration(migrations.Migration):

    dependencies = [("predictor", "0019_plain_labels")]

    operations = [
        migrations.AlterModelOptions(
            "reviewlock",
            {
                "default_permissions": (),
                "permissions": [(TAKE_OVER, "Can take over a review")],
            },
        ),
        migrations.AddField(
            "reviewlock", "since", models.DateTimeField(default=django.utils.timezone.now)
        ),
        migrations.RunPython(give, take),
    ]
