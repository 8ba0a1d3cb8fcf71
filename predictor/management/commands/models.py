"""Lists the registered versions."""

from predictor.models import Activation, ModelVersion

from ._plain import PlainCommand
from ._training import SCORE_COLUMNS, print_table, score_cells


class Command(PlainCommand):
    help = "List all versions, their scores on the test set, and which are active."

    def handle(self, **options):
        live = set(Activation.objects.filter(live=True).values_list("version", flat=True))
        rows = [
            (
                version,
                self.state(version, live),
                f"{version.created:%Y-%m-%d %H:%M}",
                version.seed,
                f"{version.currency} {version.price_kind} {version.price_year}",
                *score_cells(version.scores),
                version.sha256[:12],
            )
            for version in ModelVersion.objects.all()
        ]
        if not rows:
            self.stdout.write("no version is registered; train one with manage.py retrain")
            return
        columns = ("version", "state", "created (UTC)", "seed", "prices", *SCORE_COLUMNS, "sha256")
        print_table(self.stdout, columns, rows)

    def state(self, version, live):
        if version.failure:
            return "failed"
        if version.retired:
            return "retired"
        return "live" if version.pk in live else ""
