"""Models are called by what they are: Light is Alarm, Drawn is SampledPrediction, Opened is ReviewLock.

Whoever had a permission for lights has it for alarms. RenameModel renames no permissions.
"""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

GIVEN = {"reviewer": ["view_alarm"], "maintainer": ["view_alarm", "change_alarm"]}


def renamed(old, new):
    def rename(apps, schema_editor):
        Permission = apps.get_model("auth", "Permission")
        own = Permission.objects.filter(content_type__app_label="predictor")
        for act in ("view", "change"):
            fresh = own.filter(codename=f"{act}_{new}").first()
            for stale in own.filter(codename=f"{act}_{old}"):
                if fresh is None:
                    stale.codename, stale.name = f"{act}_{new}", f"Can {act} {new}"
                    stale.save()
                    continue
                fresh.group_set.add(*stale.group_set.all())
                fresh.user_set.add(*stale.user_set.all())
                stale.delete()

    return rename


def give(apps, schema_editor):
    """On a new database 0010 knows the permissions by their new names only, and has given none."""
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    own = Permission.objects.filter(content_type__app_label="predictor")
    if own.filter(codename="view_light").exists():
        return
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    for role, codenames in GIVEN.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*own.filter(codename__in=codenames))


class Migration(migrations.Migration):

    dependencies = [("predictor", "0017_scoring_addresses_without_secrets")]

    operations = [
        migrations.RemoveConstraint("light", "one_light_of_a_kind"),
        migrations.RenameModel("Light", "Alarm"),
        migrations.RunPython(give, migrations.RunPython.noop),
        migrations.RunPython(renamed("light", "alarm"), renamed("alarm", "light")),
        migrations.RenameField("alarm", "red", "active"),
        migrations.RenameModel("Drawn", "SampledPrediction"),
        migrations.RenameModel("Opened", "ReviewLock"),
        migrations.AlterModelOptions(
            "alarm",
            {
                "default_permissions": ("view", "change"),
                "ordering": ["version__scheme", "kind"],
                "verbose_name": "alarm",
                "verbose_name_plural": "monitoring",
            },
        ),
        migrations.AlterField(
            "alarm",
            "kind",
            models.CharField(
                "alarm", choices=[("inputs", "inputs moved"), ("error", "error rose")], max_length=6
            ),
        ),
        migrations.AddConstraint(
            "alarm",
            models.UniqueConstraint(fields=["kind", "version"], name="one_alarm_of_a_kind"),
        ),
        migrations.AlterField(
            "reviewlock",
            "prediction",
            models.OneToOneField(
                "predictor.prediction", models.CASCADE, related_name="review_lock"
            ),
        ),
        migrations.AlterField(
            "sampledprediction",
            "prediction",
            models.ForeignKey("predictor.prediction", models.PROTECT, related_name="samples"),
        ),
        migrations.AlterField(
            "sampledprediction",
            "sample",
            models.ForeignKey("predictor.sample", models.CASCADE, related_name="predictions"),
        ),
    ]
