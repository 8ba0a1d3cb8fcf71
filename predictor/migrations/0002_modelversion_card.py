from django.db import migrations, models


class Migration(migrations.Migration):
    """What training measured, for the model card; {} for versions registered before."""

    dependencies = [("predictor", "0001_initial")]

    operations = [
        migrations.AddField(
            "modelversion", "card", models.JSONField(default=dict, verbose_name="model card")
        )
    ]
