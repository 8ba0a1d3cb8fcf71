"""What an answer costs as servers are added before one PostgreSQL; a section of bench/scale.py.

On one machine more servers give no more answers. What is measured is what a replica adds to the cost of
each: the processor's time of the servers and of the database, over the answers that came of it.
"""

import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil

from bench.measuring import EXAMPLE, settled
from bench.servers import OURS, Void, load, serving

COUNTS, CONNECTIONS = (1, 2, 4), 16
"""How many servers, and how many connections between them all."""


def replicas(bench, report):
    found = {count: [] for count in COUNTS}
    with bench.site("PostgreSQL") as site:
        for _ in range(bench.rounds):
            for count in COUNTS:
                found[count].append(_loaded(bench, site, count))
    report.table(f"GET by servers of one process each, one PostgreSQL, {CONNECTIONS} connections", [
        (f"{count} servers", "", _told(found[count]), None) for count in COUNTS
    ])  # fmt: skip
    one, most = (_median(found[count], "web") for count in (COUNTS[0], COUNTS[-1]))
    report.table("What an answer costs", [
        (f"processor's time in {COUNTS[-1]} servers over that in one", "", f"{most / one:.2f}x", None),
    ])  # fmt: skip


def _loaded(bench, site, count):
    """{"rate", "p99", "web", "database"}: answers/s, ms, and microseconds of processor an answer."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                serving(OURS, EXAMPLE, **site.environment, WORKERS="1", VAR_DIR=var)
            )
            for var in [site.environment["VAR_DIR"]] * count
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
        "rate": sum(one["rate"] for one in told), "p99": max(one["p99"] for one in told),
        "web": (after[0] - before[0]) / answers * 1e6,
        "database": max(0.0, after[1] - before[1]) / answers * 1e6,
    }  # fmt: skip


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
