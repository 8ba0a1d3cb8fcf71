"""Predictions record the trace of their request. The column may be null, so it is added in place, and has
no index: an answer is found by its ID, a trace by the time of its spans."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("predictor", "0030_outcomes")]

    operations = [
        migrations.AddField(
            "prediction", "trace_id", models.CharField(max_length=32, null=True, verbose_name="trace ID")
        )
    ]
