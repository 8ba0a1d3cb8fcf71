"""A table of answers that are kept for requests that are sent again. It may be emptied at any time."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("predictor", "0027_assumed")]

    operations = [
        migrations.CreateModel(
            "IdempotencyKey",
            [
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("fingerprint", models.CharField(max_length=64)),
                (
                    "created",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now),
                ),
                ("headers", models.JSONField()),
                ("content", models.BinaryField()),
            ],
            options={"default_permissions": ()},
        ),
    ]
