"""The reviewers' list at ten thousand rows and at many, an export's memory, a prune beside a server; a
section of bench/api.py."""

import json
import subprocess
import sys

from bench.servers import ROOT, environment_of_sites
from bench.sites import FILL_VARIED

FEW = 10_000
TIMES = 2
"""How many times as long as with FEW rows a page may take with many."""


def desk(bench, report):
    for kind, rows in bench.rows.items():
        with bench.site(kind) as site:
            site.execute(*FILL_VARIED[kind](1, FEW))
            few = asked(site, "lists")
            site.execute(*FILL_VARIED[kind](FEW + 1, rows))
            many = asked(site, "lists")
            report.table(f"The list of {rows:,} predictions on {kind}, over {FEW:,}", [
                _row(name, few[name], many[name]) for name in few
            ])  # fmt: skip
            report.table(f"What it costs on {kind}", [*_costs(asked(site, "costs"))])


def asked(site, what):
    """What bench/desk_worker.py measures at a site."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.desk_worker", what]
    done = subprocess.run(  # noqa: S603 - our own worker
        command,
        cwd=ROOT,
        env={**environment_of_sites(), **site.environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])  # before it are log lines


def _row(name, few, many):
    ratio = many / few
    return name, f"<= {TIMES}x", f"{ratio:.2f}x: {few:.1f} to {many:.1f} ms", ratio <= TIMES


def _costs(told):
    record = told["record"]
    yield "recording, over no index for the lists", "<= 1.1x", f"{record:.2f}x", record <= 1.1
    for ending, (rows, few, many) in told["export"].items():
        name = f"export as {ending}: memory of {rows:,} rows, over a tenth of them"
        yield name, "<= 1.1x", f"{many / few:.2f}x: {few:.0f} to {many:.0f} MB", many / few <= 1.1
