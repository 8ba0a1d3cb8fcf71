"""Jobs of all kinds, and the workers that run them."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

OPEN = ("queued", "running")
STATES = [
    ("queued", "waiting"),
    ("running", "running"),
    ("done", "done"),
    ("failed", "failed"),
    ("stopped", "stopped"),
    ("lost", "lost: the worker stopped"),
]


class Migration(migrations.Migration):

    dependencies = [
        ("predictor", "0021_admin_log_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("seen", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField("kind", max_length=30)),
                ("arguments", models.JSONField(default=dict)),
                ("by", models.ForeignKey(
                    settings.AUTH_USER_MODEL, django.db.models.deletion.SET_NULL, null=True, verbose_name="by"
                )),
                ("language", models.CharField(max_length=8, default="en")),
                ("state", models.CharField("state", max_length=7, choices=STATES, default="queued")),
                ("created", models.DateTimeField("requested", default=django.utils.timezone.now)),
                ("started", models.DateTimeField("started at", null=True)),
                ("heartbeat", models.DateTimeField("last heartbeat", null=True)),
                ("ended", models.DateTimeField("finished at", null=True)),
                ("worker", models.UUIDField(null=True)),
                ("losses", models.PositiveSmallIntegerField(default=0)),
                ("stop_requested", models.BooleanField(default=False)),
                ("done", models.PositiveBigIntegerField("done", default=0)),
                ("total", models.PositiveBigIntegerField("total", default=0)),
                ("outcome", models.TextField("result", blank=True)),
                ("result", models.JSONField(default=dict)),
                ("file", models.CharField("file", max_length=200, blank=True)),
                ("rows", models.PositiveBigIntegerField("rows", null=True)),
                ("size", models.PositiveBigIntegerField("size", null=True)),
                ("expires", models.DateTimeField("deleted after", null=True)),
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
                "default_permissions": ("view",),
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["state", "id"], condition=models.Q(state__in=OPEN), name="job_open"),
                    models.Index(fields=["by", "-id"], name="job_of_user"),
                    models.Index(fields=["expires"], condition=models.Q(expires__isnull=False), name="job_expires"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.Case(models.When(kind="retrain", state__in=OPEN, then=models.Value(1))),
                        name="one_retraining_open",
                    )
                ],
            },
        ),
    ]
