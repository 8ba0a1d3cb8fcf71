"""The bins of the alarms are others than before: all days that still have rows are counted again at the next
check."""

from django.db import migrations, models


def forget(apps, schema_editor):
    apps.get_model("predictor", "MonitoredDay").objects.update(tallies={}, whole=False)


class Migration(migrations.Migration):

    dependencies = [
        ('predictor', '0025_review_queues'),
    ]

    operations = [
        migrations.RunPython(forget, forget, elidable=True),
        migrations.AlterField(
            model_name='alarm',
            name='kind',
            field=models.CharField(choices=[('inputs', 'inputs changed'), ('error', 'errors changed')], max_length=6, verbose_name='alarm'),
        ),
    ]
