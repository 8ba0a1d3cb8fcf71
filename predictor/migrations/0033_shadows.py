"""Shadows: versions that price the requests of the active one, too; their prices; maintainers see them."""

import django.db.models.deletion
import django.utils.timezone
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("predictor"), verbosity=0, using=schema_editor.connection.alias
    )
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    group, _ = Group.objects.get_or_create(name="maintainer")
    group.permissions.add(*Permission.objects.filter(codename="view_shadow"))


def take(apps, schema_editor):
    Permission, Group = apps.get_model("auth", "Permission"), apps.get_model("auth", "Group")
    for group in Group.objects.filter(name="maintainer"):
        group.permissions.remove(*Permission.objects.filter(codename="view_shadow"))


class Migration(migrations.Migration):

    dependencies = [
        ('predictor', '0032_own_stones'),
    ]

    operations = [
        migrations.CreateModel(
            name='Shadow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scheme', models.CharField(choices=[('graded', 'graded'), ('coded', 'coded')], max_length=8, verbose_name='scheme')),
                ('began', models.DateTimeField(default=django.utils.timezone.now, verbose_name='since')),
                ('ended', models.DateTimeField(null=True, verbose_name='until')),
                ('by', models.CharField(blank=True, max_length=150, verbose_name='by')),
                ('reached', models.UUIDField()),
                ('priced', models.PositiveBigIntegerField(default=0, verbose_name='requests priced')),
                ('unpriced', models.PositiveBigIntegerField(default=0, verbose_name='requests not priced')),
                ('failure', models.TextField(blank=True, verbose_name='why it could not be loaded')),
                ('against', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictor.modelversion', verbose_name='active version')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shadows', to='predictor.modelversion', verbose_name='version')),
            ],
            options={
                'verbose_name': 'shadow',
                'verbose_name_plural': 'shadows',
                'ordering': ['-pk'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='ShadowPrice',
            fields=[
                ('prediction', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='shadow_price', serialize=False, to='predictor.prediction')),
                ('price', models.FloatField()),
                ('low', models.FloatField()),
                ('high', models.FloatField()),
                ('trained_on', models.BooleanField()),
                ('shadow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='prices', to='predictor.shadow')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='shadow',
            constraint=models.UniqueConstraint(condition=models.Q(('ended', None)), fields=('scheme',), name='one_shadow_per_scheme'),
        ),
        migrations.AddIndex(
            model_name='shadowprice',
            index=models.Index(fields=['shadow', '-prediction'], name='shadow_price_newest'),
        ),
        migrations.RunPython(give, take),
    ]
