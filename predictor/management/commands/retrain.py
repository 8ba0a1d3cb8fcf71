"""Trains new forests; the gate decides whether they are activated."""

import sys
import time
from argparse import ArgumentTypeError
from contextlib import contextmanager
from functools import partial

from django.core.management.base import CommandError
from django.utils.timezone import localdate

from ml import dataset
from ml.dataset import COLUMNS, DatasetError
from ml.distributed import ClusterError, Grower, connected
from ml.stones import BASIS, CURRENCIES, KINDS, SCHEMES, Basis
from ml.tables import by_reason
from ml.tables.errors import quoted
from ml.training import SEED, NotEnoughStones
from ml.vocabulary import OPTIONAL
from predictor.retraining.lists import MOST_LEFT_OUT, SHOWN_LINES, summary_of
from predictor.retraining.lock import AlreadyRunning, only_one
from predictor.retraining.reviewed import with_reviewed as add_reviewed
from predictor.retraining.services import ALWAYS, GATE, NEVER, retrain

from ._columns import add_column_option
from ._dates import moment
from ._plain import PlainCommand, caller, kept_text, seed
from ._training import SCORE_COLUMNS, print_table, progress_bar, score_cells

KEPT_BACK = 3
PASSED_ON = ("seed", "basis", "new_basis", "grow", "public")
FIRST_YEAR, LONGEST_SOURCE = 1900, 300


class Command(PlainCommand):
    stealth_options = ("job",)
    job = None
    """The context of the job that runs this command, if one does."""

    help = (
        "Train and register new forests. Each is activated if its MAE on stones that neither it nor "
        "the active version has seen is no worse (1% tolerance). Exit status: 0 activated (or registered, "
        "with --no-activate), 3 registered but not activated."
    )

    def add_arguments(self, parser):
        parser.add_argument("--scheme", choices=[*SCHEMES, "all"], default="all")
        parser.add_argument(
            "--data",
            metavar="FILE",
            help="a list of stones with prices (default: data/diamonds.csv); see data/README.md",
        )
        parser.add_argument(
            "--max-left-out",
            type=percent,
            default=MOST_LEFT_OUT,
            metavar="PERCENT",
            help="refuse a list of which more rows cannot be used (default: 5%%)",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="only read the list: print how its columns and words are read, and what is left out",
        )
        parser.add_argument(
            "--public",
            type=columns_of,
            metavar="COLUMNS",
            help="the columns of recorded stones that may be shown: carat,shape,… (default: all)",
        )
        add_column_option(parser)
        parser.add_argument(
            "--with-reviewed",
            action="store_true",
            help="also train on checked predictions with an actual price",
        )
        parser.add_argument("--since", metavar="DAY", help="only predictions made since this day")
        parser.add_argument("--seed", type=seed, default=SEED, metavar="N")
        parser.add_argument(
            "--dask",
            metavar="ADDRESS",
            help="grow the trees on the workers of this Dask scheduler, tcp://host:8786",
        )
        prices = parser.add_argument_group("prices of --data")
        prices.add_argument("--year", type=int, metavar="YYYY", help="approximate year")
        prices.add_argument(
            "--currency", type=str.upper, choices=[*CURRENCIES], default=BASIS.currency
        )
        prices.add_argument("--kind", choices=KINDS, default=BASIS.kind)
        prices.add_argument("--source", metavar="TEXT", help="source (default: FILE)")
        parser.add_argument(
            "--new-basis",
            action="store_true",
            help="activate the version although its currency, year or kind of price differs",
        )
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument("--no-activate", action="store_true", help="only register it")
        decision.add_argument(
            "--force", action="store_true", help="activate it whatever the gate decides"
        )

    def handle(self, *, job=None, **options):
        if job is not None:
            act = self.read_job if options["dry_run"] else self.train_job
            return act(job, **options)
        if options["data"] == "":
            raise CommandError("--data is empty: give a file or omit the option")
        if options["since"] is not None and not options["with_reviewed"]:
            raise CommandError("--since needs --with-reviewed")
        if options["dry_run"]:
            return self.read_only(**options)
        live = [outcome.live for outcome in self.train_all(caller(), **options)]
        if not all(live) and not options["no_activate"]:
            sys.exit(KEPT_BACK)
        return None

    def read_only(self, *, scheme, **options):
        """Reads the training table and prints what a training would use. CommandError in one line."""
        try:
            table, basis = self.stones(**options)
        except DatasetError as error:
            raise CommandError(str(error).strip()) from None
        prices = f"{basis.currency} {basis.kind} of {basis.year}"
        schemes = ", ".join(self.schemes(scheme, table))
        self.stdout.write(
            f"{table.name}: {len(table.stones):,} stones, prices in {prices}; {schemes}"
        )

    def read_job(self, job, *, data, currency, columns, **_):
        """Reads a list that was sent in the admin; how it was read becomes the job's result."""
        table = dataset.read_list(data, currency=currency, chosen=dict(columns))
        job.result |= summary_of(table, by_reason(table.left_out))

    def train_job(self, job, **options):
        """Runs a retraining that was requested in the admin; returns its result as text."""
        self.job = job
        by = job.job.by.get_username() if job.job.by else ""
        [outcome] = self.train_all(by, job.progress, **options)
        note = f"; {self.reviewed:,} reviewed answers" if options["with_reviewed"] else ""
        return f"{outcome}{note}"

    def train_all(self, by, progress=None, *, scheme, dask, **options):
        """Trains the requested schemes; returns their Outcomes. CommandError in one line."""
        try:
            with only_one(), grower(dask) as grow:
                table, basis = self.stones(**options)
                schemes = self.schemes(scheme, table)
                train = partial(self.train, table=table, by=by, basis=basis, grow=grow, **options)
                return [train(scheme, progress) for scheme in schemes]
        except (DatasetError, NotEnoughStones, AlreadyRunning, ClusterError) as error:
            raise CommandError(str(error).strip()) from None

    def stones(
        self,
        data,
        max_left_out,
        columns,
        year,
        currency,
        kind,
        source,
        with_reviewed,
        since,
        **_,
    ):
        """(the training table, the basis of its prices)."""
        begin = since and moment(since)
        check_source(source)
        table = self.read(data, max_left_out, currency, dict(columns))
        basis = basis_of(table, year, currency, kind, source)
        return self.add_reviewed(table, basis, begin) if with_reviewed else table, basis

    def schemes(self, scheme, table):
        """The schemes to train; a list with more than the coded scheme has is only for the graded one."""
        if not dataset.is_own(table.stones):
            return list(SCHEMES) if scheme == "all" else [scheme]
        if scheme == "coded":
            raise CommandError(
                f"{table.name}: its stones have grades or properties that the coded scheme does not "
                "have: use --scheme graded"
            )
        if scheme == "all":
            self.stdout.write(f"{table.name}: only the graded scheme is trained on this list")
        return ["graded"]

    def read(self, data, max_left_out, currency, columns):
        """The table of a data file; prints what was changed in it, and what is left out. CommandError if
        that is too much."""
        if data is None:
            table = dataset.read(currency=currency, chosen=columns)
        else:
            table = dataset.read_list(data, currency=currency, chosen=columns)
        for note in table.notes:
            self.stdout.write(f"{table.name}: {note}")
        if table.left_out:
            self.leave_out(table, max_left_out)
        return table

    def leave_out(self, table, most):
        """Prints which rows are left out, by reason. CommandError if they are too many."""
        count, reasons = len(table.left_out), [*reasons_of(table.left_out)]
        if count > most * table.rows:
            raise CommandError(
                f"{table.name}: {count:,} of {table.rows:,} rows ({count / table.rows:.1%}) cannot be "
                f"used, and --max-left-out is {100 * most:g}%: {'; '.join(reasons)}"
            )
        self.stdout.write(f"{table.name}: rows left out: {count:,} of {table.rows:,}")
        for reason in reasons:
            self.stdout.write(f"  {reason}")

    def add_reviewed(self, table, basis, since):
        """Adds what reviewers found to the table; prints how many rows that adds."""
        table, self.reviewed = add_reviewed(table, basis.currency, since)
        self.stdout.write(
            f"{self.reviewed:,} reviewed predictions with an actual price are added to the training data"
        )
        return table

    def train(self, scheme, progress, *, table, by, no_activate, force, **options):
        """Trains one scheme; prints the result."""
        started = time.monotonic()
        activation = ALWAYS if force else NEVER if no_activate else GATE
        options = {name: options[name] for name in PASSED_ON}
        with progress_bar(self.stdout, f"training {scheme}") as bar:
            options |= {"progress": progress or bar, "job": self.job}
            outcome = retrain(scheme, table, by, activation, **options)
        scores = outcome.verdict.compared.items()
        rows = [(who, *score_cells(some)) for who, some in scores]
        print_table(self.stdout, (scheme, *SCORE_COLUMNS), rows)
        self.stdout.write(f"{outcome} ({time.monotonic() - started:.0f} s)")
        return outcome


@contextmanager
def grower(dask):
    """The cluster that grows the trees, or None for this machine. ClusterError."""
    if dask is None:
        yield None
        return
    with connected(dask) as client:
        yield Grower(client)


def check_source(source):
    """CommandError if the source of the prices is given, but cannot be kept."""
    if source is not None and len(kept_text("--source", source)) > LONGEST_SOURCE:
        raise CommandError(f"--source is longer than {LONGEST_SOURCE} characters")


def basis_of(table, year, currency, kind, source):
    """The basis of a table's prices; CommandError if it is missing, or given for the project's
    own table."""
    if table.sha256 == dataset.own_sha256():
        basis = Basis(currency, BASIS.year if year is None else year, kind, source or BASIS.source)
        if basis != BASIS:
            raise CommandError(f"{table.name} is the data of this project: its prices are known")
        return BASIS
    if year is None:
        raise CommandError(
            f"give the year of the prices in {table.name}: --year {localdate():%Y}; and, if they "
            "are not asking prices in USD: --currency, --kind paid; --source for their source"
        )
    if not FIRST_YEAR <= year <= localdate().year:
        raise CommandError(f"--year {year} is not a year from {FIRST_YEAR} to {localdate():%Y}")
    return Basis(currency, year, kind, source or table.name[-LONGEST_SOURCE:])


def reasons_of(left_out):
    """A line for each reason: the number of rows, the first lines, and their cells."""
    for reason, rows in by_reason(left_out):
        first = [f"line {one.line}" + f": {quoted(one.value)}" * bool(one.value) for one in rows]
        more = ", …" * (len(rows) > SHOWN_LINES)
        yield f"{len(rows):,} {reason} ({', '.join(first[:SHOWN_LINES])}{more})"


def percent(text):
    """A ratio of a percentage from 0 to 100, such as 5% or 2.5."""
    number = float(text.removesuffix("%"))
    if not 0 <= number <= 100:
        raise ValueError(text)
    return number / 100


def columns_of(text):
    """The columns of recorded stones in a text such as carat,shape."""
    names = tuple(filter(None, map(str.strip, text.split(","))))
    if not names:
        raise ArgumentTypeError("it is empty: name columns or omit the option")
    if unknown := [name for name in names if name not in (*COLUMNS, *OPTIONAL)]:
        known = ", ".join((*COLUMNS, *OPTIONAL))
        raise ArgumentTypeError(f"{unknown[0]} is not one of {known}")
    return names
