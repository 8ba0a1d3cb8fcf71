"""Replays recorded answers: with their own versions (--verify), or with another one."""

import math
import sys
from collections import deque
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from django.core.management.base import CommandError, no_translations

from ml.forest.artifact import ForestFileError
from ml.forest.differences import PARTS
from ml.stones import SCHEMES, ends_of_band
from predictor.models import Prediction
from predictor.replay.actual import LEFT_OUT, TRAINED_ON
from predictor.replay.services import STEPS, Comparison, answered, last, repeated, verify
from predictor.replay.table import as_csv, review_of
from predictor.wording.differences import PART_NAMES, not_known

from ._dates import moment
from ._plain import PlainCommand
from ._training import print_table, progress_bar
from ._versions import version_of

DIFFERENT = 1


class Command(PlainCommand):
    help = (
        "Repeat recorded predictions. With --version: compare them with the answers of that version. With "
        "--verify: check that the original versions give the same answers to the cent. Exit status: 0 all "
        "the same, 1 an answer differs."
    )

    def create_parser(self, *args, **kwargs):
        """In this command --version means a model version."""
        return super().create_parser(*args, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser):
        parser.add_argument("--scheme", choices=list(SCHEMES), default="graded")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--version",
            type=int,
            metavar="N",
            dest="number",
            help="compare with this version of --scheme",
        )
        what.add_argument("--verify", action="store_true", help="check both schemes")
        parser.add_argument(
            "--since", metavar="DAY", help="e.g. 2026-11-01, or a time: 2026-11-01T12:00"
        )
        parser.add_argument(
            "--last", type=positive, metavar="N", dest="count", help="only the newest N"
        )
        parser.add_argument("--csv", metavar="FILE", help="with --version: also write each answer")

    @no_translations
    def handle(self, *, scheme, number, since, count, csv, **options):
        rows = rows_of(since, count, None if number is None else scheme)
        if number is None:
            self.verify(rows)
        else:
            self.compare(rows, scheme, number, csv)

    def verify(self, rows):
        total = rows.count()
        with progress_bar(self.stdout, "verifying") as move:
            found = verify(rows, lambda done: move(done, max(total, done)))
        for prediction, why in found.shown:
            self.stdout.write(f"{prediction.pk}: {why}")
        same = found.rows - found.different
        self.stdout.write(f"{same:,} of {found.rows:,} predictions are reproduced to the cent")
        if found.different:
            sys.exit(DIFFERENT)

    def compare(self, rows, scheme, number, csv):
        version = version_of(scheme, number)
        total, found = rows.count(), Comparison()
        try:
            with progress_bar(self.stdout, f"asking {version}") as move, written(csv) as write:
                progress = lambda done: move(done, max(total, done))  # noqa: E731
                write(found.added(repeated(rows, version), progress))
        except (ForestFileError, OSError) as error:
            raise CommandError(str(error)) from None
        for unknown, count in found.unknown.most_common():
            self.stdout.write(f"{count:,} predictions: {not_known(version.number, *unknown)}")
        if found.all.rows:
            self.print_differences(found, version)
        elif not found.rows:
            self.stdout.write("no predictions match")

    def print_differences(self, found, version):
        """Prints the tables of a Comparison."""
        outside = found.outside / found.all.rows
        self.stdout.write(
            f"{found.all.rows:,} predictions repeated with {version}: prices {found.all.mean:+.2%} on "
            f"average, {found.all.mean_away:.2%} up or down; ranges {_mean(found.width):+.1%} wider; "
            f"{outside:.1%} of the recorded prices outside the new range"
        )
        for group, paired in found.errors.in_order():
            self.stdout.write(reviewed(group, paired, found.errors, version))
        self.print_parts(found.parts)
        print_table(
            self.stdout,
            ("change of the price", "predictions"),
            [*zip(steps(), map("{:,}".format, found.bars), strict=True)],
        )
        for name in ("carat", "cut", "color", "clarity"):
            rows = [
                (
                    carat_band(key) if name == "carat" else key or "not stated",
                    f"{group.rows:,}",
                    f"{group.mean:+.2%}",
                    f"{group.mean_away:.2%}",
                )
                for key, group in found.of(name).items()
            ]
            print_table(self.stdout, (name, "predictions", "mean change", "up or down"), rows)
        rows = [
            (key, f"{change:+.1%}", f"{old:,.0f}", f"{new:,.0f}", *map(share, parts))
            for key, change, old, new, parts in found.in_order()
        ]
        head = ("largest changes", "change", "recorded", "now", *PARTS)
        print_table(self.stdout, head, rows)

    def print_parts(self, parts):
        """Prints why prices changed: the mean parts."""
        if parts.rows:
            rows = [
                (str(PART_NAMES[name]), share(mean), share(size).lstrip("+"))
                for name, (mean, size) in parts.means.items()
            ]
            title = f"why prices changed ({parts.rows:,} predictions)"
            print_table(self.stdout, (title, "mean change", "up or down"), rows)


@contextmanager
def written(csv):
    """Gives a function that writes lists of Rows to a file, or only reads them without one."""
    if csv is None:
        yield lambda batches: deque(batches, maxlen=0)
    else:
        with Path(csv).open("w", encoding="utf-8", newline="") as file:
            yield lambda batches: file.writelines(as_csv(batches))


def reviewed(group, paired, errors, version):
    """A line on the errors of both versions on the stones of one group."""
    if group in LEFT_OUT:
        why = {TRAINED_ON: "a version was trained on them"}.get(
            group, "drawn in a sample after a stone without a review"
        )
        return f"{paired.rows:,} reviewed stones are left out: {why}"
    before, after = paired.maes
    recorded = f"version {min(errors.versions)}" if len(errors.versions) == 1 else "recorded"
    interval = "too few for an interval"
    if paired.interval:
        interval = "95% interval {:+,.1f} to {:+,.1f}".format(*paired.interval)
    return (
        f"on {paired.rows:,} reviewed stones ({review_of(group)}): {recorded} MAE {before:,.1f}, version "
        f"{version.number} MAE {after:,.1f} (difference {paired.difference:+,.1f}, {interval})"
    )


def share(part):
    """A part, in log price, as a relative change."""
    return "" if math.isnan(part) else f"{math.expm1(part):+.2%}"


def _mean(group):
    return group.mean if group.rows else 0.0


def steps():
    """The labels of the histogram's bars."""
    ends = [f"{step:+.1%}" for step in STEPS]
    between = [f"{low} to {high}" for low, high in pairwise(ends)]
    return [f"under {ends[0]}", *between, f"{ends[-1]} and more"]


def carat_band(place):
    """The label of a carat band."""
    low, high = ends_of_band(place)
    if low is None:
        return f"under {high} ct"
    return f"{low} ct and more" if high is None else f"{low} to {high} ct"


def rows_of(since, count, scheme):
    """The answers selected by --since, --last and --scheme; CommandError for an invalid date."""
    rows = answered(Prediction.objects.all(), scheme)
    if since is not None:
        rows = rows.filter(created__gte=moment(since))
    return last(rows, count) if count else rows


def positive(text):
    """A whole number from 1 to a million."""
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise ValueError(text)
    return number
