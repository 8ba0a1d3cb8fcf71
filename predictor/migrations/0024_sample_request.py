"""A sample stores which form asked for it: the same form sent again draws no second sample."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("predictor", "0023_retrainings_as_jobs")]

    operations = [
        migrations.AddField(
            "sample", "request", models.UUIDField(editable=False, null=True, unique=True)
        )
    ]
