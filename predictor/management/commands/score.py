"""Prices files of stones: CSV or Parquet, of any size, on this machine's processors or a Dask
cluster."""

import os
import sys
import time

from django.core.management.base import CommandError
from rich.progress import ProgressColumn, TaskProgressColumn, TimeRemainingColumn
from rich.text import Text

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.scoring.errors import ScoringError
from predictor.scoring.jobs import MOST_ROWS
from predictor.scoring.outputs import FORMATS
from predictor.scoring.services import prepare, run
from predictor.wording.files import sentence_of

from ._columns import add_column_option
from ._plain import PlainCommand, caller
from ._training import print_table, progress_bar

MOST_WORKERS = 256
INTERRUPTED = 130


class Command(PlainCommand):
    stealth_options = ("job", "shown")
    help = (
        "Price the stones of IN: a CSV or Parquet file, a folder or a pattern of them, on this machine "
        "or at any address that fsspec knows (s3://…). OUT is a folder of parts, or one file where it "
        "ends in .csv, .tsv, .csv.gz, .parquet or .pq. A row that is not a stone gets an error in its "
        "column. The same command resumes an interrupted run. Exit status: 0 done; 1 "
        "stopped, or with --strict some rows have no price."
    )

    def add_arguments(self, parser):
        parser.add_argument("input", metavar="IN")
        parser.add_argument("output", metavar="OUT")
        parser.add_argument(
            "--scheme", choices=[*SCHEMES], help="default: the one that matches the columns"
        )
        parser.add_argument(
            "--format", choices=FORMATS, help="format of OUT; default: from its name, or that of IN"
        )
        add_column_option(parser)
        where = parser.add_mutually_exclusive_group()
        where.add_argument(
            "--workers",
            type=workers,
            default=os.cpu_count(),
            metavar="N",
            help="number of processes; default: one per core",
        )
        where.add_argument(
            "--dask", metavar="ADDRESS", help="address of a Dask scheduler: tcp://host:8786"
        )
        parser.add_argument(
            "--strict", action="store_true", help="exit with 1 if a row has no price"
        )

    def handle(self, *, job=None, shown=None, **options):
        if job is None:
            return self.score(**options)
        try:
            planned = prepare(options["input"], options["output"], options["scheme"])
            if sum(planned.source.rows) > MOST_ROWS:  # a small Parquet file may have very many
                raise CommandError(f"more than {MOST_ROWS:,} rows: use the command score")
            by = job.job.by.get_username() if job.job.by else ""
            row = run(planned, 1, by=by, progress=job.progress, shown=shown)
        except (ScoringError, ForestFileError) as error:
            raise CommandError(" ".join(str(error).split())) from None
        notes = [sentence_of(note) for note in planned.source.notes]
        job.rows, job.result = row.rows, {"run": row.pk, "notes": notes}
        return None

    def score(self, *, input, output, scheme, format, columns, workers, dask, strict, **_):  # noqa: A002
        """Prices a file as the options say, with a progress bar."""
        if dask is not None and not dask.strip():
            raise CommandError(
                "--dask is empty: use the address of a scheduler, for example tcp://host:8786"
            )
        try:
            planned = prepare(input, output, scheme, format, dict(columns))
            for note in planned.notes():
                self.stdout.write(note)
            before = sum(counts.rows for counts in planned.done.values())
            if before:
                self.stdout.write(f"resuming: {before:,} rows are already priced")
            started = time.monotonic()
            with progress_bar(self.stdout, f"pricing with {planned.version}", COLUMNS) as progress:
                outcome = run(planned, workers, dask, caller(), progress)
        except (ScoringError, ForestFileError) as error:
            raise CommandError(" ".join(str(error).split())) from None
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted: finished parts are kept; run the same command again to resume",
                returncode=INTERRUPTED,
            ) from None
        self.print_outcome(outcome, before, time.monotonic() - started)
        if strict and outcome.errors:
            sys.exit(1)

    def print_outcome(self, outcome, before, seconds):
        """Prints the result of a run."""
        rows = [
            ("rows", f"{outcome.rows:,}"),
            ("with a price", f"{outcome.rows - outcome.errors:,}"),
            ("without, see the column error", f"{outcome.errors:,}"),
            ("with a warning", f"{outcome.warned:,}"),
            ("priced by", f"{outcome.version} ({outcome.version.currency})"),
            ("seconds", f"{seconds:,.1f}"),
            ("rows/s", f"{(outcome.rows - before) / seconds:,.0f}"),
        ]
        print_table(self.stdout, (outcome.output, ""), rows)


class Rows(ProgressColumn):
    """How many rows are priced, and how many a second."""

    def render(self, task):
        speed = f", {task.speed:,.0f} rows/s" if task.speed else ""
        return Text(f"{task.completed:,.0f} rows{speed}")


COLUMNS = (TaskProgressColumn, Rows, TimeRemainingColumn)


def workers(text):
    """A number of processes."""
    number = int(text)
    if not 1 <= number <= MOST_WORKERS:
        raise ValueError(text)
    return number
