"""Prices that clients report for priced stones; reviewers release or refuse them."""

import django.db.models.deletion
import django.utils.timezone
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

GIVEN = ["view_outcome", "change_outcome"]


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    for name in ("reviewer", "maintainer"):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(codename__in=GIVEN))


def take(apps, schema_editor):
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=["reviewer", "maintainer"]):
        group.permissions.remove(*Permission.objects.filter(codename__in=GIVEN))


def user(label, **options):
    return models.ForeignKey(
        to=settings.AUTH_USER_MODEL,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        verbose_name=label,
        **options,
    )


class Migration(migrations.Migration):

    dependencies = [
        ("predictor", "0029_retired_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            "Outcome",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount", models.FloatField(verbose_name="price")),
                (
                    "kind",
                    models.CharField(
                        choices=[("asking", "asking prices"), ("paid", "paid prices")],
                        max_length=6,
                        verbose_name="kind",
                    ),
                ),
                ("sold_on", models.DateField(null=True, verbose_name="sold on")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("released", "released"),
                            ("refused", "refused"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("reviewed_at", models.DateTimeField(null=True, verbose_name="reviewed at")),
                ("by", user("by")),
                ("reviewed_by", user("reviewed by", null=True)),
                (
                    "prediction",
                    models.ForeignKey(
                        to="predictor.prediction",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outcomes",
                        verbose_name="prediction",
                    ),
                ),
            ],
            options={
                "verbose_name": "reported price",
                "verbose_name_plural": "reported prices",
                "default_permissions": ("view", "add", "change"),
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["by"],
                        condition=models.Q(state="waiting"),
                        name="outcome_waiting",
                    ),
                    models.Index(fields=["state", "-id"], name="outcome_state"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["prediction", "by"], name="one_outcome_of_a_client"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(amount__gt=0), name="an_outcome_is_positive"
                    ),
                ],
            },
        ),
        migrations.RunPython(give, take),
    ]
