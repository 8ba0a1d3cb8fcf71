"""Measures the service under load against all its targets, and against the speed of a bare view.

`make bench` runs it; nothing else imports it. All figures of a table come from one run on this
machine, in rounds that take turns, so that noise affects all sides alike. A run is void unless all
its answers are 200 and recorded. The exit status is 0 if it could measure, whether or not targets
are met.
"""

import argparse
import shutil
import statistics
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from bench import opponents
from bench.admin import admin, keeping
from bench.alarms import alarms
from bench.answer import answer, usual
from bench.exports import exports
from bench.measuring import EXAMPLE, Bench, median, ratio, recorded, unrecorded
from bench.peers import peers
from bench.report import Report
from bench.servers import BARE, OURS, ROOT, WORKERS, Server, Void, load, serving
from bench.sites import FILL
from bench.writes import writes
from ml.stones import SCHEMES

MANY = 32
"""Enough connections to reach all workers."""


# One stone a request


def get(bench, report):
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite"))
        found = bench.take_turns(_get_subjects(bench, stack, site, 8))
    report.table(
        "GET on SQLite, 8 connections",
        [
            *_get_rows(found, 0.5),
            *(_p99_row(found, scheme, 2.5) for scheme in SCHEMES),
        ],
    )


def _get_subjects(bench, stack, site, connections):
    yardstick = {"DJANGO_SETTINGS_MODULE": "bench.bare"}
    bare = stack.enter_context(serving(BARE, EXAMPLE, **yardstick))
    ours = stack.enter_context(serving(OURS, EXAMPLE, **site.environment))
    return {
        "bare": unrecorded(bare, bench.requests("coded"), connections),
        **{scheme: recorded(site, ours, bench.requests(scheme), connections) for scheme in SCHEMES},
    }


def _get_rows(found, target):
    yield "a bare view", "", f"{median(found['bare']):,.0f}/s", None
    for scheme in SCHEMES:
        share = ratio(found[scheme], found["bare"])
        measured = f"{share:.2f}: {median(found[scheme]):,.0f}/s"
        yield f"{scheme}, over it", f">= {target}", measured, share >= target


def _p99_row(found, scheme, target):
    times = ratio(found[scheme], found["bare"], "p99")
    ours, bare = median(found[scheme], "p99"), median(found["bare"], "p99")
    measured = f"{times:.2f}x: {ours:.1f} against {bare:.1f} ms"
    return f"{scheme}, p99 over the bare view's", f"<= {target}x", measured, times <= target


def postgres(bench, report):
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("PostgreSQL"))
        durable = site.execute("SHOW synchronous_commit")
        found = bench.take_turns(_get_subjects(bench, stack, site, 16))
    title = f"GET on PostgreSQL, 16 connections, synchronous_commit {durable}"
    report.table(title, [*_get_rows(found, 0.35)])


# Lists of stones


def batch(bench, report):
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite"))
        ours = stack.enter_context(serving(OURS, EXAMPLE, **site.environment))
        subjects = {}
        for scheme in SCHEMES:
            theirs = stack.enter_context(opponents.frames(bench.folder, scheme, WORKERS))
            requests = bench.requests(f"{scheme}-1000")
            subjects[scheme] = recorded(site, ours, requests, 8, opponents.LIST)
            subjects[f"scikit-learn, {scheme}"] = theirs
        found = bench.take_turns(subjects)
    report.table(
        f"POST of {opponents.LIST:,} rows on SQLite, {WORKERS} processes either side",
        [
            row
            for scheme in SCHEMES
            for row in _batch_rows(scheme, found[scheme], found[f"scikit-learn, {scheme}"])
        ],
    )


def _batch_rows(scheme, ours, theirs):
    for one in ours:
        one["rate"] *= opponents.LIST
    share = ratio(ours, theirs)
    yield f"scikit-learn's predict, {scheme}", "", f"{median(theirs):,.0f} rows/s", None
    measured = f"{share:.2f}: {median(ours):,.0f} rows/s"
    yield f"{scheme}, all recorded, over scikit-learn", ">= 0.5", measured, share >= 0.5


# Start and memory


def start(bench, report):
    with ExitStack() as stack:
        sites = {
            name: (stack.enter_context(bench.site("SQLite", f"start-{name}", tree)), tree)
            for name, tree in bench.trees.items()
        }
        seconds = {name: [] for name in sites}
        for _ in range(bench.rounds):
            for name, place in sites.items():
                with _started(OURS, *place) as (_, took):
                    seconds[name].append(took)
        for name, place in sites.items():
            rows = _start_rows(seconds[name], *_whole_start(bench, *place))
            report.table(f"Start and memory, {name}", rows)


def _whole_start(bench, site, tree):
    """The seconds of manage.py quickstart to its first answer; a worker's memory after load, MB."""
    with _started([sys.executable, "manage.py", "quickstart"], site, tree) as (_, whole):
        pass
    with _started(OURS, site, tree) as (server, _):
        for kind in ("coded", "graded", "coded-1000"):
            load(server, bench.requests(kind), bench.seconds, MANY)
        return whole, server.memory()


def _start_rows(seconds, whole, memory):
    took, each = statistics.median(seconds), " ".join(f"{one:.2f}" for one in seconds)
    first = "gunicorn's start to its first priced answer"
    yield first, "<= 1.5 s", f"{took:.2f} s ({each})", took <= 1.5
    yield "the same of manage.py quickstart (make run)", "", f"{whole:.2f} s", None
    pss = "PSS of the larger worker after load"
    yield pss, "<= 120 MB", f"{memory:.0f} MB", memory <= 120


@contextmanager
def _started(command, site, tree):
    server = Server(command, tree, **site.environment)
    try:
        yield server, server.first_answer(EXAMPLE)
    finally:
        server.stop()


# A long history


def history(bench, report):
    for kind, rows in bench.rows.items():
        with ExitStack() as stack:
            subjects = {}
            for name in ("empty", "full"):
                site = stack.enter_context(bench.site(kind, name))
                if name == "full":
                    report.progress(f"{kind}: recording {rows:,} older answers")
                    site.execute(*FILL[kind](1, rows))
                server = stack.enter_context(serving(OURS, EXAMPLE, **site.environment))
                subjects[name] = recorded(site, server, bench.requests("coded"), 8)
            found = bench.take_turns(subjects)
        times = ratio(found["empty"], found["full"])
        measured = (
            f"{times:.2f}x: {median(found['full']):,.0f} against {median(found['empty']):,.0f}/s"
        )
        report.table(
            f"GET on {kind} with {rows:,} older answers",
            [
                ("slower than with none", "<= 1.2x", measured, times <= 1.2),
            ],
        )


SECTIONS = {
    "answer": answer,
    "usual": usual,
    "get": get,
    "peers": peers,
    "postgres": postgres,
    "batch": batch,
    "start": start,
    "history": history,
    "admin": admin,
    "keeping": keeping,
    "writes": writes,
    "alarms": alarms,
    "exports": exports,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", help="these sections")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "bench", help="kept between runs"
    )
    parser.add_argument(
        "--postgres", default="postgres://postgres@127.0.0.1/postgres", metavar="URL"
    )
    parser.add_argument("--postgres-rows", type=int, default=10_000_000, metavar="N")
    parser.add_argument("--sqlite-rows", type=int, default=1_000_000, metavar="N")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="CHECKOUT",
        help="an older one, for the sections answer and start",
    )
    options = parser.parse_args()
    missing = _missing(options)
    if missing:
        sys.exit(missing)
    report, bench = Report(), Bench(options)
    report.environment("django", "djangorestframework", "gunicorn", "psycopg", "scikit-learn")
    try:
        bench.prepare()
        for name in options.only or SECTIONS:
            report.progress(name)
            SECTIONS[name](bench, report)
    except Void as error:
        sys.exit(f"void: {error}")
    report.summary()


def _missing(options):
    """A line about what this machine lacks; empty if it has everything."""
    if not shutil.which("wrk"):
        return "wrk is not installed (Debian, Ubuntu: apt install wrk)"
    try:
        psycopg.connect(options.postgres).close()
    except psycopg.OperationalError as error:
        why = str(error).strip().splitlines()[0]
        return f"PostgreSQL does not answer ({why}): start it, or name one: make bench ARGS=--postgres=URL"
    return ""


if __name__ == "__main__":
    main()
