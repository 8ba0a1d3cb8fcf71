"""The groups reviewer and maintainer; rights to change predictions, which nobody has any more, go."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

REVIEWER = [
    "view_prediction", "export_prediction", "view_modelversion", "view_activation",
    "view_review", "add_review", "change_review", "view_historicalreview",
    "view_savedview", "add_savedview", "change_savedview", "delete_savedview",
    "view_sample", "add_sample",
]
MAINTAINER = [*REVIEWER, "add_activation", "retrain_modelversion", "prune_prediction"]


def make(apps, schema_editor):
    # Django makes permissions only after all migrations; here they are needed now.
    for name in ("predictor",):
        config = installed.get_app_config(name)
        create_permissions(config, verbosity=0, using=schema_editor.connection.alias)
    Permission = apps.get_model("auth", "Permission")
    Group = apps.get_model("auth", "Group")
    own = Permission.objects.filter(content_type__app_label="predictor")
    for role, codenames in (("reviewer", REVIEWER), ("maintainer", MAINTAINER)):
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*own.filter(codename__in=codenames))
    gone = [f"{act}_prediction" for act in ("add", "change", "delete")]
    own.filter(codename__in=gone).delete()


def unmake(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=["reviewer", "maintainer"]).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("predictor", "0006_kept"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make, unmake)]
