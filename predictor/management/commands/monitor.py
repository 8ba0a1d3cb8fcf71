"""Looks at the days that are new and sets the two lights; for a scheduler."""

import json
import sys

from predictor.models import Light, MonitoredDay
from predictor.monitoring.lights import look

from ._plain import PlainCommand
from ._training import print_table, progress_bar

ALARM = 1


class Command(PlainCommand):
    help = (
        "Check the alarms of the active versions: inputs changed, errors grew. Exit status 1 if an alarm "
        "has not been acknowledged."
    )

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, **options):
        if options["json"]:
            lights = look()
            self.stdout.write(json.dumps([as_json(light) for light in lights], indent=2))
        else:
            with progress_bar(self.stdout, "reading days") as progress:
                lights = look(progress)
            self.tell(lights)
        if any(light.red for light in lights):
            sys.exit(ALARM)

    def tell(self, lights):
        days = MonitoredDay.objects.count()
        rows = [
            (
                light.version,
                Light.Kind(light.kind).name.lower(),
                "ALARM" if light.red else "quiet",
                f"{light.evidence:.3g}",
                f"{light.observed:,}",
                light.began or "",
                "; ".join(map(segment, light.segments)),
            )
            for light in lights
        ]
        head = ("version", "light", "", "evidence", "rows", "since about", "where")
        print_table(self.stdout, head, rows, f"{days:,} days with requests")


def as_json(light):
    """A light for programs."""
    return {
        "light": light.kind,
        "scheme": light.version.scheme,
        "version": light.version.number,
        "alarm": light.red,
        "evidence": light.evidence,
        "observed": light.observed,
        "began": light.began and str(light.began),
        "segments": light.segments,
        "looked": light.looked.isoformat(),
    }


def segment(told):
    """A segment in a few words."""
    if "grade" in told:
        what = told["grade"]
    elif told["from"] is None:
        what = f"under {told['to']:g}"
    else:
        what = f"from {told['from']:g}" + ("" if told["to"] is None else f" to {told['to']:g}")
    return f"{told['column']} {what}: {told['now']:.0%}, before {told['before']:.0%}"
