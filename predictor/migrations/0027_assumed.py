"""Predictions record the grades that were assumed. The column may be null, so it is added in place."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("predictor", "0026_monitored_anew")]

    operations = [
        migrations.AddField(
            "prediction", "assumed", models.JSONField(null=True, verbose_name="grades assumed")
        )
    ]
