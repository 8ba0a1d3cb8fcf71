"""Samples of the reviews that are worth most, assigned to reviewers, and two reviews of one answer."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def number():
    return models.FloatField(null=True)


def user(on_delete, **options):
    return models.ForeignKey(
        to=settings.AUTH_USER_MODEL, on_delete=on_delete, related_name="+", **options
    )


class Migration(migrations.Migration):

    dependencies = [
        ("predictor", "0024_sample_request"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "sample",
            "by_worth",
            models.BooleanField("the reviews that are worth most", default=False),
        ),
        migrations.AddField("sample", "expected", number()),
        migrations.AddField("sample", "threshold", number()),
        migrations.AddField(
            "sample", "twice", models.BooleanField("two independent reviews", default=False)
        ),
        migrations.AddField("sampledprediction", "weight", number()),
        migrations.AddField("sampledprediction", "priority", number()),
        migrations.AddField("sampledprediction", "expected", number()),
        migrations.AddField(
            "sampledprediction", "reviewer", user(django.db.models.deletion.SET_NULL, null=True)
        ),
        migrations.CreateModel(
            "SecondReview",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("checked", "checked"), ("disputed", "disputed")], max_length=8
                    ),
                ),
                ("actual_price", number()),
                ("note", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("by", user(django.db.models.deletion.PROTECT)),
                (
                    "prediction",
                    models.OneToOneField(
                        to="predictor.prediction",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="second_review",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
    ]
