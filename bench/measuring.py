"""Loads servers in rounds that take turns, and counts the records; for bench/api.py."""

import shutil
import statistics
import time
from contextlib import contextmanager
from urllib.parse import urlencode

from bench import opponents
from bench.servers import ROOT, Void, compiled, load, manage
from bench.sites import NAME, PostgresSite, SqliteSite
from ml.stones import EXAMPLES, SCHEMES

EXAMPLE = urlencode(EXAMPLES["coded"][0])

SETTLE = 0.3
"""Seconds without a new row after which all pending answers are recorded."""


class Bench:
    """What the sections share: where files are, how long and how often to measure."""

    def __init__(self, options):
        self.folder, self.postgres = options.folder.resolve(), options.postgres
        self.rows = {"PostgreSQL": options.postgres_rows, "SQLite": options.sqlite_rows}
        self.against = options.against and options.against.resolve()
        self.rounds, self.seconds = (2, 2) if options.quick else (5, 5)
        self.folder.mkdir(parents=True, exist_ok=True)

    def requests(self, kind):
        """The file of requests that wrk sends."""
        return self.folder / f"{kind}.txt"

    def prepare(self):
        """Forests, opponents and requests; made once and kept."""
        for tree in self.trees.values():
            compiled(tree)
            baked = self.baked(tree)
            if not all((baked / f"{scheme}.forest").exists() for scheme in SCHEMES):
                manage("bake", tree=tree, VAR_DIR=f"{baked}-training", BAKED_DIR=str(baked))
        opponents.prepare(self.folder)

    def baked(self, tree):
        """The folder of the forests that a checkout has trained itself."""
        return self.folder / ("baked" if tree == ROOT else f"baked-{tree.name}")

    @property
    def trees(self):
        """{name: checkout}: this one, and the older one if there is one."""
        return {"now": ROOT} | ({"before": self.against} if self.against else {})

    @contextmanager
    def site(self, kind, name="site", tree=ROOT):
        """A new site with both forests active and an empty history; dropped at the end."""
        folder = self.folder / f"{name}-{kind}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if kind == "SQLite":
            site = SqliteSite(folder)
        else:
            site = PostgresSite(folder, self.postgres, f"{NAME}_{name}")
            site.create()
        try:
            baked = {"BAKED_DIR": str(self.baked(tree))}
            manage("quickstart", "true", tree=tree, **baked, **site.environment)
            yield site
        finally:
            site.drop()
            shutil.rmtree(folder)

    def take_turns(self, subjects):
        """{name: [the result of each round, …]}; subjects: {name: call}. Each has warmed up before."""
        found = {name: [] for name in subjects}
        for _ in range(self.rounds):
            for name, measure in subjects.items():
                found[name].append(measure(self.seconds))
        return found


def recorded(site, server, requests, connections, stones=1):
    """A call that loads one of our servers; Void if its answers are not all recorded."""

    def measure(seconds):
        before = settled(site)
        found = load(server, requests, seconds, connections)
        rows, answered = settled(site) - before, found["answers"] * stones
        if not answered <= rows <= answered + connections * stones:
            raise Void(f"{answered} prices were answered, {rows} recorded")
        return found

    measure(1)
    return measure


def settled(site):
    """The number of recorded prices, once those still pending when wrk stopped are included."""
    count, before = site.execute(COUNT), None
    while count != before:
        time.sleep(SETTLE)
        count, before = site.execute(COUNT), count
    return count


COUNT = "SELECT count(*) FROM predictor_prediction WHERE status = 200"


def unrecorded(server, requests, connections):
    """A call that loads a server that records nothing."""
    load(server, requests, 1, connections)
    return lambda seconds: load(server, requests, seconds, connections)


def median(found, key="rate"):
    return statistics.median(one[key] for one in found)


def ratio(found, base, key="rate"):
    """The median over the rounds of one side's figure divided by the other's in the same round."""
    return statistics.median(a[key] / b[key] for a, b in zip(found, base, strict=True))
