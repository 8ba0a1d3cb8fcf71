"""Predictions record the optional columns that a version may know; versions, what they accept.

All may be null, so they are added in place: no table is rebuilt, and the triggers stay.
"""

from django.db import migrations, models

COLUMNS = {
    "shape": "shape",
    "origin": "origin",
    "laboratory": "laboratory",
    "polish": "polish",
    "symmetry": "symmetry",
    "fluorescence": "fluorescence",
}


class Migration(migrations.Migration):

    dependencies = [("predictor", "0031_trace_id")]

    operations = [
        *(
            migrations.AddField(
                "prediction",
                name,
                models.CharField(max_length=40, null=True, verbose_name=label),
            )
            for name, label in COLUMNS.items()
        ),
        migrations.AddField(
            "modelversion",
            "vocabulary",
            models.JSONField(null=True, verbose_name="what it accepts"),
        ),
    ]
