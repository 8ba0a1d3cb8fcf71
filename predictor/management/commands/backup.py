"""Copies the database and the forests into a new folder; a server may run meanwhile."""

from django.core.management.base import CommandError

from predictor.backup.manifest import BackupError
from predictor.backup.services import back_up

from ._plain import PlainCommand, path_name


class Command(PlainCommand):
    help = (
        "Copy the database and the forest files, together and verified, into the new folder TARGET. "
        "The secret key is not part of it. Exit status: 0 complete, 1 no backup was made."
    )
    requires_system_checks = []  # a disk that cannot be written to is a reason to make a backup

    def add_arguments(self, parser):
        parser.add_argument("target", metavar="TARGET")

    def handle(self, *, target, **options):
        try:
            made = back_up(path_name("TARGET", target))
        except (BackupError, OSError) as error:
            raise CommandError(f"no backup was made: {error}") from error
        for name, why in made["missing_forests"].items():
            self.stderr.write(f"not in it: {name}: {why}")
        rows, forests = sum(made["rows"].values()), len(made["files"]) - 1
        self.stdout.write(
            f"{target}: {rows:,} rows of {len(made['rows'])} tables, {forests} forest files; "
            "verified. The secret key is not part of it."
        )
