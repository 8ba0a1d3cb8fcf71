from django.db import migrations, models


def of_prediction(name, title):
    return migrations.AddField("prediction", name, models.FloatField(title, null=True))


class Migration(migrations.Migration):
    """The asking price that somebody wanted judged, and where it lies among such stones' prices."""

    dependencies = [("predictor", "0003_basis")]

    operations = [
        of_prediction("asking", "asking price"),
        of_prediction("percentile", "percentile of the asking price"),
    ]
