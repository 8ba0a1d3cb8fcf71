"""Scoring runs kept the addresses that they were given: passwords and signatures in them are removed."""

from django.db import migrations
from django.db.models import Q

from predictor.telemetry.redaction import redacted

TEXTS = ("input", "output", "workers", "outcome")


def remove_secrets(apps, schema_editor):
    with_address = Q()
    for name in TEXTS:
        with_address |= Q(**{f"{name}__contains": "://"})
    for run in apps.get_model("predictor", "ScoringRun").objects.filter(with_address).iterator():
        for name in TEXTS:
            setattr(run, name, redacted(getattr(run, name)))
        run.save(update_fields=TEXTS)


class Migration(migrations.Migration):

    dependencies = [("predictor", "0016_one_open_retraining")]

    operations = [migrations.RunPython(remove_secrets, migrations.RunPython.noop)]
