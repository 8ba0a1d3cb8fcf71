"""Maintainers retire versions: answers to programs that name one say so. The columns are added in place."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("predictor", "0028_idempotency_keys")]

    operations = [
        migrations.AddField(
            "modelversion", "retired", models.DateTimeField("retired", null=True)
        ),
        migrations.AddField(
            "modelversion", "sunset", models.DateTimeField("available until", null=True)
        ),
    ]
