"""At most one retraining waits or runs: the database refuses a second one asked for at the same moment."""

from django.db import migrations, models

OPEN = ("queued", "running")


def close_all_but_one(apps, schema_editor):
    """Of several open retrainings, which a race once let in, the first stays."""
    rows = apps.get_model("predictor", "RetrainJob").objects.filter(state__in=OPEN).order_by("pk")
    first = rows.values_list("pk", flat=True).first()
    rows.exclude(pk=first).update(state="failed", outcome="asked for while there was another")


class Migration(migrations.Migration):

    dependencies = [("predictor", "0015_who_may_see_scoring")]

    operations = [
        migrations.RunPython(close_all_but_one, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="retrainjob",
            constraint=models.UniqueConstraint(
                models.Case(models.When(state__in=OPEN, then=models.Value(1))),
                name="one_open_retraining",
            ),
        ),
    ]
