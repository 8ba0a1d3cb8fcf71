"""The history page of an object in the admin finds its entries by an index. Django's table has none for it:
at 300,000 entries it read all of them."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("predictor", "0020_review_lock_since"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX IF NOT EXISTS predictor_admin_log ON django_admin_log (object_id, content_type_id)",
            "DROP INDEX IF EXISTS predictor_admin_log",
        )
    ]
