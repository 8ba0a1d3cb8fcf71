"""Restores a backup to an empty installation, or replaces one with --force; the service must be
stopped."""

from django.core.management.base import CommandError

from predictor.backup.manifest import BackupError
from predictor.backup.services import restore

from ._plain import PlainCommand, path_name


class Command(PlainCommand):
    help = (
        "Restore the backup SOURCE, all of it or nothing. Stop the service first. Exit status: 0 "
        "restored, 1 nothing was changed."
    )

    def add_arguments(self, parser):
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("--force", action="store_true", help="overwrite the existing history")

    def handle(self, *, source, force, **options):
        try:
            content = restore(path_name("SOURCE", source), force)
        except (BackupError, OSError) as error:
            raise CommandError(f"nothing was restored: {error}") from error
        for name, why in content["missing_forests"].items():
            self.stderr.write(f"not in the backup: {name}: {why}")
        rows = sum(content["rows"].values())
        self.stdout.write(f"restored: {rows:,} rows, made {content['made']}. Start the service.")
