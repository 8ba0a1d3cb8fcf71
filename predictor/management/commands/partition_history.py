"""Partitions the history by month on PostgreSQL, so that old months can be deleted at once."""

from django.core.management.base import CommandError
from django.db import connection

from predictor.history.partitions import AHEAD, partition, partitions

from ._plain import PlainCommand


class Command(PlainCommand):
    help = (
        f"Partition the history by month (PostgreSQL), for {AHEAD} months ahead; run it again once a year. "
        "Rows stay where they are, and the server may go on. Stopped at any moment, the next run continues."
    )

    def handle(self, **options):
        if connection.vendor != "postgresql":
            raise CommandError("only PostgreSQL has partitions: set DATABASE_URL")
        partition(self.stdout.write)
        last = partitions()[-1]
        self.stdout.write(f"The history has partitions up to {last.end:%Y-%m-%d}.")
