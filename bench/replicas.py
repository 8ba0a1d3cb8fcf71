"""The cost of an answer as servers are added that share one PostgreSQL; a section of bench/scale.py.

On one machine more servers give no more answers. The measure is what a replica adds to the cost of
each: processor time of the servers and of the database, divided by the number of answers.
"""

import json
import logging
import shutil
import statistics
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from bench.measuring import EXAMPLE, settled
from bench.servers import OURS, Void, load, manage, serving

COUNTS, CONNECTIONS = (1, 2, 4), 16
"""The numbers of servers, and the number of connections to all of them together."""

LIMIT = 60
"""Seconds after which an expected change counts as failed."""


def replicas(bench, report):
    found = {count: [] for count in COUNTS}
    with bench.site("PostgreSQL") as site:
        for _ in range(bench.rounds):
            for count in COUNTS:
                found[count].append(_loaded(bench, site, count))
    report.table(
        f"GET by servers of one process each, one PostgreSQL, {CONNECTIONS} connections",
        [(f"{count} servers", "", _row(found[count]), None) for count in COUNTS],
    )
    one, most = (_median(found[count], "web") for count in (COUNTS[0], COUNTS[-1]))
    report.table(
        "What an answer costs",
        [
            (
                f"processor's time in {COUNTS[-1]} servers over that in one",
                "",
                f"{most / one:.2f}x",
                None,
            ),
        ],
    )
    report.table(f"{COUNTS[-1]} machines, one PostgreSQL, an S3 stand-in", [_followed(bench)])


def _loaded(bench, site, count):
    """{"rate", "p99", "web", "database"}: answers/s, ms, and microseconds of processor an answer."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(OURS, EXAMPLE, **site.environment, WORKERS="1"))
            for _ in range(count)
        ]
        web = [one for server in servers for one in _family(psutil.Process(server.process.pid))]
        database = [one for one in psutil.process_iter() if one.name().startswith("postgres")]
        before, records = (_seconds(web), _seconds(database)), settled(site)
        with ThreadPoolExecutor(count) as pool:
            share = CONNECTIONS // count
            loads = [
                pool.submit(load, one, bench.requests("coded"), bench.seconds, share)
                for one in servers
            ]
            loaded = [one.result() for one in loads]
        answers = sum(one["answers"] for one in loaded)
        database = [one for one in psutil.process_iter() if one.name().startswith("postgres")]
        after = _seconds(web), _seconds(database)
        recorded = settled(site) - records
        if not answers <= recorded <= answers + CONNECTIONS:
            raise Void(f"{answers} prices were answered, {recorded} recorded")
    return {
        "rate": sum(one["rate"] for one in loaded),
        "p99": max(one["p99"] for one in loaded),
        "web": (after[0] - before[0]) / answers * 1e6,
        "database": max(0.0, after[1] - before[1]) / answers * 1e6,
    }


def _followed(bench):
    """Seconds from the end of `activate` until all machines, each of which has to fetch it, use the
    new version."""
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("PostgreSQL", "replicas"))
        media = Path(site.environment["VAR_DIR"]) / "media"
        _register_again(media, **site.environment)
        environment = site.environment | stack.enter_context(_store_of(media))
        machines = [bench.folder / f"machine-{number}" for number in range(COUNTS[-1])]
        servers = [stack.enter_context(_machine(var, environment)) for var in machines]
        found = []
        for turn in range(bench.rounds):
            for copy in _copies(bench):
                copy.unlink()
            found.append(_swap(turn, servers, **environment))
            if len(_copies(bench)) < len(machines):
                raise Void("not every machine fetched the forest")
    measured = f"median {statistics.median(found):.2f} s, longest {max(found):.2f} s"
    what = "a version activated, fetched, and answering on every machine"
    return what, "<= 5 s", measured, max(found) <= 5


def _register_again(media, **environment):
    """Registers the first coded forest of a media folder as version 2, too, so that the two can be
    swapped."""
    [file] = (media / "models").glob("coded-1-*.forest")
    code = f"from predictor.versions.store import register_file; register_file({str(file)!r})"
    manage("shell", "--no-imports", "-c", code, **environment)


def _swap(turn, servers, **environment):
    """Seconds from the end of `activate` until no worker uses the previous version: 2, 1, 2, …"""
    version = 2 - turn % 2
    manage("activate", "coded", str(version), "--why", "measured", **environment)
    return _seconds_until(lambda: all(_all_priced(one, version) for one in servers))


def _seconds_until(condition):
    """Seconds until a condition is true; Void if it does not become true."""
    started = time.perf_counter()
    while not condition():
        if time.perf_counter() - started > LIMIT:
            raise Void(f"it did not come about within {LIMIT} s")
        time.sleep(0.02)
    return time.perf_counter() - started


def _all_priced(server, version):
    """Whether several prices in a row, on new connections, all come from a version."""
    return all(_version(server) == version for _ in range(8))


def _version(server):
    """The version number in the answer to a request on a new connection."""
    with urllib.request.urlopen(server.url(EXAMPLE), timeout=LIMIT) as response:  # noqa: S310
        return json.load(response)["model"]["version"]


def _copies(bench):
    return [*bench.folder.glob("machine-*/cache/*.forest")]


@contextmanager
def _store_of(media):
    """The environment variables of a store with the site's forests."""
    from tests.stores import keep, s3

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs a line for each request
    with s3() as environment:
        yield environment | {"FOREST_STORE": keep(media, environment)}


@contextmanager
def _machine(var, environment):
    """A server with its own VAR_DIR, which is removed with it."""
    (var / "static").mkdir(parents=True)
    try:
        with serving(OURS, EXAMPLE, **environment | {"VAR_DIR": str(var)}) as server:
            yield server
    finally:
        shutil.rmtree(var)


def _family(process):
    return [process, *process.children(recursive=True)]


def _seconds(processes):
    """The processor time of the running processes so far, in seconds."""
    used = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


def _median(found, key):
    return statistics.median(one[key] for one in found)


def _row(found):
    rate, p99, web, database = (_median(found, key) for key in ("rate", "p99", "web", "database"))
    cost = f"an answer takes {web:,.0f} µs of the servers, {database:,.0f} µs of the database"
    return f"{rate:,.0f}/s, p99 {p99:.0f} ms; {cost}"
