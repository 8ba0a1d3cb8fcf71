"""Trains new forests and lets the gate decide whether they go live."""

import sys
import time

from django.core.management.base import CommandError

from ml import dataset
from ml.dataset import DatasetError, ExtraColumns
from ml.stones import SCHEMES
from ml.training import SEED, NotEnoughStones
from predictor.versions.activation import activate
from predictor.versions.retraining import AlreadyRunning, only_one, retrain

from ._plain import PlainCommand, caller
from ._training import SCORE_COLUMNS, print_table, progress_bar, score_cells

KEPT_BACK = 3


class Command(PlainCommand):
    help = (
        "Train and register new forests. Each goes live if its MAE on stones that neither it nor "
        "the live version has seen is no worse (1 % slack). Exit status: 0 live (or registered, as "
        "--no-activate asks), 3 kept back."
    )

    def add_arguments(self, parser):
        parser.add_argument("--scheme", choices=[*SCHEMES, "all"], default="all")
        parser.add_argument(
            "--data",
            metavar="FILE",
            help="a table like data/diamonds.csv (default); see data/README.md",
        )
        parser.add_argument(
            "--extra-columns", choices=["refuse", "ignore"], default="refuse",
            help="what to do with a file that has columns beside the stones' own",
        )  # fmt: skip
        parser.add_argument("--seed", type=seed, default=SEED, metavar="N")
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument("--no-activate", action="store_true", help="register it only")
        decision.add_argument("--force", action="store_true", help="go live whatever the gate says")

    def handle(self, *, scheme, data, extra_columns, **options):
        schemes = list(SCHEMES) if scheme == "all" else [scheme]
        if data == "":
            raise CommandError("--data is empty: name a file or leave it out")
        try:
            with only_one():
                table = self.read(data, extra_columns == "ignore")
                live = [self.retrain(scheme, table, **options) for scheme in schemes]
        except ExtraColumns as error:
            raise CommandError(f"{error}: take them out, or: --extra-columns ignore") from None
        except (DatasetError, NotEnoughStones, AlreadyRunning) as error:
            raise CommandError(str(error).strip()) from None
        if not all(live) and not options["no_activate"]:
            sys.exit(KEPT_BACK)

    def read(self, data, ignore_extra):
        """The table of a data file; says what was made of it."""
        table = dataset.read(data, ignore_extra=ignore_extra)
        for note in table.notes:
            self.stdout.write(f"{table.name}: {note}")
        return table

    def retrain(self, scheme, table, *, seed, no_activate, force, **_):
        """Trains one scheme; returns whether the new version is live."""
        begun = time.monotonic()
        by = caller()
        with progress_bar(self.stdout, f"training {scheme}") as progress:
            version, verdict = retrain(scheme, table, seed, by, progress)
        rows = [(who, *score_cells(scores)) for who, scores in verdict.compared.items()]
        print_table(self.stdout, (scheme, *SCORE_COLUMNS), rows)
        live = force or (verdict.passed and not no_activate)
        if live:
            activate(version, by, f"retrain: {'forced; ' * force}{verdict.why}")
        said = "live" if live else "not activated, as asked" if no_activate else "kept back"
        took = time.monotonic() - begun
        self.stdout.write(f"{version}: {said}: {verdict.why} ({took:.0f} s)")
        return live


def seed(text):
    """A seed as scikit-learn takes it: 0 to 2**32 - 1."""
    number = int(text)
    if not 0 <= number < 2**32:
        raise ValueError(text)
    return number
