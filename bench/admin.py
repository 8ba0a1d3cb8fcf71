"""The admin's list at ten thousand rows and at many more, an export's memory, replaying all records; a
section of bench/api.py."""

import json
import subprocess
import sys

from bench.measuring import EXAMPLE
from bench.servers import OURS, ROOT, Void, environment_of_sites, load, serving
from bench.sites import FILL

LISTS_FOR = 20
"""Seconds of requests for lists of 1,000 stones, which make 100,000 records and more."""

FEW = 10_000
TIMES = 2
"""The most time of an ordinary page with many rows, as a multiple of that with FEW rows."""

REVIEW_MS = 300
SEARCHED = 1_500
"""The most milliseconds of a page that searches for rare rows, which it does for a second."""


def admin(bench, report):
    for kind, rows in bench.rows.items():
        with bench.site(kind) as site:
            site.execute(*FILL[kind](1, FEW))
            few = asked(site, "lists")
            site.execute(*FILL[kind](FEW + 1, rows))
            many = asked(site, "lists")
            report.table(
                f"The list of {rows:,} predictions on {kind}, over {FEW:,}",
                [_row(name, few[name][0], *many[name]) for name in few],
            )
            reviewing = [
                (name, f"<= {REVIEW_MS} ms of processor", f"{ms:.0f} ms", ms <= REVIEW_MS)
                for name, ms in asked(site, "reviewing").items()
            ]
            report.table(f"Reviewing {rows:,} predictions on {kind}", reviewing)
            report.table(f"What it costs on {kind}", [*_costs(asked(site, "costs"))])


def keeping(bench, report):
    """Replays every record, on SQLite."""
    with bench.site("SQLite") as site, serving(OURS, EXAMPLE, **site.environment) as server:
        load(server, bench.requests("graded-1000"), LISTS_FOR, 8)
        measured = asked(site, "verified")
    different = f"{measured['different']} of {measured['rows']:,}"
    report.table(
        "Keeping house, SQLite",
        [
            ("records that do not come out the same", "0", different, measured["different"] == 0),
            (
                "asking them again",
                "",
                f"{measured['seconds']:.1f} s, {measured['memory']:.0f} MB",
                None,
            ),
        ],
    )


def asked(site, *what, worker="admin_worker"):
    """Runs a worker of bench/ on a site and returns what it measured."""
    return result_of(start(site, *what, worker=worker))


def start(site, *what, worker):
    """Starts a worker of bench/ on a site; returns its process."""
    command = [sys.executable, "-W", "ignore", "-m", f"bench.{worker}", *what]
    environment = {**environment_of_sites(), **site.environment}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)  # noqa: S603


def result_of(process):
    """What a worker measured, once it has ended."""
    said, _ = process.communicate()
    if process.returncode:
        raise Void(f"{' '.join(process.args)} ended with {process.returncode}")
    return json.loads(said.splitlines()[-1])  # log lines come before it


def _row(name, few, many, searched):
    ratio = many / few
    measured = f"{ratio:.2f}x: {few:.1f} to {many:.1f} ms"
    if searched:
        return f"{name}; searched for", f"<= {SEARCHED:,} ms", measured, many <= SEARCHED
    return name, f"<= {TIMES}x", measured, ratio <= TIMES


def _costs(measured):
    record = measured["record"]
    yield "recording, over no index for the lists", "<= 1.1x", f"{record:.2f}x", record <= 1.1
    for ending, (rows, few, many) in measured["export"].items():
        name = f"export as {ending}: memory of {rows:,} rows, over a tenth of them"
        yield name, "<= 1.1x", f"{many / few:.2f}x: {few:.0f} to {many:.0f} MB", many / few <= 1.1
