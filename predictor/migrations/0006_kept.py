"""The database itself refuses to change or delete a recorded answer.

The one way past it is predictor.history.deletion, which prune_predictions uses: on PostgreSQL a setting of
its transaction, on SQLite a row that stands in predictor_door for as long as its transaction, which is
the only one that writes. A later migration that makes the table anew on SQLite has to do this again.
"""

from django.db import migrations

WHAT = "recorded predictions are neither changed nor deleted; manage.py prune_predictions is the one way"

SQLITE = [
    "CREATE TABLE predictor_door (opened integer NOT NULL)",
    *(
        f"CREATE TRIGGER predictor_kept_{act} BEFORE {act} ON predictor_prediction "
        f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{WHAT}'); END"
        for act, when in {
            "update": "true", "delete": "NOT EXISTS (SELECT 1 FROM predictor_door)",
        }.items()
    ),
]
SQLITE_BACK = [
    "DROP TRIGGER predictor_kept_update",
    "DROP TRIGGER predictor_kept_delete",
    "DROP TABLE predictor_door",
]

POSTGRESQL = [
    f"""CREATE FUNCTION predictor_kept() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'UPDATE' AND current_setting('diamonds.door', true) = 'open' THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION '{WHAT}' USING ERRCODE = 'integrity_constraint_violation';
        END $$""",
    "CREATE TRIGGER predictor_kept BEFORE UPDATE OR DELETE ON predictor_prediction "
    "FOR EACH ROW EXECUTE FUNCTION predictor_kept()",
    "CREATE TRIGGER predictor_kept_whole BEFORE TRUNCATE ON predictor_prediction "
    "FOR EACH STATEMENT EXECUTE FUNCTION predictor_kept()",
]
POSTGRESQL_BACK = [
    "DROP TRIGGER predictor_kept ON predictor_prediction",
    "DROP TRIGGER predictor_kept_whole ON predictor_prediction",
    "DROP FUNCTION predictor_kept()",
]


def keep(apps, schema_editor):
    statements = {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]
    for statement in statements:
        schema_editor.execute(statement, params=None)


def release(apps, schema_editor):
    statements = {"sqlite": SQLITE_BACK, "postgresql": POSTGRESQL_BACK}[schema_editor.connection.vendor]
    for statement in statements:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [("predictor", "0005_review")]

    operations = [migrations.RunPython(keep, release)]
