"""Tests the new days and updates the two alarms; for a scheduler."""

import json
import sys

from predictor.models import Alarm, MonitoredDay
from predictor.monitoring.alarms import look

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
            alarms = look()
            self.stdout.write(json.dumps([as_json(alarm) for alarm in alarms], indent=2))
        else:
            with progress_bar(self.stdout, "reading days") as progress:
                alarms = look(progress)
            self.print_alarms(alarms)
        if any(alarm.active for alarm in alarms):
            sys.exit(ALARM)

    def print_alarms(self, alarms):
        days = MonitoredDay.objects.count()
        rows = [
            (
                alarm.version,
                Alarm.Kind(alarm.kind).name.lower(),
                "ALARM" if alarm.active else "quiet",
                f"{alarm.evidence:.3g}",
                f"{alarm.observed:,}",
                alarm.began or "",
                "; ".join(map(described, alarm.segments)),
            )
            for alarm in alarms
        ]
        head = ("version", "alarm", "", "evidence", "rows", "since about", "where")
        print_table(self.stdout, head, rows, f"{days:,} days with requests")


def as_json(alarm):
    """An alarm as JSON, for programs."""
    return {
        "kind": alarm.kind,
        "scheme": alarm.version.scheme,
        "version": alarm.version.number,
        "alarm": alarm.active,
        "evidence": alarm.evidence,
        "observed": alarm.observed,
        "began": alarm.began and str(alarm.began),
        "segments": alarm.segments,
        "looked": alarm.looked.isoformat(),
    }


def described(segment):
    """A short description of a segment."""
    if "grade" in segment:
        what = f" {segment['grade']}"
    elif "from" not in segment:
        what = ""
    elif segment["from"] is None:
        what = f" under {segment['to']:g}"
    else:
        what = f" from {segment['from']:g}" + (
            "" if segment["to"] is None else f" to {segment['to']:g}"
        )
    way = f" ({segment['way']})" if "way" in segment else ""
    return f"{segment['column']}{what}{way}: {segment['now']:.1%}, before {segment['before']:.1%}"
