"""Partitioning a long history on PostgreSQL, and dropping months of it, while rows are recorded one by
one; a section of bench/scale.py."""

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from bench.admin import asked
from bench.history_size import TABLE, median_ms, record, some_ids
from bench.sites import COLUMNS, FILL

MOST_WAIT = 2_000
"""The longest that a price may wait, in ms; the server gives up after three seconds."""

EPOCH = 1_700_000_000
"""The time of the rows of FILL, in seconds: the first is a second later."""


def partitions(bench, report):
    rows = bench.partitioned_rows
    with bench.site("PostgreSQL") as site:
        report.progress(f"partitions: {rows:,} rows")
        site.execute(*FILL["PostgreSQL"](1, rows))
        plain = _costs(site)
        with _recording(site) as waits:
            seconds = asked(site, "partitioned")["seconds"]
        table = [
            ("converted while rows are recorded", "", f"{seconds:.0f} s", None),
            _longest("longest wait of a row recorded meanwhile", waits),
        ]
        report.progress(f"partitions: {rows // 2:,} rows by month")
        first, third = _month(site, 1), _month(site, 3)
        site.execute(*FILL["PostgreSQL"](first + 1 - EPOCH, first - EPOCH + rows // 2))
        by_month = _costs(site)
        with _recording(site) as waits:
            dropped = asked(site, "dropped", str(third))
        rate = f"{dropped['rows']:,} rows in {dropped['seconds']:.0f} s"
        table += [
            ("partitions that have ended are dropped", "", rate, None),
            _longest("longest wait of a row recorded meanwhile", waits),
            *(_cost(name, plain[name], by_month[name]) for name in plain),
        ]
    report.table(f"The history of {rows:,} rows on PostgreSQL, by month", table)


def _month(site, number):
    """The time, in seconds, at which the first, second, … month with its own partition begins."""
    name = site.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND "  # noqa: S608
        f"relname ~ '^{TABLE}_[0-9]{{4}}_[0-9]{{2}}$' ORDER BY 1 OFFSET {number - 1} LIMIT 1"
    )
    year, month = name.split("_")[-2:]
    return round(datetime(int(year), int(month), 1, tzinfo=UTC).timestamp())


def _costs(site):
    with psycopg.connect(site.url, autocommit=True) as connection:
        return {
            "a row recorded, µs": record(connection),
            "a quote by its id, ms": median_ms(
                connection,
                f"SELECT * FROM {TABLE} WHERE id = %s",  # noqa: S608
                some_ids(connection),
            ),
        }


def _cost(name, before, after):
    return (f"{name}: before, by month", "", f"{before:.2f}, {after:.2f}", None)


def _longest(what, waits):
    longest = max(waits) * 1000
    return (
        what,
        f"<= {MOST_WAIT:,} ms",
        f"{longest:,.0f} ms of {len(waits):,}",
        longest <= MOST_WAIT,
    )


@contextmanager
def _recording(site):
    """Records rows, each in its own transaction, as prices are; yields the list of their seconds."""
    waits, over = [], threading.Event()

    def record_rows():
        with psycopg.connect(site.url, autocommit=True) as connection:
            while not over.wait(0.002):
                begun = time.perf_counter()
                connection.execute(_one(len(waits)))
                waits.append(time.perf_counter() - begun)

    thread = threading.Thread(target=record_rows)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


def _one(number):
    """A copy of a row, with an id of now."""
    milliseconds = time.time_ns() // 1_000_000
    id_ = f"{milliseconds:012x}7000{0x8000:04x}{number:012x}"
    columns = COLUMNS.removeprefix("id, created,")
    return f"""INSERT INTO {TABLE} (id, created, {columns})
        SELECT '{id_}', now(), {columns} FROM {TABLE} ORDER BY id LIMIT 1"""  # noqa: S608
