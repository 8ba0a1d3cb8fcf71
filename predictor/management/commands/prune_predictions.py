"""Deletes old predictions, in batches, while a server runs; can archive them first."""

import re
from datetime import timedelta

from django.core.management.base import CommandError
from django.utils import timezone

from predictor import private_files
from predictor.history.archive import ArchiveError
from predictor.history.pruning import made_before, prune
from predictor.history.seals import SealError

from ._plain import PlainCommand, path_name
from ._training import progress_bar

DAYS = re.compile(r"([1-9][0-9]{0,4})d?")


class Command(PlainCommand):
    help = (
        "Delete the predictions that are older than so many days, oldest first. It may run beside the "
        "server; stopped at any moment, the next run goes on."
    )

    def add_arguments(self, parser):
        parser.add_argument("--older-than", required=True, metavar="DAYS", help="e.g. 365d")
        parser.add_argument(
            "--keep-reviewed", action="store_true", help="except reviewed predictions"
        )
        parser.add_argument(
            "--archive", metavar="DIR", help="first archive them there as verified Parquet files"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *, older_than, keep_reviewed, archive, dry_run, **options):
        moment = timezone.now() - timedelta(days=days_of(older_than))
        total = made_before(moment, keep_reviewed).count()
        if dry_run:
            self.stdout.write(f"{total:,} predictions would be deleted")
            return
        folder = archive and self.folder(archive)
        try:
            with progress_bar(self.stdout, "deleting") as move:
                show = lambda done: move(done, max(total, done))  # noqa: E731
                gone = prune(moment, keep_reviewed, folder, show)
        except (ArchiveError, SealError) as error:
            raise CommandError(str(error)) from None
        where = f", archived in {folder}" if folder else ""
        self.stdout.write(f"{gone:,} predictions deleted{where}")

    def folder(self, archive):
        return private_files.make_folder(path_name("--archive", archive))


def days_of(text):
    """The number of days of --older-than; CommandError if it is none."""
    found = DAYS.fullmatch(text)
    if not found:
        raise CommandError(f"--older-than {text!r}: use a number of days, for example 365d")
    return int(found[1])
