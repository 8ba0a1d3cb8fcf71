"""Draws a random sample of recorded answers for review; reports what an earlier one shows so far."""

from urllib.parse import urlencode

from django.core.management.base import CommandError

from predictor.models import Prediction, Sample
from predictor.review.sampling import SampleError, draw, estimate

from ._dates import moment
from ._plain import PlainCommand, caller, seed


class Command(PlainCommand):
    help = "Draw a random sample of predictions for review, or print the results of one."

    def add_arguments(self, parser):
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--n", type=int, metavar="N", help="how many to draw")
        what.add_argument(
            "--results", type=int, metavar="SAMPLE", help="print the results of this sample"
        )
        parser.add_argument("--seed", type=seed, default=1, metavar="S")
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument(
            "--by-price", action="store_true", help="draw the same number from each price band"
        )
        ways.add_argument(
            "--by-worth",
            action="store_true",
            help="draw with larger chances where reviews are worth more",
        )
        parser.add_argument("--since", metavar="DAY", help="only predictions made since this day")

    def handle(self, *, n, results, seed, by_price, by_worth, since, **options):
        if results is not None:
            self.print_results(Sample.objects.filter(pk=results).first(), results)
            return
        rows, query = Prediction.objects.all(), {}
        if since is not None:
            rows = rows.filter(created__gte=moment(since))
            query = {"created__range__gte_0": since}
        try:
            sample = draw(rows, n, seed, by_price, by_worth, by=caller(), query=urlencode(query))
        except SampleError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"sample {sample.pk}: {n:,} of {sample.population:,} predictions, for review in the admin; "
            f"then: manage.py sample --results {sample.pk}"
        )

    def print_results(self, sample, number):
        """Prints error and coverage, and the number of answers they are based on."""
        if sample is None:
            raise CommandError(f"there is no sample {number}")
        found = estimate(sample)
        self.stdout.write(
            f"sample {number}: {found['judged']:,} of {found['drawn']:,} have an actual price, drawn from "
            f"{found['population']:,} answers"
        )
        if "mae" in found:
            self.stdout.write(
                f"MAE {found['mae']:,.1f} ± {found['mae_error']:,.1f}, in their range "
                f"{found['coverage']:.1%} ± {found['coverage_error']:.1%}"
            )
