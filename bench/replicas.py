"""What an answer costs as servers are added before one PostgreSQL; a section of bench/scale.py.

On one machine more servers give no more answers. What is measured is what a replica adds to the cost of
each: the processor's time of the servers and of the database, over the answers that came of it.
"""

import logging
import shutil
import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from bench.measuring import EXAMPLE, settled
from bench.outages import register_again, row, swap
from bench.servers import OURS, Void, load, serving

COUNTS, CONNECTIONS = (1, 2, 4), 16
"""How many servers, and how many connections between them all."""


def replicas(bench, report):
    found = {count: [] for count in COUNTS}
    with bench.site("PostgreSQL") as site:
        for _ in range(bench.rounds):
            for count in COUNTS:
                found[count].append(_loaded(bench, site, count))
    report.table(
        f"GET by servers of one process each, one PostgreSQL, {CONNECTIONS} connections",
        [(f"{count} servers", "", _told(found[count]), None) for count in COUNTS],
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
            told = [one.result() for one in loads]
        answers = sum(one["answers"] for one in told)
        database = [one for one in psutil.process_iter() if one.name().startswith("postgres")]
        after = _seconds(web), _seconds(database)
        recorded = settled(site) - records
        if not answers <= recorded <= answers + CONNECTIONS:
            raise Void(f"{answers} prices were answered, {recorded} recorded")
    return {
        "rate": sum(one["rate"] for one in told),
        "p99": max(one["p99"] for one in told),
        "web": (after[0] - before[0]) / answers * 1e6,
        "database": max(0.0, after[1] - before[1]) / answers * 1e6,
    }


def _followed(bench):
    """From the end of `activate` until all machines, each of which has to fetch it, answer from it."""
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("PostgreSQL", "replicas"))
        media = Path(site.environment["VAR_DIR"]) / "media"
        register_again(media, **site.environment)
        environment = site.environment | stack.enter_context(_store_of(media))
        machines = [bench.folder / f"machine-{number}" for number in range(COUNTS[-1])]
        servers = [stack.enter_context(_machine(var, environment)) for var in machines]
        found = []
        for turn in range(bench.rounds):
            for copy in _copies(bench):
                copy.unlink()
            found.append(swap(turn, servers, **environment))
            if len(_copies(bench)) < len(machines):
                raise Void("not every machine fetched the forest")
    return row("a version activated, fetched, and answering on every machine", 5, found)


def _copies(bench):
    return [*bench.folder.glob("machine-*/cache/*.forest")]


@contextmanager
def _store_of(media):
    """The environment of a store that has the site's forests."""
    from tests.stores import keep, s3

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    with s3() as environment:
        yield environment | {"FOREST_STORE": keep(media, environment)}


@contextmanager
def _machine(var, environment):
    """A server with a VAR_DIR of its own, which is gone with it."""
    (var / "static").mkdir(parents=True)
    try:
        with serving(OURS, EXAMPLE, **environment | {"VAR_DIR": str(var)}) as server:
            yield server
    finally:
        shutil.rmtree(var)


def _family(process):
    return [process, *process.children(recursive=True)]


def _seconds(processes):
    """The processor's time that they have used, in seconds; none of those that are gone."""
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


def _told(found):
    rate, p99, web, database = (_median(found, key) for key in ("rate", "p99", "web", "database"))
    cost = f"an answer takes {web:,.0f} µs of the servers, {database:,.0f} µs of the database"
    return f"{rate:,.0f}/s, p99 {p99:.0f} ms; {cost}"
