"""Trains new forests; the gate decides whether they are activated."""

import sys
import time
from contextlib import contextmanager
from functools import partial

from django.core.management.base import CommandError
from django.utils.timezone import localdate

from ml import dataset
from ml.dataset import DatasetError, ExtraColumns
from ml.distributed import ClusterError, Grower, connected
from ml.stones import BASIS, CURRENCIES, KINDS, SCHEMES, Basis
from ml.training import SEED, NotEnoughStones
from predictor.retraining.reviewed import with_reviewed as add_reviewed
from predictor.retraining.services import ALWAYS, GATE, NEVER, AlreadyRunning, only_one, retrain

from ._columns import add_column_option
from ._dates import moment
from ._plain import PlainCommand, caller, kept_text
from ._training import SCORE_COLUMNS, print_table, progress_bar, score_cells

KEPT_BACK = 3
FIRST_YEAR, LONGEST_SOURCE = 1900, 300


class Command(PlainCommand):
    stealth_options = ("job",)
    job = None
    """The context of the job that runs this command, if one does."""

    help = (
        "Train and register new forests. Each is activated if its MAE on stones that neither it nor "
        "the active version has seen is no worse (1 % tolerance). Exit status: 0 activated (or registered, "
        "with --no-activate), 3 registered but not activated."
    )

    def add_arguments(self, parser):
        parser.add_argument("--scheme", choices=[*SCHEMES, "all"], default="all")
        parser.add_argument(
            "--data",
            metavar="FILE",
            help="a table like data/diamonds.csv (default); see data/README.md",
        )
        parser.add_argument(
            "--extra-columns",
            choices=["refuse", "ignore"],
            default="refuse",
            help="what to do with additional columns",
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
            return self.train_job(job, **options)
        if options["data"] == "":
            raise CommandError("--data is empty: give a file or omit the option")
        if options["since"] is not None and not options["with_reviewed"]:
            raise CommandError("--since needs --with-reviewed")
        live = [outcome.live for outcome in self.train_all(caller(), **options)]
        if not all(live) and not options["no_activate"]:
            sys.exit(KEPT_BACK)
        return None

    def train_job(self, job, **options):
        """Runs a retraining that was requested in the admin; returns its result as text."""
        self.job = job
        by = job.job.by.get_username() if job.job.by else ""
        [outcome] = self.train_all(by, job.progress, **options)
        note = f"; {self.reviewed:,} reviewed answers" if options["with_reviewed"] else ""
        return f"{outcome}{note}"

    def train_all(self, by, progress=None, *, scheme, dask, **options):
        """Trains the requested schemes; returns their Outcomes. CommandError in one line."""
        schemes = list(SCHEMES) if scheme == "all" else [scheme]
        try:
            with only_one(), grower(dask) as grow:
                table, basis = self.stones(**options)
                train = partial(self.train, table=table, by=by, basis=basis, grow=grow, **options)
                return [train(scheme, progress) for scheme in schemes]
        except ExtraColumns as error:
            raise CommandError(f"{error}: remove them or use --extra-columns ignore") from None
        except (DatasetError, NotEnoughStones, AlreadyRunning, ClusterError) as error:
            raise CommandError(str(error).strip()) from None

    def stones(
        self, data, extra_columns, columns, year, currency, kind, source, with_reviewed, since, **_
    ):
        """(the training table, the basis of its prices)."""
        begin = since and moment(since)
        table = self.read(data, extra_columns == "ignore", currency, dict(columns))
        basis = basis_of(table, year, currency, kind, source)
        return self.add_reviewed(table, basis, begin) if with_reviewed else table, basis

    def read(self, data, ignore_extra, currency, columns):
        """The table of a data file; prints what was changed in it."""
        table = dataset.read(data, ignore_extra=ignore_extra, currency=currency, chosen=columns)
        for note in table.notes:
            self.stdout.write(f"{table.name}: {note}")
        return table

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
        options = {name: options[name] for name in ("seed", "basis", "new_basis", "grow")}
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


def basis_of(table, year, currency, kind, source):
    """The basis of a table's prices; CommandError if it is missing, or given for the project's
    own table."""
    if source is not None and len(kept_text("--source", source)) > LONGEST_SOURCE:
        raise CommandError(f"--source is longer than {LONGEST_SOURCE} characters")
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


def seed(text):
    """A seed that scikit-learn accepts: 0 to 2**32 - 1."""
    number = int(text)
    if not 0 <= number < 2**32:
        raise ValueError(text)
    return number
